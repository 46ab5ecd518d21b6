//! What the groups are used for is counted as it is decided, and written down when a quarter of an hour is over.

use std::sync::Arc;

use super::pools::Group;
use super::{State, Turn};
use crate::domain::history::End;
use crate::domain::usage::{Figures, Running, Span, UsageRecord};
use crate::domain::{Change, Refusal, Scope, Seconds, Timestamp};

/// How long a refusal is known in memory alone where nothing is lent or ends in its group.
const REFUSALS_WAIT: Seconds = Seconds::new(60);

/// What is counted and not yet written.
#[derive(Debug, Default)]
pub(super) struct Counting {
    /// Refusals, which change nothing by themselves; there are no more groups here than the configuration and the numbers
    /// name.
    refused: Vec<(Arc<Scope>, Group, u64)>,
    /// Since when the first of them waits.
    since: Option<Timestamp>,
    /// The quarter up to which all that was to be written is.
    turned: Option<u32>,
}

impl Counting {
    /// The tables, or the rules, are others.
    pub(super) fn begin_anew(&mut self) {
        self.turned = None;
    }
}

impl State {
    /// An allocation has begun in a group.
    pub(super) fn count_lend(&mut self, scope: &Arc<Scope>, group: &Group) {
        let peak = self.lent_in(scope, group);
        self.count(scope, group, Figures { peak, lends: 1, ..Figures::default() });
    }

    /// An allocation has ended in a group.
    pub(super) fn count_end(
        &mut self,
        scope: &Arc<Scope>,
        group: &Group,
        since: Timestamp,
        until: Timestamp,
        end: End,
    ) {
        self.count(
            scope,
            group,
            Figures {
                matches: u64::from(matches!(end, End::Matched | End::MatchedLate)),
                expiries: u64::from(end == End::Expired),
                ended: 1,
                held_millis: until.as_millis().saturating_sub(since.as_millis()),
                ..Figures::default()
            },
        );
    }

    /// A request for a number was refused. It counts in the group that was asked for or, where none was, in the first of
    /// those that were looked at.
    pub(super) fn count_refusal(&mut self, scope: &Scope, refusal: &Refusal) {
        let Refusal::Exhausted { group, pools, .. } = refusal else { return };
        let group = match (group, pools.first()) {
            (Some(group), _) => Some(group.clone()),
            (None, Some(pool)) => pool.group.clone(),
            (None, None) => return,
        };
        let scope = self.shared(scope);
        let known = self.counting.refused.iter_mut().find(|(of, named, _)| *of == scope && *named == group);
        match known {
            Some((.., count)) => *count += 1,
            None => self.counting.refused.push((scope, group, 1)),
        }
        self.counting.since.get_or_insert(self.now);
    }

    /// Writes the refusals that wait: there is nothing that they could go along with.
    pub fn write_refusals(&mut self) {
        for (scope, group, _) in self.counting.refused.clone() {
            self.count(&scope, &group, Figures::default());
        }
        self.counting.since = None;
    }

    /// Adds to what a group was used for in the quarter that runs, the refusals that wait among it.
    fn count(&mut self, scope: &Arc<Scope>, group: &Group, mut more: Figures) {
        if self.rules.usage.entries == 0 {
            self.counting.refused.clear();
            return;
        }
        if !self.counting.refused.is_empty()
            && let Some(place) = self.counting.refused.iter().position(|(of, named, _)| of == scope && named == group)
        {
            more.refusals += self.counting.refused.swap_remove(place).2;
        }
        let quarter = Span::Quarter.slot(self.now);
        let mut running = match self.tables.usage(scope, group) {
            Some(running) => **running,
            None => {
                // What was lent before is lent in this quarter too.
                let peak = Figures { peak: self.lent_in(scope, group), ..Figures::default() };
                Running { quarter, of_quarter: peak, of_hour: peak }
            }
        };
        running.of_quarter.add(&more);
        running.of_hour.add(&more);
        self.apply(Change::Usage(Arc::clone(scope), group.clone(), Some(Arc::new(running))));
    }

    /// How many live allocations a group has.
    fn lent_in(&self, scope: &Scope, group: &Group) -> u64 {
        let pool = self.pools.get(scope).and_then(|pools| pools.pool(group));
        pool.map_or(0, |pool| pool.allocations() as u64)
    }

    /// Writes down what the groups were used for in the quarter that is over at `now`, and in the hour if that is over too,
    /// and begins to count anew. What is too old or too much goes.
    pub(super) fn turn_usage(&mut self, now: Timestamp) {
        let quarter = Span::Quarter.slot(now);
        if self.counting.turned.is_some_and(|turned| turned >= quarter) {
            return;
        }
        self.counting.turned = Some(quarter);
        let over = self.tables.usages().filter(|(.., running)| running.quarter < quarter);
        let over = over.map(|(scope, group, running)| (Arc::clone(scope), group.clone(), **running));
        for (scope, group, running) in over.collect::<Vec<_>>() {
            self.turn_group(&scope, group, running, quarter);
        }
        while let Some((span, day)) = self.tables.kept_usage().next_to_go(now, &self.rules.usage) {
            self.apply(Change::UsageDropped(span, day));
        }
    }

    fn turn_group(&mut self, scope: &Arc<Scope>, group: Group, running: Running, quarter: u32) {
        let begins = |quarter| Span::Quarter.begins(quarter);
        self.write_usage(scope, &group, Span::Quarter, begins(running.quarter), running.of_quarter);
        let lent = Figures { peak: self.lent_in(scope, &group), ..Figures::default() };
        let hour_is_over = Span::Hour.slot(begins(running.quarter)) < Span::Hour.slot(begins(quarter));
        let of_hour = if hour_is_over {
            self.write_usage(scope, &group, Span::Hour, begins(running.quarter), running.of_hour);
            lent
        } else {
            running.of_hour
        };
        let next = Running { quarter, of_quarter: lent, of_hour };
        let is_counted = self.rules.usage.entries > 0 && !next.of_hour.is_empty();
        let next = is_counted.then(|| Arc::new(next));
        self.apply(Change::Usage(Arc::clone(scope), group, next));
    }

    fn write_usage(&mut self, scope: &Arc<Scope>, group: &Group, span: Span, at: Timestamp, figures: Figures) {
        let slot = span.slot(at);
        let place = self.tables.kept_usage().place(span, span.day(slot), self.now, &self.rules.usage);
        if let Some(count) = place.filter(|_| !figures.is_empty()) {
            let record = UsageRecord { group: group.clone(), span, slot, count, figures };
            self.apply(Change::Used(Arc::clone(scope), Arc::new(record)));
        }
    }
}

impl Turn<'_> {
    /// Counts on: what a quarter that is over was used for is written down, and refusals that have waited for long.
    pub(super) fn count_on(&mut self) {
        let now = self.now;
        self.state.turn_usage(now);
        if self.state.counting.since.is_some_and(|since| since.after(REFUSALS_WAIT) <= now) {
            self.state.write_refusals();
        }
    }
}
