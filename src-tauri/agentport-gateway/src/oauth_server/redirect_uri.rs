//! Redirect URIs: which are taken at registration, and which are the same at authorization (RFC 8252, section 7; RFC
//! 9700, section 2.1).
//!
//! Loopback addresses are the same whatever their port, since programs listen on a free one. Everything else is compared
//! as text.

use agentport_api::RedirectTarget;
use url::{Host, Url};

/// Longest address that is taken.
const MAX_CHARS: usize = 2048;
/// Schemes that make a browser run or show something, or that reach into the computer.
const REFUSED_SCHEMES: [&str; 35] = [
    "about",
    "afp",
    "blob",
    "callto",
    "chrome",
    "chrome-extension",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "ldap",
    "mailto",
    "mhtml",
    "microsoft-edge",
    "moz-extension",
    "nfs",
    "res",
    "resource",
    "search",
    "search-ms",
    "sftp",
    "shell",
    "smb",
    "sms",
    "ssh",
    "tel",
    "telnet",
    "vbscript",
    "view-source",
    "vnc",
    "ws",
    "wss",
];

/// Where an address leads, or why it is not taken, as the end of a sentence.
pub(super) fn target(uri: &str) -> Result<RedirectTarget, &'static str> {
    if uri.chars().count() > MAX_CHARS {
        return Err("it is too long");
    }
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if !uri.is_ascii() || uri.contains(odd) {
        return Err("it holds a character that no address has");
    }
    let url = Url::parse(uri).map_err(|_| "it is no address")?;
    // Without the slashes a browser takes it for a path of the page it is on.
    let after_scheme = uri.get(url.scheme().len()..).unwrap_or_default();
    if matches!(url.scheme(), "http" | "https") && !after_scheme.starts_with("://") {
        return Err("it is no address");
    }
    if uri.contains('#') {
        return Err("it has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password");
    }
    match url.scheme() {
        "https" => {
            let host = url.host_str().ok_or("it names no host")?;
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            Ok(RedirectTarget::Site { host: format!("{host}{port}") })
        }
        "http" if is_loopback(&url) => {
            Ok(RedirectTarget::Loopback { port: url.port_or_known_default().unwrap_or(80) })
        }
        "http" => Err("http is for addresses of this computer only"),
        scheme if scheme.starts_with("ms-") || REFUSED_SCHEMES.contains(&scheme) => {
            Err("its scheme is not one that a program signs in by")
        }
        scheme => Ok(RedirectTarget::App { scheme: scheme.to_owned() }),
    }
}

/// `localhost`, `127.0.0.1` or `[::1]`, and nothing that merely resolves to them.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Is this the registered address? A loopback address may have another port.
pub(super) fn is_same(registered: &str, asked: &str) -> bool {
    without_port(registered) == without_port(asked)
}

/// The address, without the port if it is a loopback one.
pub(super) fn without_port(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(mut url) if url.scheme() == "http" && is_loopback(&url) => {
            let _ = url.set_port(None);
            url.into()
        }
        _ => uri.to_owned(),
    }
}

/// The address with these parameters added to its query.
pub(super) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let added =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{added}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_programs_are_taken() {
        let app = |scheme: &str| Ok(RedirectTarget::App { scheme: scheme.to_owned() });
        for (uri, want) in [
            ("http://localhost:3118/callback", Ok(RedirectTarget::Loopback { port: 3118 })),
            ("http://127.0.0.1/", Ok(RedirectTarget::Loopback { port: 80 })),
            ("http://[::1]:5/x?y=z", Ok(RedirectTarget::Loopback { port: 5 })),
            (
                "https://vscode.dev/redirect",
                Ok(RedirectTarget::Site { host: "vscode.dev".to_owned() }),
            ),
            ("cursor://anysphere.cursor-mcp/oauth/callback", app("cursor")),
            ("claude://claude.ai/mcp-auth-callback/sdk", app("claude")),
            ("com.example.app:/callback", app("com.example.app")),
        ] {
            assert_eq!(target(uri), want, "{uri}");
        }
        for uri in [
            "",
            "callback",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "blob:https://h/x",
            "file:///etc/passwd",
            "ms-msdt:/id",
            "search-ms:query=x",
            "http://evil.example/callback",
            "http://localhost.evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://127.0.0.2/callback",
            "http://user@localhost/callback",
            "https://user:pass@h.example/",
            "https://h.example/#fragment",
            "https://h.example/#",
            "http://localhost:99999/",
            "http:localhost/callback",
            "https:/h.example/",
            "smb://h.example/share",
            "http://localhost/\u{202e}",
        ] {
            assert!(target(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn a_loopback_address_may_have_another_port_and_nothing_else() {
        for (registered, asked, want) in [
            ("http://localhost/callback", "http://localhost:53123/callback", true),
            ("http://localhost:1/callback", "http://localhost:2/callback", true),
            ("http://localhost/callback", "http://localhost:5/other", false),
            ("http://localhost/callback", "http://localhost:5/callback/", false),
            ("http://localhost/callback", "http://127.0.0.1:5/callback", false),
            ("http://localhost/callback", "https://localhost:5/callback", false),
            ("http://localhost/callback", "http://localhost:5/callback?x=1", false),
            ("http://127.0.0.1/", "http://127.0.0.1:5", true),
            ("https://h.example/cb", "https://h.example/cb", true),
            ("https://h.example/cb", "https://h.example:443/cb", false),
            ("https://h.example/cb", "https://h.example/cb/", false),
            ("cursor://a/b", "cursor://a/b", true),
            ("cursor://a/b", "cursor://a:1/b", false),
        ] {
            assert_eq!(is_same(registered, asked), want, "{registered} and {asked}");
        }
    }

    #[test]
    fn parameters_are_added_to_what_is_there() {
        let added = |uri| with_parameters(uri, &[("code", "a b"), ("state", "&")]);
        assert_eq!(added("cursor://a/b"), "cursor://a/b?code=a+b&state=%26");
        assert_eq!(added("http://localhost/?x=1"), "http://localhost/?x=1&code=a+b&state=%26");
        assert_eq!(added("http://localhost/?"), "http://localhost/?code=a+b&state=%26");
    }
}
