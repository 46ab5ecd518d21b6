//! `[[tenant.numbers]]` and `[[tenant.interactions]]`: what an empty data directory starts with.
//!
//! The state belongs to those who call the gateway; the file only gives it a beginning. A data directory that already
//! holds something is never changed by it.

use std::collections::BTreeSet;

use super::section::Section;
use super::tenant::label;
use crate::domain::{EnvironmentName, GroupName, Number};

/// The seeds of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// Numbers, in the order of the file.
    pub numbers: Vec<SeedNumber>,
    /// Interactions, in the order of the file.
    pub interactions: Vec<SeedInteraction>,
}

/// A number to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedNumber {
    /// The full number.
    pub number: Number,
    /// The short form that the telephone exchange delivers.
    pub dnid: Number,
    /// The group that lends it, if any.
    pub group: Option<GroupName>,
    /// Whether it may be lent.
    pub enabled: bool,
    /// The environment it belongs to; `None` exactly where the tenant has none.
    pub environment: Option<EnvironmentName>,
}

/// An interaction to begin with; it never expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedInteraction {
    /// The interaction's id.
    pub id: String,
    /// The environment it belongs to; `None` exactly where the tenant has none.
    pub environment: Option<EnvironmentName>,
}

impl Seeds {
    /// Reads the seeds of a tenant with these environments.
    pub(super) fn read(section: &mut Section<'_>, environments: &BTreeSet<EnvironmentName>) -> Self {
        let mut numbers = BTreeSet::new();
        let mut ids = BTreeSet::new();
        Self {
            numbers: section.sections("numbers", |section| {
                let seed = SeedNumber::read(section, environments)?;
                if !numbers.insert((seed.number, seed.environment.clone())) {
                    section.problem("number", "is there twice; a number can be in one group only");
                }
                Some(seed)
            }),
            interactions: section.sections("interactions", |section| {
                let seed = SeedInteraction::read(section, environments)?;
                if !ids.insert((seed.id.clone(), seed.environment.clone())) {
                    section.problem("id", "is there twice");
                }
                Some(seed)
            }),
        }
    }
}

impl SeedNumber {
    fn read(section: &mut Section<'_>, environments: &BTreeSet<EnvironmentName>) -> Option<Self> {
        section.require("number");
        section.require("dnid");
        let number = section.text("number", Number::new);
        let dnid = section.text("dnid", Number::new);
        let group = section.text("group", GroupName::new);
        let enabled = section.flag("enabled").unwrap_or(true);
        let environment = read_environment(section, environments);
        Some(Self { number: number?, dnid: dnid?, group, enabled, environment: environment? })
    }
}

impl SeedInteraction {
    fn read(section: &mut Section<'_>, environments: &BTreeSet<EnvironmentName>) -> Option<Self> {
        section.require("id");
        let id = section.text("id", label);
        let environment = read_environment(section, environments);
        Some(Self { id: id?, environment: environment? })
    }
}

/// The environment of a seed or an application: required and known where the tenant has some, not allowed where it has none.
pub(super) fn read_environment(
    section: &mut Section<'_>,
    environments: &BTreeSet<EnvironmentName>,
) -> Option<Option<EnvironmentName>> {
    let environment = section.text("environment", |text| {
        let name = EnvironmentName::new(text).map_err(|error| error.to_string())?;
        if environments.contains(&name) {
            return Ok(name);
        }
        let known: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
        Err(match known.as_slice() {
            [] => "is not allowed: the tenant has no environments".to_owned(),
            _ => format!("must be an environment of the tenant: {}", known.join(", ")),
        })
    });
    match environment {
        None if environments.is_empty() => Some(None),
        None => {
            section.require("environment");
            None
        }
        Some(environment) => Some(Some(environment)),
    }
}
