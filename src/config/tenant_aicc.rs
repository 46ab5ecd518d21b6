//! `[tenant.aicc]`: a tenant's contact center, with the names that AICC has for its parts, in snake case.
//!
//! Access codes, configured skill queues and IVR flows are the same in all environments of the tenant; an application
//! belongs to one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Secret;
use super::section::Section;
use super::seeds::read_environment;
use super::tenant::{application_key, label};
use crate::domain::call_center::Direction;
use crate::domain::skill::LAST_CONFIGURED_SKILL;
use crate::domain::{
    CallCenter, EnvironmentName, Flow, FlowId, Hotline, HotlineCode, MediaType, NewSkill, Overdial, Skill, SkillId,
    TenantId,
};

/// Section `tenant.aicc`.
#[derive(Clone, Debug, Default)]
pub struct TenantAicc {
    /// Whether the tenant's account is suspended: its applications are told so instead of being served.
    pub suspended: bool,
    /// The applications that may ask for tokens.
    pub applications: Vec<AiccApplication>,
    /// What called routes connect.
    pub call_center: Arc<CallCenter>,
}

/// An application that may ask for tokens.
#[derive(Clone, Debug)]
pub struct AiccApplication {
    /// The application's key; no other application of any tenant has it, so it tells the tenant.
    pub key: String,
    /// The secret that goes with it.
    pub secret: Secret,
    /// The environment that the application works in; `None` exactly where the tenant has none.
    pub environment: Option<EnvironmentName>,
}

impl TenantAicc {
    /// Reads the section of `tenant`; `taken` are the keys of other tenants' applications.
    pub(super) fn read(
        section: &mut Section<'_>,
        tenant: Option<&TenantId>,
        environments: &BTreeSet<EnvironmentName>,
        taken: &mut BTreeSet<String>,
    ) -> Self {
        let allowed = section.flag("overdial").unwrap_or_default();
        Self {
            suspended: section.flag("suspended").unwrap_or_default(),
            applications: section.sections("applications", |section| read_application(section, environments, taken)),
            call_center: Arc::new(CallCenter {
                hotlines: read_hotlines(section, tenant),
                skills: read_skills(section),
                flows: read_flows(section),
                overdial: if allowed { Overdial::Allowed } else { Overdial::Refused },
            }),
        }
    }
}

fn read_application(
    section: &mut Section<'_>,
    environments: &BTreeSet<EnvironmentName>,
    taken: &mut BTreeSet<String>,
) -> Option<AiccApplication> {
    section.require("app_key");
    section.require("app_secret");
    let key = section.text("app_key", application_key);
    let secret = section.secret("app_secret", application_key).map(Secret::new);
    let environment = read_environment(section, environments);
    if key.as_ref().is_some_and(|key| !taken.insert(key.clone())) {
        section.problem("app_key", "is the key of another AICC application too; the key must tell the tenant");
    }
    Some(AiccApplication { key: key?, secret: secret?, environment: environment? })
}

fn read_hotlines(section: &mut Section<'_>, tenant: Option<&TenantId>) -> BTreeMap<HotlineCode, Hotline> {
    let directions = [Direction::Inbound, Direction::Outbound, Direction::Both];
    let mut codes = BTreeSet::new();
    let hotlines = section.sections("access_codes", |section| {
        section.require("code");
        let code = section.text("code", HotlineCode::new);
        if code.as_ref().is_some_and(|code| !codes.insert(code.clone())) {
            section.problem("code", "is there twice");
        }
        let direction = section.whole("num_call_attr", 1..=3_u8);
        let media = read_media(section);
        let service_number = section.text("n400_number", label);
        let description = section.text("description", label);
        let code = code?;
        let hotline = Hotline {
            id: hotline_id(tenant, &code),
            media,
            service_number,
            description,
            direction: direction.map_or(Direction::default(), |number| directions[usize::from(number) - 1]),
        };
        Some((code, hotline))
    });
    hotlines.into_iter().collect()
}

/// The id of an access code: 19 digits that follow from the code alone, so that they stay when the file is rearranged.
fn hotline_id(tenant: Option<&TenantId>, code: &HotlineCode) -> u64 {
    const FIRST: u64 = 1_100_000_000_000_000_000;
    const ROOM: u64 = 100_000_000_000_000_000;
    let digest = Sha256::new()
        .chain_update(tenant.map_or("", TenantId::as_str))
        .chain_update("\n")
        .chain_update(code.as_str())
        .finalize();
    let drawn = digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    FIRST + drawn % ROOM
}

fn read_skills(section: &mut Section<'_>) -> BTreeMap<SkillId, Arc<Skill>> {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let skills = section.sections("skills", |section| {
        section.require("id");
        section.require("name");
        let id = section.whole("id", 1..=LAST_CONFIGURED_SKILL).map(SkillId);
        if id.is_some_and(|id| !ids.insert(id)) {
            section.problem("id", "is the id of another skill queue of this tenant too");
        }
        let name = section.text("name", label);
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            section.problem("name", "is the name of another skill queue of this tenant too");
        }
        let description = section.text("description", label);
        let about = NewSkill {
            media: read_media(section),
            max_wait: section.whole("max_wait_time", 0..=60_000).unwrap_or(60),
            max_waiting: section.whole("max_wait_num", 0..=10_000).unwrap_or(100),
            wrap_up: section.whole("max_agent_wrapup_time", 0..=3_600).unwrap_or(5),
            description: description.unwrap_or_default().into(),
            settings: "".into(),
            name: name?.into(),
        };
        Some((id?, Arc::new(Skill { id: id?, about })))
    });
    skills.into_iter().collect()
}

fn read_flows(section: &mut Section<'_>) -> BTreeMap<FlowId, Flow> {
    let mut ids = BTreeSet::new();
    let flows = section.sections("ivr_flows", |section| {
        section.require("id");
        section.require("description");
        let id = section.whole("id", 1..=u32::MAX).map(FlowId);
        if id.is_some_and(|id| !ids.insert(id)) {
            section.problem("id", "is the id of another IVR flow of this tenant too");
        }
        let flow = Flow {
            code: section.text("access_code", label).unwrap_or_default(),
            loaded: section.flag("is_load").unwrap_or(true),
            max_calls: section.whole("max_call_num", 0..=u32::MAX).unwrap_or(100),
            file: section.text("flow_file_name", label).unwrap_or_default(),
            kind: section.whole("flow_type", 0..=6).unwrap_or_default(),
            description: section.text("description", label)?,
        };
        Some((id?, flow))
    });
    flows.into_iter().collect()
}

/// The media type, by the vendor's number; voice and video where none is given.
fn read_media(section: &mut Section<'_>) -> MediaType {
    let number = section.whole("media_type", 0..=u8::MAX);
    match number.map(|number| MediaType::of(number.into())) {
        None => MediaType::default(),
        Some(Some(media)) => media,
        Some(None) => {
            section.problem("media_type", "must be 2, 5, 18, 19 or 53");
            MediaType::default()
        }
    }
}
