//! `[[tenant]]`: who the gateway works for, with users, applications and groups.

use std::collections::{BTreeMap, BTreeSet};

use super::section::Section;
use super::user::{self, Users};
use super::{PasswordHash, Quotas, Secret, Seeds, TenantAicc, TenantGms};
use crate::domain::names::{InvalidName, MAX_NAME_CHARS};
use crate::domain::{
    ApplicationName, EnvironmentName, GroupName, GroupRules, Number, Policy, Seconds, Sharing, TenantId,
};

/// The booking times that GMS allows, in seconds.
const BOOKING: std::ops::RangeInclusive<u64> = 5..=1800;
/// Longest rest that can be configured, in seconds.
const DAY: u64 = 86_400;

/// One tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The tenant's id, as the `Tenant-Id` header gives it.
    pub id: TenantId,
    /// The tenant's environments; empty for a tenant without.
    pub environments: BTreeSet<EnvironmentName>,
    /// The users by name.
    pub users: Users,
    /// The applications that may call for the tenant.
    pub applications: Vec<Application>,
    /// The groups with a policy of their own; other groups take the default one.
    pub groups: Vec<Group>,
    /// How much of everything the tenant may have.
    pub limits: Quotas,
    /// The tenant's GMS options.
    pub gms: TenantGms,
    /// The tenant's contact center, as AICC sees it.
    pub aicc: TenantAicc,
    /// What an empty data directory starts with.
    pub seeds: Seeds,
}

/// An application of a tenant.
#[derive(Clone, Debug)]
pub struct Application {
    /// What people call it. Things that it makes are known as its own by this name.
    pub name: ApplicationName,
    /// What its key opens.
    pub kind: ApplicationKind,
    /// The key, as the `Application-Key` header gives it.
    pub key: Secret,
}

/// What an application's key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationKind {
    /// All operations on numbers.
    Dnis,
    /// Allocation for the interactions of the application.
    Interaction,
}

impl ApplicationKind {
    /// The word for it in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dnis => "dnis",
            Self::Interaction => "interaction",
        }
    }
}

/// A group of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group's name.
    pub name: GroupName,
    /// How it lends.
    pub rules: GroupRules,
    /// The group that lends in its place while it has no number; GMS and the gateway's own SOAP ask for that.
    pub fallback: Option<GroupName>,
    /// How long GMS books a number of the group where neither the request nor the service says so.
    pub booking_expiration_timeout: Option<Seconds>,
}

impl Tenant {
    /// The hashes of all its passwords, those of users and of GMS sections.
    pub(super) fn password_hashes(&self) -> impl Iterator<Item = &PasswordHash> {
        self.users.values().map(|user| &user.hash).chain(self.gms.password_hashes())
    }

    /// The section of a group, if it has one.
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups.iter().find(|section| section.name == *name)
    }

    /// The groups that lend in the place of `group`, the next one first.
    pub fn fallbacks(&self, group: &GroupName) -> Vec<GroupName> {
        let next = |group: &GroupName| self.group(group)?.fallback.clone();
        // No group falls back on itself; that is checked when the settings are read.
        std::iter::successors(next(group), next).take(self.groups.len()).collect()
    }

    /// Whether the settings speak of a group: by a section of its own, or by a number that they bring along.
    pub(super) fn knows(&self, group: &GroupName) -> bool {
        self.group(group).is_some() || self.seeds.numbers.iter().any(|number| number.group.as_ref() == Some(group))
    }

    /// Reads a tenant; `None` without a usable id. `basic_users` and `app_keys` are what other tenants
    /// have taken.
    pub(super) fn read(
        section: &mut Section<'_>,
        basic_users: &mut BasicUsers,
        app_keys: &mut BTreeSet<String>,
    ) -> Option<Self> {
        section.require("id");
        let id = section.text("id", TenantId::new);
        let environments = read_environments(section);
        let seeds = Seeds::read(section, &environments);
        let users = user::read(section, "this tenant", |_| None);
        let applications = read_applications(section);
        let known = KnownGroups::of(section);
        let groups = read_groups(section, &known);
        let limits = section.section("limits", Quotas::read);
        let gms = section.section("gms", |section| TenantGms::read(section, id.as_ref(), basic_users, &known));
        let aicc = section.section("aicc", |section| TenantAicc::read(section, id.as_ref(), &environments, app_keys));
        Some(Self { id: id?, environments, users, applications, groups, limits, gms, aicc, seeds })
    }
}

/// Which tenant a user name of Basic authentication belongs to: the name is all that tells the tenant.
#[derive(Debug, Default)]
pub(super) struct BasicUsers(BTreeMap<String, TenantId>);

impl BasicUsers {
    /// Takes `username` for `tenant`; `false` when it is another tenant's.
    pub(super) fn take(&mut self, username: &str, tenant: &TenantId) -> bool {
        self.0.entry(username.to_owned()).or_insert_with(|| tenant.clone()) == tenant
    }
}

fn read_environments(section: &mut Section<'_>) -> BTreeSet<EnvironmentName> {
    let mut environments = BTreeSet::new();
    for name in section.texts("environments", EnvironmentName::new).unwrap_or_default() {
        if let Some(twice) = environments.replace(name) {
            section.problem("environments", format!("names \"{twice}\" twice (names are compared without case)"));
        }
    }
    environments
}

fn read_applications(section: &mut Section<'_>) -> Vec<Application> {
    let kinds = [ApplicationKind::Dnis, ApplicationKind::Interaction].map(|kind| (kind.name(), kind));
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    section.sections("applications", |section| {
        for key in ["name", "kind", "key"] {
            section.require(key);
        }
        let name = section.text("name", ApplicationName::new);
        let kind = section.choice("kind", &kinds);
        let mut twice = false;
        let key = section.secret("key", |text| {
            let key = application_key(text)?;
            twice = !keys.insert(key.clone());
            Ok::<_, &str>(Secret::new(key))
        });
        if twice {
            section.problem("key", "is the key of another application of this tenant too");
        }
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            section.problem("name", "is the name of another application of this tenant too");
        }
        Some(Application { name: name?, kind: kind?, key: key? })
    })
}

/// The groups that the settings of a tenant speak of. A group that is named but is not among them is a slip: nothing
/// would ever be lent from it.
pub(super) struct KnownGroups(BTreeSet<GroupName>);

impl KnownGroups {
    fn of(tenant: &Section<'_>) -> Self {
        let named = [("groups", "name"), ("numbers", "group")];
        let names = named.into_iter().flat_map(|(list, key)| tenant.texts_within(list, key));
        Self(names.filter_map(|name| GroupName::new(name).ok()).collect())
    }

    /// The name of a group that is known, else what is wrong with it.
    pub(super) fn read(&self, text: &str) -> Result<GroupName, String> {
        let name = GroupName::new(text).map_err(|invalid| invalid.to_string())?;
        match self.0.contains(&name) {
            true => Ok(name),
            false => Err(Self::unknown(&name, "the tenant")),
        }
    }

    /// What is told of a group that `whoever` should have.
    pub(super) fn unknown(name: &GroupName, whoever: &str) -> String {
        format!(
            "must be a group that {whoever} has, and there is no \"{name}\"; correct the name, or add it to \
             tenant.groups: {{ name = \"{name}\" }}"
        )
    }
}

fn read_groups(section: &mut Section<'_>, known: &KnownGroups) -> Vec<Group> {
    let mut names = BTreeSet::new();
    let groups = section.sections("groups", |section| {
        section.require("name");
        let name = section.text("name", GroupName::new);
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            section.problem("name", "is the name of another group of this tenant too");
        }
        let rules = read_rules(section);
        let fallback = section.text("fallback", |text| known.read(text));
        let booking_expiration_timeout = section.whole("_booking_expiration_timeout", BOOKING).map(Seconds::new);
        Some(Group { name: name?, rules, fallback, booking_expiration_timeout })
    });
    if let Some(circle) = circle(&groups) {
        section.problem("groups", format!("fall back on each other in a circle, \"{circle}\" among them"));
    }
    groups
}

fn read_rules(section: &mut Section<'_>) -> GroupRules {
    let policies = [
        ("round-robin", Policy::RoundRobin),
        ("random", Policy::Random),
        ("least-recently-freed", Policy::LeastRecentlyFreed),
    ];
    let sharings = [("exclusive", Sharing::Exclusive), ("shared", Sharing::Shared)];
    GroupRules {
        policy: section.choice("policy", &policies).unwrap_or_default(),
        sharing: section.choice("sharing", &sharings).unwrap_or_default(),
        cool_down: section.whole("cool_down", 0..=DAY).map(Seconds::new).unwrap_or_default(),
        reserved: section.texts("reserved", Number::new).unwrap_or_default().into_iter().collect(),
    }
}

/// A group whose fallbacks lead back to it, if there is one.
fn circle(groups: &[Group]) -> Option<&GroupName> {
    let fallback = |name: &GroupName| groups.iter().find(|group| group.name == *name)?.fallback.as_ref();
    groups.iter().map(|group| &group.name).find(|start| {
        let chain = std::iter::successors(fallback(start), |name| fallback(name)).take(groups.len());
        chain.into_iter().any(|name| name == *start)
    })
}

/// A name that people chose: what is left after trimming, without control characters.
pub(super) fn label(text: &str) -> Result<String, InvalidName> {
    // The rules of a group's name are the ones of all text names.
    GroupName::new(text).map(|name| name.as_str().to_owned())
}

/// A key as an HTTP header can carry it.
pub(super) fn application_key(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 255 printable ASCII characters without blanks")
    }
}
