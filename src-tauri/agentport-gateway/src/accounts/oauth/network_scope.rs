//! Which addresses OAuth requests may go to: public ones, and those of the MCP server's own class.
//!
//! Metadata names URLs that AgentPort then requests, so a server could otherwise point it at services of this computer
//! or its network (server-side request forgery; MCP security best practices).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::address::is_loopback;

/// Names under which clouds serve credentials of the machine.
const CLOUD_METADATA_HOSTS: [&str; 3] =
    ["metadata", "metadata.google.internal", "metadata.azure.internal"];
/// The variables that reqwest reads proxies from.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The longest the class of a server is looked up; a server whose name is not resolved counts as public.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressClass {
    Public,
    /// RFC 1918, ULA, and carrier-grade NAT.
    Private,
    Loopback,
    /// Link-local (cloud metadata), multicast, unspecified and reserved.
    Blocked,
}

/// The addresses that OAuth requests of one MCP server may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NetworkScope {
    /// Public addresses only.
    Public,
    /// Public and private addresses: the MCP server is in a private network.
    Private,
    /// Public and loopback addresses: the MCP server is on this computer.
    Loopback,
}

impl NetworkScope {
    /// The scope of the MCP server at `server`. A name counts as private if all its addresses are; it never counts as
    /// loopback by its addresses, since its owner chooses them.
    pub(super) async fn of(server: &Url) -> Self {
        match server.host().and_then(host_class) {
            Some(AddressClass::Loopback) => Self::Loopback,
            Some(AddressClass::Private) => Self::Private,
            Some(_) => Self::Public,
            None => {
                let host = server.host_str().unwrap_or_default().to_owned();
                let lookup = tokio::net::lookup_host((host, 0));
                let found = tokio::time::timeout(LOOKUP_TIMEOUT, lookup).await;
                let addresses = found.ok().and_then(Result::ok).map(Vec::from_iter);
                Self::of_addresses(&addresses.unwrap_or_default())
            }
        }
    }

    fn of_addresses(addresses: &[SocketAddr]) -> Self {
        let is_private = |address: &SocketAddr| class(address.ip()) == AddressClass::Private;
        match !addresses.is_empty() && addresses.iter().all(is_private) {
            true => Self::Private,
            false => Self::Public,
        }
    }

    fn admits(self, class: AddressClass) -> bool {
        match class {
            AddressClass::Public => true,
            AddressClass::Private => self == Self::Private,
            AddressClass::Loopback => self == Self::Loopback,
            AddressClass::Blocked => false,
        }
    }

    /// Checks what can be seen without resolving: scheme, user information, and the host. The error is the reason, as
    /// the end of a sentence.
    pub(super) fn check_url(self, url: &Url) -> Result<(), &'static str> {
        let host = url.host().ok_or("it names no host")?;
        let class = host_class(host);
        match url.scheme() {
            "https" => {}
            "http" if class == Some(AddressClass::Loopback) && self == Self::Loopback => {}
            "http" => return Err("it does not use https"),
            _ => return Err("it is not a web address"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user name or password");
        }
        match class {
            Some(AddressClass::Loopback) if !self.admits(AddressClass::Loopback) => {
                Err("it leads to this computer, but the server does not run there")
            }
            Some(class) if !self.admits(class) => Err("it leads into an internal network"),
            _ => Ok(()),
        }
    }
}

/// The class a host shows by itself; `None` for names that have to be resolved.
fn host_class(host: Host<&str>) -> Option<AddressClass> {
    if is_loopback(&host) {
        return Some(AddressClass::Loopback);
    }
    match host {
        Host::Ipv4(address) => Some(class(address.into())),
        Host::Ipv6(address) => Some(class(address.into())),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            CLOUD_METADATA_HOSTS.contains(&name.as_str()).then_some(AddressClass::Blocked)
        }
    }
}

fn class(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v4(address: Ipv4Addr) -> AddressClass {
    let [a, b, ..] = address.octets();
    let is_carrier_nat = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && matches!(b, 18 | 19);
    if address.is_loopback() {
        AddressClass::Loopback
    } else if address.is_private() || is_carrier_nat {
        AddressClass::Private
    } else if a == 0
        || a >= 240
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || is_benchmark
    {
        AddressClass::Blocked
    } else {
        AddressClass::Public
    }
}

fn class_v6(address: Ipv6Addr) -> AddressClass {
    if address.is_loopback() {
        return AddressClass::Loopback;
    }
    if let Some(embedded) = embedded_v4(address) {
        return class_v4(embedded);
    }
    let [a, b, c, ..] = address.segments();
    let is_unique_local = a & 0xfe00 == 0xfc00;
    let is_link_local = a & 0xffc0 == 0xfe80;
    let is_site_local = a & 0xffc0 == 0xfec0;
    let is_teredo = (a, b) == (0x2001, 0);
    let is_local_nat64 = (a, b, c) == (0x64, 0xff9b, 1);
    if is_unique_local {
        AddressClass::Private
    } else if address.is_unspecified()
        || address.is_multicast()
        || is_link_local
        || is_site_local
        || is_teredo
        || is_local_nat64
    {
        AddressClass::Blocked
    } else {
        AddressClass::Public
    }
}

/// The IPv4 address inside a mapped, compatible, NAT64 (`64:ff9b::/96`) or 6to4 (`2002::/16`) address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// Resolves names and drops the addresses that `scope` does not admit, at the moment of connecting, so that a name that
/// changes its addresses in between gains nothing.
pub(super) struct ScopedResolver {
    scope: NetworkScope,
    /// A proxy resolves the target itself; only its own name is resolved here.
    proxy_hosts: Vec<String>,
}

impl ScopedResolver {
    pub(super) fn new(scope: NetworkScope) -> Self {
        let proxy_hosts = PROXY_VARIABLES
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .filter_map(|proxy| match proxy.contains("://") {
                true => Url::parse(&proxy).ok(),
                false => Url::parse(&format!("http://{proxy}")).ok(),
            })
            .filter_map(|proxy| proxy.host_str().map(str::to_ascii_lowercase))
            .collect();
        Self { scope, proxy_hosts }
    }
}

impl Resolve for ScopedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let scope = self.scope;
        let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let is_proxy = self.proxy_hosts.contains(&host);
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if !is_proxy {
                addresses.retain(|address| scope.admits(class(address.ip())));
            }
            if addresses.is_empty() {
                return Err(Box::new(InternalAddress) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Every address of a name was dropped.
#[derive(Debug, thiserror::Error)]
#[error("its name leads to this computer or into an internal network")]
pub(super) struct InternalAddress;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_class() {
        use AddressClass::{Blocked, Loopback, Private, Public};
        for (address, want) in [
            ("93.184.216.34", Public),
            ("127.8.0.1", Loopback),
            ("10.1.2.3", Private),
            ("172.16.0.1", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("100.128.0.1", Public),
            ("169.254.169.254", Blocked),
            ("0.0.0.0", Blocked),
            ("224.0.0.1", Blocked),
            ("255.255.255.255", Blocked),
            ("198.18.0.1", Blocked),
            ("2606:4700::1111", Public),
            ("::1", Loopback),
            ("::", Blocked),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:169.254.169.254", Blocked),
            ("64:ff9b::a00:1", Private),
            ("2002:a00:1::", Private),
            ("fd00::1", Private),
            ("fe80::1", Blocked),
            ("ff02::1", Blocked),
            ("2001::1", Blocked),
        ] {
            assert_eq!(class(address.parse().unwrap()), want, "{address}");
        }
    }

    #[test]
    fn urls_are_checked_by_scheme_and_host() {
        use NetworkScope::{Loopback, Private, Public};
        for (scope, url, admitted) in [
            (Public, "https://auth.example.com/token", true),
            (Public, "http://auth.example.com/token", false),
            (Public, "http://127.0.0.1/token", false),
            (Public, "https://localhost/token", false),
            (Public, "https://10.0.0.1/token", false),
            (Public, "https://[::ffff:10.0.0.1]/token", false),
            (Public, "https://169.254.169.254/", false),
            (Public, "https://metadata.google.internal/", false),
            (Public, "https://user:pass@auth.example.com/", false),
            (Public, "javascript:alert(1)", false),
            (Public, "file:///etc/passwd", false),
            (Private, "https://10.0.0.1/token", true),
            (Private, "http://10.0.0.1/token", false),
            (Private, "https://127.0.0.1/token", false),
            (Private, "https://169.254.169.254/", false),
            (Loopback, "http://127.0.0.1:8080/token", true),
            (Loopback, "http://[::1]:8080/token", true),
            (Loopback, "http://auth.localhost/token", true),
            (Loopback, "http://auth.example.com/token", false),
            (Loopback, "https://auth.example.com/token", true),
            (Loopback, "https://192.168.0.1/token", false),
        ] {
            let checked = scope.check_url(&url.parse().unwrap());
            assert_eq!(checked.is_ok(), admitted, "{scope:?} {url} {checked:?}");
        }
    }

    #[test]
    fn a_name_is_private_only_by_all_its_addresses() {
        let of = |list: &[&str]| {
            let parse = |text: &&str| SocketAddr::new(text.parse().unwrap(), 0);
            NetworkScope::of_addresses(&list.iter().map(parse).collect::<Vec<_>>())
        };
        assert_eq!(of(&["10.0.0.1", "fd00::1"]), NetworkScope::Private);
        assert_eq!(of(&["10.0.0.1", "93.184.216.34"]), NetworkScope::Public);
        assert_eq!(of(&["127.0.0.1"]), NetworkScope::Public);
        assert_eq!(of(&[]), NetworkScope::Public);
    }

    #[tokio::test]
    async fn resolved_addresses_are_filtered() {
        let resolve = |scope| ScopedResolver::new(scope).resolve("localhost".parse().unwrap());
        let refused = resolve(NetworkScope::Public).await.err().expect("refused");
        assert!(refused.is::<InternalAddress>());
        assert!(resolve(NetworkScope::Private).await.is_err());
        let Ok(admitted) = resolve(NetworkScope::Loopback).await else { panic!("admitted") };
        assert!(admitted.into_iter().all(|address| address.ip().is_loopback()));
    }
}
