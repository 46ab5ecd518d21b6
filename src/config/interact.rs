//! `[interact]`: the Interact dialect.

use std::collections::BTreeMap;

use super::Tenant;
use super::section::Section;
use super::tenant::KnownGroups;
use crate::domain::{GroupName, Seconds, TenantId};

/// Longest allocation that can be configured, in seconds.
const DAY: u64 = 86_400;
/// First path segments of the other dialects.
const TAKEN: [&str; 4] = ["genesys", "apigovernance", "apiaccess", "gateway"];

/// Section `interact`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interact {
    /// What the paths of the dialect begin with: a slash first, none at the end. Default `/interact`.
    pub prefix: String,
    /// How long an allocation lasts. Default 900 s, the 15 minutes of the vendor.
    pub allocation_timeout: Seconds,
    /// The groups that lend when a request names none; without it, all exclusive groups and the numbers without group.
    pub default_groups: Option<Vec<GroupName>>,
    /// Whether Allocate refuses an interaction id that the gateway has not made. Default false.
    pub require_known_interaction: bool,
    /// What a Get that finds an allocation does to it. Default never.
    pub release_on_get: ReleaseOnGet,
}

/// What a Get that finds an allocation does to it; the vendor's pages do not agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReleaseOnGet {
    /// Nothing: Free or the time ends it.
    #[default]
    Never,
    /// It ends.
    AtOnce,
    /// It lasts so long at most from then on.
    Within(Seconds),
}

impl ReleaseOnGet {
    /// How long an allocation lasts at most after a Get; `None` where a Get changes nothing.
    pub fn left(self) -> Option<Seconds> {
        match self {
            Self::Never => None,
            Self::AtOnce => Some(Seconds::default()),
            Self::Within(seconds) => Some(seconds),
        }
    }
}

impl Default for Interact {
    fn default() -> Self {
        Self {
            prefix: "/interact".to_owned(),
            allocation_timeout: Seconds::new(900),
            default_groups: None,
            require_known_interaction: false,
            release_on_get: ReleaseOnGet::default(),
        }
    }
}

impl Interact {
    /// Reads the section; `tenants` are the ones whose groups it may name.
    pub(super) fn read(section: &mut Section<'_>, tenants: &BTreeMap<TenantId, Tenant>) -> Self {
        let default = Self::default();
        let timeout = section.whole("allocation_timeout", 1..=DAY).map_or(default.allocation_timeout, Seconds::new);
        Self {
            prefix: section.text("prefix", prefix).unwrap_or(default.prefix),
            allocation_timeout: timeout,
            default_groups: section.texts("default_groups", |text| known_group(text, tenants)),
            require_known_interaction: section.flag("require_known_interaction").unwrap_or_default(),
            release_on_get: section
                .choice_or_whole(
                    "release_on_get",
                    &[("never", ReleaseOnGet::Never), ("at-once", ReleaseOnGet::AtOnce)],
                    1..=DAY,
                    |seconds| ReleaseOnGet::Within(Seconds::new(seconds)),
                )
                .unwrap_or_default(),
        }
    }
}

/// A group that one of the tenants has.
fn known_group(text: &str, tenants: &BTreeMap<TenantId, Tenant>) -> Result<GroupName, String> {
    let name = GroupName::new(text).map_err(|invalid| invalid.to_string())?;
    match tenants.values().any(|tenant| tenant.knows(&name)) {
        true => Ok(name),
        false => Err(KnownGroups::unknown(&name, "a tenant")),
    }
}

/// Holds a path prefix to a form that cannot be mistaken for another dialect's.
fn prefix(text: &str) -> Result<String, String> {
    let segments = text.strip_prefix('/').unwrap_or_default().split('/');
    let plain = |segment: &str| {
        let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(kept)
    };
    if !segments.clone().all(plain) {
        return Err(
            "must be a path such as \"/interact\": a slash first, none at the end, letters, digits and - . _ ~".into(),
        );
    }
    match segments.into_iter().next().filter(|first| TAKEN.contains(first)) {
        Some(first) => Err(format!("must not begin with \"/{first}\", which belongs to another dialect")),
        None => Ok(text.to_owned()),
    }
}
