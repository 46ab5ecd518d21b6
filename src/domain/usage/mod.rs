//! How much the groups are used over time: how many numbers were lent at most, how many were lent, recognised, expired and
//! refused, and for how long they were held; by quarters of an hour and by hours.
//!
//! The figures of the quarter that runs, and of its hour, are part of the tables, one small record for each group that is in
//! use, and every change that lends or ends says what they are now. When the quarter turns, whoever decides next writes what
//! they were as a record that nobody changes any more, and that is kept apart, by the day: what is too old goes a day at a
//! time. The tables know the days alone, and how many records each has.

mod kept;
pub mod sizing;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{GroupName, Timestamp};

pub(super) use kept::Kept;

/// A group's name, or `None` for the numbers without a group.
pub type Group = Option<GroupName>;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// How long a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// A quarter of an hour; kept for 35 days.
    Quarter,
    /// An hour; kept for 400 days.
    Hour,
}

impl Span {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Quarter, Self::Hour];

    /// How many seconds it has.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Quarter => 15 * 60,
            Self::Hour => 60 * 60,
        }
    }

    /// For how many days records are kept.
    pub const fn days(self) -> u32 {
        match self {
            Self::Quarter => 35,
            Self::Hour => 400,
        }
    }

    const fn millis(self) -> u64 {
        self.seconds() * 1000
    }

    /// Which one since 1970 a point in time is in.
    pub fn slot(self, at: Timestamp) -> u32 {
        u32::try_from(at.as_millis() / self.millis()).unwrap_or(u32::MAX)
    }

    /// When one of them begins.
    pub fn begins(self, slot: u32) -> Timestamp {
        Timestamp::from_millis(u64::from(slot) * self.millis())
    }

    /// The day since 1970 that one of them is in.
    pub fn day(self, slot: u32) -> u32 {
        day_of(self.begins(slot))
    }
}

/// The day since 1970 that a point in time is in.
pub(super) fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis() / DAY_MILLIS).unwrap_or(u32::MAX)
}

/// How much of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRules {
    /// Most records of all groups together; none are kept where this is zero. The oldest days go first, of the quarters
    /// before those of the hours.
    pub entries: u64,
}

impl Default for UsageRules {
    fn default() -> Self {
        Self { entries: 2_000_000 }
    }
}

/// What happened in a group within some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Figures {
    /// Most live allocations at a time.
    pub peak: u64,
    /// Allocations that began; one that is given again to whoever has it does not.
    pub lends: u64,
    /// Allocations that ended with their call, late calls among them.
    pub matches: u64,
    /// Allocations that ended at their deadline and whose call did not come until the number was lent again.
    pub expiries: u64,
    /// Requests that were refused because the group had no number to lend.
    pub refusals: u64,
    /// Allocations that ended, in whatever way.
    pub ended: u64,
    /// For how many milliseconds those had lasted together.
    pub held_millis: u64,
}

impl Figures {
    /// Adds what happened in another time.
    pub fn add(&mut self, other: &Self) {
        self.peak = self.peak.max(other.peak);
        self.lends += other.lends;
        self.matches += other.matches;
        self.expiries += other.expiries;
        self.refusals += other.refusals;
        self.ended += other.ended;
        self.held_millis += other.held_millis;
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// For how many seconds an allocation that ended had lasted on average; `None` where none ended.
    pub fn mean_holding(&self) -> Option<f64> {
        (self.ended > 0).then(|| self.held_millis as f64 / 1000.0 / self.ended as f64)
    }
}

/// What has happened in a group in the quarter that runs, and in its hour so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Running {
    /// Which quarter.
    pub quarter: u32,
    /// In the quarter.
    pub of_quarter: Figures,
    /// In its hour.
    pub of_hour: Figures,
}

/// What happened in a group in a quarter or an hour that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    /// The group.
    pub group: Group,
    /// Whether it was a quarter or an hour.
    pub span: Span,
    /// Which one since 1970.
    pub slot: u32,
    /// How many records the day has with this one.
    pub count: u64,
    /// What happened.
    pub figures: Figures,
}

/// What happened in a group from a point in time on, for a quarter of an hour or an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// For how long.
    pub span: Span,
    /// From when on.
    pub begin: Timestamp,
    /// What happened.
    pub figures: Figures,
}

impl From<&UsageRecord> for Used {
    fn from(record: &UsageRecord) -> Self {
        Self { span: record.span, begin: record.span.begins(record.slot), figures: record.figures }
    }
}

/// What the tables know of the use of a group in the time that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What runs, if anything does.
    pub running: Option<Arc<Running>>,
    /// The days to be read, oldest first: by hours where the quarters are not kept any more, else by quarters.
    pub days: Vec<(Span, u32)>,
}

impl Known {
    /// What happened from `from` on, before `to`, oldest first: what `read` finds of the days, and what runs.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn used<E>(
        &self,
        from: Timestamp,
        to: Timestamp,
        mut read: impl FnMut(Span, u32) -> Result<Vec<UsageRecord>, E>,
    ) -> Result<Vec<Used>, E> {
        let mut used = Vec::new();
        for (span, day) in &self.days {
            used.extend(read(*span, *day)?.iter().map(Used::from));
        }
        let running = self.running.iter().map(|running| Used {
            span: Span::Quarter,
            begin: Span::Quarter.begins(running.quarter),
            figures: running.of_quarter,
        });
        used.extend(running.filter(|running| !running.figures.is_empty()));
        used.retain(|used| from <= used.begin && used.begin < to);
        Ok(used)
    }
}
