//! The limit on failed attempts: so many of one source, whichever tenant it tried, then a block.
//!
//! Whoever has one address of IPv6 mostly has a /64 of them, many have a /56, and some a /48. So the wider networks are
//! counted as well, with limits of their own: they leave room for neighbours, and nobody gets another row of guesses from
//! each of the addresses that cost nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use super::rates::{Rate, Rates};
use crate::config;
use crate::domain::Seconds;

/// The networks of IPv6 that are held to account, by the bits that they have in common, and how many times
/// `access.failures` each may fail. An IPv4 address has the first limit alone.
const NETWORKS: [(u32, usize); 3] = [(64, 1), (56, 4), (48, 16)];
/// The bits of the widest of them.
const WIDEST: u32 = 48;

/// The failed attempts of the last window, by the width of the network. A table for each, so that one network with many
/// small ones in it pushes no other out.
#[derive(Debug, Default)]
pub(super) struct Failures([Rates<IpAddr>; NETWORKS.len()]);

/// The widest network that stands for one caller: an address of IPv4, a /48 of IPv6.
pub(super) fn widest_network(source: IpAddr) -> IpAddr {
    network(source, WIDEST)
}

fn network(source: IpAddr, bits: u32) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> (128 - bits) << (128 - bits))),
        v4 => v4,
    }
}

/// The networks of a source, the smallest first, with the times that each may fail.
fn networks(source: IpAddr) -> impl Iterator<Item = (IpAddr, usize)> {
    let counted = if source.to_canonical().is_ipv4() { 1 } else { NETWORKS.len() };
    NETWORKS.into_iter().take(counted).map(move |(bits, times)| (network(source, bits), times))
}

impl Failures {
    /// How long `source` is still blocked, in seconds rounded up; `None` if it is not.
    pub(super) fn blocked(&self, source: IpAddr, now: Instant) -> Option<Seconds> {
        let levels = self.0.iter().zip(networks(source));
        levels.filter_map(|(rates, (network, _))| rates.blocked(&network, now)).max()
    }

    /// Counts a failure of `source`; `true` when it is one that begins a block.
    pub(super) fn count(&self, source: IpAddr, now: Instant, rules: &config::Access) -> bool {
        let (window, block, kept) = (rules.window, rules.block, rules.sources);
        let count = |(rates, (network, times)): (&Rates<IpAddr>, _)| {
            rates.count(network, &Rate { most: rules.failures * times, window, block, kept }, now)
        };
        // Every level counts, also where another one has reached its limit.
        self.0.iter().zip(networks(source)).map(count).fold(false, |one, other| one | other)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn rules() -> config::Access {
        config::Access { failures: 3, ..config::Access::default() }
    }

    /// Fails once from each address in turn, until one of them is blocked; says how many failed.
    fn until_blocked(failures: &Failures, now: Instant, addresses: impl Iterator<Item = String>) -> usize {
        let blocked = |source: &String| {
            let source = address(source);
            failures.blocked(source, now).is_some() || {
                failures.count(source, now, &rules());
                false
            }
        };
        addresses.take(10_000).take_while(|source| !blocked(source)).count()
    }

    #[test]
    fn a_block_holds_for_one_source() {
        let (failures, start) = (Failures::default(), Instant::now());
        for attempt in 1..=3 {
            assert_eq!(failures.count(address("10.0.0.1"), start, &rules()), attempt == 3);
        }
        assert_eq!(failures.blocked(address("10.0.0.1"), start), Some(Seconds::new(60)));
        assert!(failures.blocked(address("::ffff:10.0.0.1"), start).is_some(), "the same source");
        assert_eq!(failures.blocked(address("10.0.0.2"), start), None);
        assert_eq!(failures.blocked(address("10.0.0.1"), start + Duration::from_secs(60)), None);
    }

    #[test]
    fn a_network_of_ipv6_is_blocked_however_many_addresses_it_guesses_from() {
        let start = Instant::now();
        let (one, four, sixteen) = (Failures::default(), Failures::default(), Failures::default());
        assert_eq!(until_blocked(&one, start, (1..).map(|host| format!("2001:db8::{host:x}"))), 3);
        assert_eq!(until_blocked(&four, start, (0..256).map(|net| format!("2001:db8:0:{net:x}::1"))), 12);
        assert_eq!(until_blocked(&sixteen, start, (0..).map(|net| format!("2001:db8:0:{:x}::1", net * 256))), 48);
        for host in ["2001:db8::ffff:1", "2001:db8::abcd"] {
            assert!(one.blocked(address(host), start).is_some(), "{host}");
        }
        assert_eq!(one.blocked(address("2001:db8:0:1::1"), start), None, "another /64");
        assert!(four.blocked(address("2001:db8:0:fe::1"), start).is_some());
        assert_eq!(four.blocked(address("2001:db8:0:100::1"), start), None, "another /56");
        assert!(sixteen.blocked(address("2001:db8:0:ffff::1"), start).is_some());
        assert_eq!(sixteen.blocked(address("2001:db8:1::1"), start), None, "another /48");
    }

    #[test]
    fn three_hundred_addresses_of_a_48_are_blocked_by_the_limit_for_it() {
        let failures = Failures::default();
        let spread = (0..300_u32).map(|it| format!("2001:db8:7:{:x}::{:x}", it * 211 % 65_536, it + 1));
        assert_eq!(until_blocked(&failures, Instant::now(), spread), 48);
    }

    #[test]
    fn a_48_with_as_many_64s_as_it_likes_pushes_no_block_of_others_out() {
        let (failures, start) = (Failures::default(), Instant::now());
        let rules = config::Access { sources: 64, ..rules() };
        for _ in 0..3 {
            failures.count(address("2001:db8:1::1"), start, &rules);
        }
        for net in 0..48 {
            failures.count(address(&format!("2001:db8:2:{net:x}::1")), start, &rules);
        }
        assert!(failures.blocked(address("2001:db8:2:ffff::1"), start).is_some());
        assert!(failures.blocked(address("2001:db8:1::1"), start).is_some());
        assert!(failures.0.iter().all(|rates| rates.len() <= 64));
    }

    #[test]
    fn the_widest_network_is_an_address_or_a_48() {
        assert_eq!(widest_network(address("2001:db8:1:2::3")), address("2001:db8:1::"));
        assert_eq!(widest_network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
