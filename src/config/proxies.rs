//! The proxies that may speak for their clients.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Addresses and networks of trusted proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Whether `address` is a trusted proxy's. An IPv4 address is the same in its IPv6-mapped form.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// An address, or a network as address and prefix length (`10.0.0.0/8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    mask: u128,
}

/// Why a text is not an address or network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IP address or a network such as \"10.0.0.0/8\", without host bits")]
pub struct InvalidNetwork;

impl Network {
    /// Whether `address` belongs to the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.address
    }
}

/// Every address in one space: IPv4 in its IPv6-mapped form.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
    .to_bits()
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let width = if address.is_ipv4() { 32 } else { Ipv6Addr::BITS };
        let prefix = match prefix {
            Some(prefix) => prefix.parse::<u32>().ok().filter(|prefix| *prefix <= width).ok_or(InvalidNetwork)?,
            None => width,
        };
        let mask = u128::MAX.checked_shl(width - prefix).unwrap_or(0);
        let address = bits(address);
        if address & !mask == 0 { Ok(Self { address, mask }) } else { Err(InvalidNetwork) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(list: &[&str]) -> TrustedProxies {
        list.iter().map(|text| text.parse::<Network>().unwrap()).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let proxies = proxies(&["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"]);
        for inside in ["10.1.0.0", "10.1.255.255", "192.0.2.7", "2001:db8::1", "::ffff:10.1.2.3"] {
            assert!(proxies.contains(ip(inside)), "{inside}");
        }
        for outside in ["10.2.0.0", "192.0.2.8", "2001:db9::", "::1", "::10.1.2.3"] {
            assert!(!proxies.contains(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn a_prefix_of_zero_is_the_whole_family_and_nothing_is_trusted_by_default() {
        assert!(proxies(&["0.0.0.0/0"]).contains(ip("203.0.113.9")));
        assert!(!proxies(&["0.0.0.0/0"]).contains(ip("2001:db8::1")));
        assert!(proxies(&["::/0"]).contains(ip("2001:db8::1")));
        assert!(!TrustedProxies::default().contains(ip("127.0.0.1")));
    }

    #[test]
    fn a_network_with_host_bits_or_a_wrong_prefix_is_refused() {
        for text in ["10.1.2.3/16", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "localhost", "", "10.0.0/8"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
