//! The limit on failed attempts: so many of one source at one tenant within a window, then a block.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config;
use crate::domain::{Seconds, TenantId};

/// Who is held to account for an attempt: a source and the configured tenant it tried, if it named one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Account {
    source: IpAddr,
    tenant: Option<TenantId>,
}

impl Account {
    /// The account of `source` at `tenant`.
    ///
    /// An IPv6 source counts as its /64 network, all of which belongs to whoever has one address of it.
    pub(super) fn new(source: IpAddr, tenant: Option<&TenantId>) -> Self {
        let source = match source.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        };
        Self { source, tenant: tenant.cloned() }
    }
}

/// The failed attempts of the last window, in a table of bounded size.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<Account, Record>>);

#[derive(Debug, Default)]
struct Record {
    failures: VecDeque<Instant>,
    blocked_until: Option<Instant>,
}

impl Record {
    /// When the record stops to matter.
    fn end(&self, window: Duration) -> Option<Instant> {
        self.blocked_until.max(self.failures.back().map(|last| *last + window))
    }
}

impl Failures {
    /// How long `account` is still blocked, in seconds rounded up; `None` if it is not.
    pub(super) fn blocked(&self, account: &Account, now: Instant) -> Option<Seconds> {
        let until = self.0.lock().get(account)?.blocked_until?;
        let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(Seconds::new(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }

    /// Counts a failure of `account`; `true` when it is the one that begins a block.
    ///
    /// A failure during a block (of an attempt that began before it) changes nothing.
    pub(super) fn count(&self, account: &Account, now: Instant, rules: &config::Access) -> bool {
        let window = Duration::from_secs(rules.window.get());
        let mut table = self.0.lock();
        if !table.contains_key(account) {
            make_room(&mut table, rules.sources, window, now);
        }
        let record = table.entry(account.clone()).or_default();
        match record.blocked_until {
            Some(until) if until > now => return false,
            _ => record.blocked_until = None,
        }
        record.failures.retain(|failure| *failure + window > now);
        record.failures.push_back(now);
        if record.failures.len() < rules.failures {
            return false;
        }
        record.failures.clear();
        record.blocked_until = Some(now + Duration::from_secs(rules.block.get()));
        true
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().len()
    }
}

/// Makes room for one more record: drops those that no longer matter, and then the one that will be first to.
fn make_room(table: &mut HashMap<Account, Record>, most: usize, window: Duration, now: Instant) {
    if table.len() < most {
        return;
    }
    table.retain(|_, record| record.end(window).is_some_and(|end| end > now));
    while table.len() >= most {
        let first = table.iter().min_by_key(|(_, record)| record.end(window)).map(|(account, _)| account.clone());
        let Some(first) = first else { return };
        table.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(source: &str) -> Account {
        Account::new(source.parse().unwrap(), Some(&TenantId::new("a").unwrap()))
    }

    fn rules() -> config::Access {
        config::Access { failures: 3, ..config::Access::default() }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_failure_that_reaches_the_limit_begins_the_block_and_its_end_is_exact() {
        let (failures, start, source) = (Failures::default(), Instant::now(), account("10.0.0.1"));
        assert!(!failures.count(&source, start, &rules()));
        assert!(!failures.count(&source, start + seconds(1), &rules()));
        assert_eq!(failures.blocked(&source, start + seconds(2)), None);
        assert!(failures.count(&source, start + seconds(2), &rules()));
        assert_eq!(failures.blocked(&source, start + seconds(2)), Some(Seconds::new(60)));
        assert_eq!(failures.blocked(&source, start + Duration::from_millis(61_999)), Some(Seconds::new(1)));
        assert_eq!(failures.blocked(&source, start + seconds(62)), None);
    }

    #[test]
    fn after_a_block_counting_starts_again() {
        let (failures, start, source) = (Failures::default(), Instant::now(), account("10.0.0.1"));
        for _ in 0..3 {
            failures.count(&source, start, &rules());
        }
        assert!(!failures.count(&source, start + seconds(30), &rules()), "a failure during the block");
        assert!(!failures.count(&source, start + seconds(60), &rules()));
        assert!(!failures.count(&source, start + seconds(61), &rules()));
        assert!(failures.count(&source, start + seconds(62), &rules()));
    }

    #[test]
    fn failures_outside_the_window_do_not_count() {
        let (failures, start, source) = (Failures::default(), Instant::now(), account("10.0.0.1"));
        for time in [0, 30, 60, 91] {
            assert!(!failures.count(&source, start + seconds(time), &rules()), "{time}");
        }
        assert!(failures.count(&source, start + seconds(100), &rules()));
    }

    #[test]
    fn a_block_holds_for_one_source_at_one_tenant() {
        let (failures, start) = (Failures::default(), Instant::now());
        for _ in 0..3 {
            failures.count(&account("10.0.0.1"), start, &rules());
        }
        let other_tenant = Account::new("10.0.0.1".parse().unwrap(), Some(&TenantId::new("b").unwrap()));
        assert!(failures.blocked(&account("10.0.0.1"), start).is_some());
        assert!(failures.blocked(&account("::ffff:10.0.0.1"), start).is_some(), "the same source");
        assert_eq!(failures.blocked(&account("10.0.0.2"), start), None);
        assert_eq!(failures.blocked(&other_tenant, start), None);
    }

    #[test]
    fn an_ipv6_source_is_its_network() {
        assert_eq!(account("2001:db8::1"), account("2001:db8::ffff:1"));
        assert_ne!(account("2001:db8::1"), account("2001:db8:0:1::1"));
    }

    #[test]
    fn the_table_stays_bounded_and_gives_up_what_matters_least() {
        let (failures, start) = (Failures::default(), Instant::now());
        let rules = config::Access { sources: 4, failures: 2, ..config::Access::default() };
        for _ in 0..2 {
            failures.count(&account("10.0.0.1"), start, &rules);
        }
        for last in 2..=100 {
            let time = start + Duration::from_millis(last);
            failures.count(&account(&format!("10.0.0.{last}")), time, &rules);
            assert!(failures.len() <= 4);
        }
        assert_eq!(failures.len(), 4);
        assert!(failures.count(&account("10.0.0.100"), start + seconds(1), &rules), "the latest is remembered");
    }
}
