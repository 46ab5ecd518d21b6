//! The lines that tell of what groups are used for over time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::usage::{Figures, Group, Running, Span, UsageRecord};
use crate::domain::{EnvironmentName, GroupName, Scope, TenantId};

/// What happened in some time.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FiguresLine {
    peak: u64,
    lends: u64,
    matches: u64,
    expiries: u64,
    refusals: u64,
    ended: u64,
    held_ms: u64,
}

impl From<Figures> for FiguresLine {
    fn from(figures: Figures) -> Self {
        let Figures { peak, lends, matches, expiries, refusals, ended, held_millis } = figures;
        Self { peak, lends, matches, expiries, refusals, ended, held_ms: held_millis }
    }
}

impl From<FiguresLine> for Figures {
    fn from(line: FiguresLine) -> Self {
        let FiguresLine { peak, lends, matches, expiries, refusals, ended, held_ms } = line;
        Self { peak, lends, matches, expiries, refusals, ended, held_millis: held_ms }
    }
}

/// What a group is used for in the quarter of an hour that runs, and in its hour so far.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    /// Not there for the numbers without a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupName>,
    /// Since 1970.
    quarter: u32,
    of_quarter: FiguresLine,
    of_hour: FiguresLine,
}

impl UsageLine {
    pub(crate) fn of(scope: &Scope, group: &Group, running: &Running) -> Self {
        let Scope { tenant, environment } = scope.clone();
        let Running { quarter, of_quarter, of_hour } = *running;
        Self {
            tenant,
            environment,
            group: group.clone(),
            quarter,
            of_quarter: of_quarter.into(),
            of_hour: of_hour.into(),
        }
    }

    pub(crate) fn running(self) -> (Group, Arc<Running>) {
        let Self { group, quarter, of_quarter, of_hour, .. } = self;
        (group, Arc::new(Running { quarter, of_quarter: of_quarter.into(), of_hour: of_hour.into() }))
    }
}

/// What a group was used for in a quarter of an hour, or an hour, that is over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsedLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    /// Not there for the numbers without a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupName>,
    span: Span,
    /// Which one since 1970.
    slot: u32,
    figures: FiguresLine,
}

impl UsedLine {
    pub(crate) fn of(scope: &Scope, record: &UsageRecord) -> Self {
        let Scope { tenant, environment } = scope.clone();
        let UsageRecord { group, span, slot, count: _, figures } = record.clone();
        Self { tenant, environment, group, span, slot, figures: figures.into() }
    }

    /// The record, which is the first of its day as far as the line can tell.
    pub(crate) fn record(self) -> UsageRecord {
        let Self { group, span, slot, figures, .. } = self;
        UsageRecord { group, span, slot, count: 1, figures: figures.into() }
    }
}

/// All quarters, or hours, up to and with this day are forgotten.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnusedLine {
    pub(crate) span: Span,
    /// Since 1970.
    pub(crate) day: u32,
}
