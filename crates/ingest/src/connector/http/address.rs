//! Which addresses may be connected to, and how an address is shown.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use reqwest::Url;

/// Networks that are no part of the public internet: own, shared, link-local, loopback, documentation, multicast and
/// reserved ones of RFC 6890 and its successors; and one public address that a cloud answers its machines on.
const V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The same within 2000::/3, the only part of IPv6 that is public; 2001::/23 and 2002::/16 wrap IPv4.
const V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is one of the public internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !V4.iter().any(|(net, bits)| shares_v4(ip, *net, *bits)),
        IpAddr::V6(ip) => {
            let segments = ip.segments();
            // NAT64 reaches the IPv4 address in its last four bytes.
            if let [0x64, 0xff9b, 0, 0, 0, 0, _, _] = segments {
                let [.., a, b, c, d] = ip.octets();
                return is_public(Ipv4Addr::new(a, b, c, d).into());
            }
            shares_v6(ip, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                && !V6.iter().any(|(net, bits)| shares_v6(ip, *net, *bits))
        }
    }
}

fn shares_v4(ip: Ipv4Addr, net: Ipv4Addr, bits: u8) -> bool {
    (ip.to_bits() ^ net.to_bits()).leading_zeros() >= u32::from(bits)
}

fn shares_v6(ip: Ipv6Addr, net: Ipv6Addr, bits: u8) -> bool {
    (ip.to_bits() ^ net.to_bits()).leading_zeros() >= u32::from(bits)
}

/// An address that the feed does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) host: String,
    pub(super) ip: IpAddr,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, no public address", self.host, self.ip)
    }
}

impl std::error::Error for Refused {}

/// What the feed allows beside public addresses.
#[derive(Clone, Debug)]
pub(super) struct Egress {
    pub(super) allow: Vec<IpNet>,
}

impl Egress {
    /// Whether `ip`, which `host` stands for, may be connected to.
    pub(super) fn check(&self, host: &str, ip: IpAddr) -> Result<(), Refused> {
        // An IPv4 address in IPv6 clothes is connected to as what it is.
        let plain = ip.to_canonical();
        if is_public(plain) || self.allow.iter().any(|net| net.contains(&plain)) {
            return Ok(());
        }
        Err(Refused { host: host.to_owned(), ip: plain })
    }

    /// The same for a host that is written as an address; names are checked once they are resolved.
    pub(super) fn check_literal(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().map_or(Ok(()), |ip| self.check(host, ip))
    }
}

/// An address without what may be secret in it: name and password, query and fragment.
pub(super) fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    let had_query = plain.query().is_some();
    plain.set_query(None);
    plain.set_fragment(None);
    // Fails only for addresses that cannot have them.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    if had_query { format!("{plain}?…") } else { plain.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r19_only_public_addresses_are_public() {
        let inside = "0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 \
            172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1 198.19.255.255 224.0.0.1 240.0.0.1 \
            255.255.255.255 :: ::1 ::7f00:1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001::1 2001:db8::1 \
            2002:7f00:1:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 3fff::1 5f00::1";
        for ip in inside.split_whitespace() {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in "1.1.1.1 9.9.9.9 100.63.0.1 100.128.0.1 172.32.0.1 198.20.0.1 2606:4700::1111 2001:4860:4860::8888 \
            64:ff9b::101:101"
            .split_whitespace()
        {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn r19_literals_are_checked_in_every_spelling() {
        let none = Egress { allow: vec![] };
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
        ] {
            let url = Url::parse(&format!("http://{host}/x")).unwrap();
            assert!(none.check_literal(&url).is_err(), "{host}");
            let some = Egress { allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()] };
            assert!(some.check_literal(&url).is_ok(), "{host}");
        }
        assert!(none.check_literal(&Url::parse("https://example.org/").unwrap()).is_ok());
    }

    #[test]
    fn r28_addresses_are_shown_without_secrets() {
        let url = Url::parse("https://me:pw@example.org/a?token=t#f").unwrap();
        assert_eq!(shown(&url), "https://example.org/a?…");
    }
}
