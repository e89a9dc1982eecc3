//! The gateway's own URLs, and which hosts are this computer.

use std::sync::Arc;

use agentport_api::ExternalStatus;
use agentport_core::ApprovalId;
use http::{header, request::Parts};
use parking_lot::Mutex;
use url::{Host, Url};

/// The port the gateway listens on, and the URLs made from it.
#[derive(Debug, Clone)]
pub(crate) struct GatewayAddress {
    pub(crate) port: u16,
}

impl GatewayAddress {
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The page about an approval. It has no power.
    pub(crate) fn approval_url(&self, id: ApprovalId) -> String {
        format!("{}/approve/{id}", self.origin())
    }
}

/// The names under which the gateway is addressed, with its port.
pub(crate) fn own_origins(port: u16) -> Vec<String> {
    ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("http://{host}:{port}")).to_vec()
}

/// The one scope of an access token: the MCP endpoint, as the owner's policy allows.
pub(crate) const SCOPE: &str = "mcp";

/// Marks requests that came through the listener of the external URL. Such as `https://agents.example.com`.
#[derive(Debug, Clone)]
pub(crate) struct ExternalOrigin(pub(crate) Arc<str>);

/// What is served behind the external URL, for the owner.
#[derive(Clone, Default)]
pub(crate) struct ExternalAddress(Arc<Mutex<Option<ExternalStatus>>>);

impl ExternalAddress {
    pub(crate) fn get(&self) -> Option<ExternalStatus> {
        self.0.lock().clone()
    }

    /// Whether that is news.
    pub(crate) fn set(&self, status: Option<ExternalStatus>) -> bool {
        let mut current = self.0.lock();
        std::mem::replace(&mut *current, status.clone()) != status
    }
}

/// The origin by which a request addressed us. Its Host has been checked.
pub(crate) fn asked_origin(address: &GatewayAddress, parts: &Parts) -> String {
    if let Some(ExternalOrigin(origin)) = parts.extensions.get() {
        return origin.to_string();
    }
    match parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
        Some(host) => format!("http://{}", host.to_ascii_lowercase()),
        None => address.origin(),
    }
}

/// The origin of an external URL, as clients have to name it. The error is a sentence for the owner.
pub fn external_origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| format!("{text:?} is no web address"))?;
    if url.scheme() != "https" {
        return Err("the external URL has to begin with https://".to_owned());
    }
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() || url.path() != "/" {
        let detail = "the external URL is a host alone, such as https://agents.example.com";
        return Err(detail.to_owned());
    }
    match url.host() {
        Some(host @ Host::Domain(_)) if !is_loopback(&host) => {
            Ok(url.origin().ascii_serialization())
        }
        _ => Err("the external URL needs the name of a host that others can reach".to_owned()),
    }
}

/// Does a host say by itself that it is this computer? `localhost` with the names below it (RFC 6761, section 6.3), and
/// the loopback addresses, IPv4 ones inside IPv6 among them.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => {
            let mapped = address.to_ipv4_mapped();
            address.is_loopback() || mapped.is_some_and(|mapped| mapped.is_loopback())
        }
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_url_is_a_host_behind_tls() {
        let good = external_origin("https://Agents.Example.com/").unwrap();
        assert_eq!(good, "https://agents.example.com");
        assert_eq!(external_origin("https://a.example:8443").unwrap(), "https://a.example:8443");
        for bad in [
            "http://a.example",
            "https://a.example/mcp",
            "https://a.example/?x",
            "https://user@a.example",
            "https://localhost",
            "https://127.0.0.1",
            "a.example",
            "",
        ] {
            assert!(external_origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_told_from_names_and_addresses() {
        for (url, is_here) in [
            ("http://localhost/", true),
            ("http://LOCALHOST./", true),
            ("http://auth.localhost:1/", true),
            ("http://127.0.0.1/", true),
            ("http://127.9.9.9/", true),
            ("http://2130706433/", true),
            ("http://[::1]/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost.example/", false),
            ("http://notlocalhost/", false),
            ("http://128.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("http://[::]/", false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(url.host().as_ref().is_some_and(is_loopback), is_here, "{url}");
        }
    }
}
