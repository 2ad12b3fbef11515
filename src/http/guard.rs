//! The guard against private networks: which addresses may be connected to.
//!
//! Invariant: a connection goes to an address that was checked. Names are checked in the resolver, whose answer is
//! what is connected to, so a name cannot resolve differently a second time; literals, for which no resolver is
//! called, and schemes are checked on every hop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::{Host, Url};

use super::error::HttpError;
use super::shown::shown;

/// Longest address that is asked for, in bytes: servers refuse longer request lines.
const URL_BYTES_MAX: usize = 8 << 10;

/// Decides which addresses may be connected to. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allowed: Arc<[IpNet]>,
    proxy_host: Option<Arc<str>>,
}

/// A name that resolves to no public address.
#[derive(Debug, Error)]
#[error("{name} ({address})")]
pub(super) struct PrivateName {
    name: String,
    address: IpAddr,
}

impl Guard {
    /// A guard that lets through the public network and `allowed`. With a proxy, names are resolved by the proxy:
    /// then only literals and local names can be checked here, and the proxy must keep its own guard.
    pub(super) fn new(allowed: &[IpNet], proxy: Option<&Url>) -> Self {
        let proxy_host = proxy.and_then(Url::host_str).map(Arc::from);
        Self { allowed: allowed.into(), proxy_host }
    }

    /// Checks what can be seen of an address before a name is resolved.
    ///
    /// # Errors
    /// `BadUrl` for other schemes than http and https, no host, or an endless address; `PrivateAddress`.
    pub(super) fn check(&self, url: &Url) -> Result<(), HttpError> {
        let bad = |problem: &str| Err(HttpError::BadUrl { url: shown(url), problem: problem.to_owned() });
        if !matches!(url.scheme(), "http" | "https") {
            return bad("only http and https are");
        }
        if url.as_str().len() > URL_BYTES_MAX {
            return bad("it is longer than 8 KiB");
        }
        let private = |address: String| Err(HttpError::PrivateAddress { url: shown(url), address });
        match url.host() {
            None => bad("it has no host"),
            Some(Host::Ipv4(address)) if !self.allows(address.into()) => private(address.to_string()),
            Some(Host::Ipv6(address)) if !self.allows(address.into()) => private(address.to_string()),
            Some(Host::Domain(name)) if self.is_local_behind_proxy(name) => private(name.to_owned()),
            Some(_) => Ok(()),
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        let embedded = embedded_ipv4(address).map(IpAddr::V4);
        let is_allowed = |address: IpAddr| self.allowed.iter().any(|network| network.contains(&address));
        is_public(address) || is_allowed(address) || embedded.is_some_and(is_allowed)
    }

    fn is_local_behind_proxy(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let is_local = name == "localhost" || name.ends_with(".localhost") || !name.contains('.');
        let allows_loopback = self.allows(IpAddr::V4(Ipv4Addr::LOCALHOST));
        self.proxy_host.as_deref().is_some_and(|proxy| name == proxy || (is_local && !allows_loopback))
    }
}

impl Resolve for Guard {
    /// Resolves by the system and leaves out what may not be connected to.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            // Port 0 is replaced by the one of the address that is fetched.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let is_proxy = guard.proxy_host.as_deref() == Some(name.as_str());
            let (allowed, private): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|address| is_proxy || guard.allows(address.ip()));
            match private.first() {
                Some(address) if allowed.is_empty() => {
                    Err(PrivateName { name: name.as_str().to_owned(), address: address.ip() }.into())
                }
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Networks that no public site has, from the IANA special-purpose registry (RFC 6890 and successors).
const PRIVATE_IPV4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays, withdrawn
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// The same inside 2000::/3, outside of which nothing is public.
const PRIVATE_IPV6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments: Teredo, ORCHID, benchmarking
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// The address that a URL has in place of a name, where no public site has it.
pub fn private_literal(url: &Url) -> Option<IpAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain(_) => return None,
    };
    (!is_public(address)).then_some(address)
}

/// Whether an address is one of the public network. IPv6 addresses that carry an IPv4 address are judged by that.
fn is_public(address: IpAddr) -> bool {
    match (embedded_ipv4(address), address) {
        (Some(address), _) => is_public_ipv4(address),
        (None, IpAddr::V4(address)) => is_public_ipv4(address),
        (None, IpAddr::V6(address)) => {
            let global = address.segments()[0] & 0xe000 == 0x2000;
            global
                && !PRIVATE_IPV6
                    .iter()
                    .any(|(network, bits)| (address.to_bits() ^ network.to_bits()).leading_zeros() >= *bits)
        }
    }
}

fn is_public_ipv4(address: Ipv4Addr) -> bool {
    !PRIVATE_IPV4.iter().any(|(network, bits)| (address.to_bits() ^ network.to_bits()).leading_zeros() >= *bits)
}

/// The IPv4 address inside an IPv6 address: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded_ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let pair = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // `::` and `::1` are addresses of their own; as 0.0.0.0/8 they would be private, too.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(pair(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(pair(high, low)),
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str], proxy: Option<&str>) -> Guard {
        let allowed: Vec<IpNet> = allowed.iter().map(|text| text.parse().expect("a network")).collect();
        let proxy = proxy.map(|text| Url::parse(text).expect("an address"));
        Guard::new(&allowed, proxy.as_ref())
    }

    fn check(guard: &Guard, url: &str, expected: Option<&str>) {
        let result = guard.check(&Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")));
        assert_eq!(result.err().map(|error| error.reason()), expected, "{url}");
    }

    #[test]
    fn private_literals_are_refused_in_every_spelling() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "0x7f000001",
            "017700000001",
            "127.0.1",
            "0",
            "0x0.0",
            "100.127.255.255",
            "169.254.0.1.",
            "192.0.0.170",
            "198.18.0.0",
            "239.255.255.250",
            "１２７.０.０.１",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[64:ff9b:1::1.1.1.1]",
            "[::ffff:0:127.0.0.1]",
            "[::ffff:100.64.0.1]",
            "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
            "[2001:2::1]",
            "[2002:a9fe:a9fe::1]",
            "[fe80::1]",
            "[ff0e::1]",
            "[2002:7f00:1::]",
            "[2002:c0a8:101::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[100::1]",
            "[5f00::1]",
        ];
        let public = [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "e.kz",
            "localhost",
            "[2606:4700::1111]",
            "[2a00::1]",
            "[::ffff:1.1.1.1]",
            "[64:ff9b::1.1.1.1]",
            "[2002:101:101::1]",
        ];
        for host in private {
            check(&guard(&[], None), &format!("http://{host}/"), Some("private-address"));
        }
        for host in public {
            check(&guard(&[], None), &format!("http://{host}/"), None);
        }
    }

    #[test]
    fn settings_allow_a_network() {
        let guard = guard(&["127.0.0.0/8", "fd00::/8"], None);
        check(&guard, "http://127.9.9.9/", None);
        check(&guard, "http://[::ffff:127.0.0.1]/", None);
        check(&guard, "http://[fd00::7]/", None);
        check(&guard, "http://[::1]/", Some("private-address"));
        check(&guard, "http://10.0.0.1/", Some("private-address"));
    }

    #[test]
    fn only_web_addresses_are_fetched() {
        let guard = guard(&[], None);
        for url in ["file:///etc/passwd", "ftp://e.kz/", "data:text/plain,x", "gopher://e.kz/", "javascript:1"] {
            check(&guard, url, Some("bad-url"));
        }
        check(&guard, &format!("http://e.kz/{}", "a".repeat(URL_BYTES_MAX)), Some("bad-url"));
    }

    #[test]
    fn a_proxy_is_asked_for_no_private_literal() {
        let guard = guard(&[], Some("http://10.0.0.1:3128"));
        for url in ["http://10.0.0.1:22/", "http://127.1/", "http://[::ffff:10.0.0.1]/", "http://0x0a000001/"] {
            check(&guard, url, Some("private-address"));
        }
        check(&guard, "http://1.1.1.1/", None);
    }

    async fn resolved(guard: &Guard, name: &str) -> Result<Vec<IpAddr>, String> {
        let name = name.parse().expect("a name");
        let found = guard.resolve(name).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip()).collect())
    }

    #[tokio::test]
    async fn a_name_leads_only_to_addresses_that_were_checked() {
        let refused = resolved(&guard(&[], None), "localhost").await.expect_err("a private address");
        assert!(refused.contains("127.0.0.1") || refused.contains("::1"), "{refused}");
        // What is not allowed is left out of a mixed answer.
        let allowed = resolved(&guard(&["127.0.0.0/8"], None), "localhost").await.expect("loopback is allowed");
        assert!(!allowed.is_empty() && allowed.iter().all(IpAddr::is_ipv4), "{allowed:?}");
    }

    #[test]
    fn local_names_are_not_handed_to_a_proxy() {
        let guard = guard(&[], Some("http://proxy.lan:3128"));
        for url in ["http://localhost/", "http://a.localhost./", "http://intranet/", "http://proxy.lan:22/"] {
            check(&guard, url, Some("private-address"));
        }
        check(&guard, "http://e.kz/", None);
    }
}
