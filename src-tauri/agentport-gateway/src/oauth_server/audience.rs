//! The resource a token is for (RFC 8707), and the origin under which the server is addressed.

use std::sync::Arc;

use url::Url;

use super::error::{ErrorCode, OAuthRefusal, OAuthResult};
use crate::{address, store::Audience};

/// Under which name the OAuth server is served by a listener.
#[derive(Debug, Clone)]
pub(crate) enum ServerOrigin {
    /// On loopback, by any of its names.
    Loopback { port: u16 },
    /// Behind the external URL.
    External { origin: Arc<str> },
}

impl ServerOrigin {
    /// The issuer identifier (RFC 8414, section 2): the same whatever Host a request names.
    pub(super) fn issuer(&self) -> String {
        match self {
            Self::Loopback { port } => format!("http://127.0.0.1:{port}"),
            Self::External { origin } => origin.to_string(),
        }
    }

    pub(super) fn audience(&self) -> Audience {
        match self {
            Self::Loopback { .. } => Audience::Loopback,
            Self::External { .. } => Audience::External,
        }
    }

    /// Checks the `resource` of a request. Absent, with or without a final slash, and by each of our names it is ours.
    pub(super) fn check_resource(&self, resource: Option<&str>) -> OAuthResult<()> {
        match resource {
            None | Some("") => Ok(()),
            Some(resource) if self.is_ours(resource) => Ok(()),
            Some(_) => Err(OAuthRefusal::new(
                ErrorCode::InvalidTarget,
                "resource names another server than this one",
            )),
        }
    }

    fn is_ours(&self, resource: &str) -> bool {
        let Ok(url) = Url::parse(resource) else { return false };
        let plain = url.username().is_empty() && url.password().is_none();
        let ours = match self {
            Self::Loopback { port } => {
                address::own_origins(*port).contains(&url.origin().ascii_serialization())
            }
            Self::External { origin } => url.origin().ascii_serialization() == **origin,
        };
        plain && ours && matches!(url.path(), "" | "/" | "/mcp" | "/mcp/" | "/sse")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_ours_by_every_name() {
        let local = ServerOrigin::Loopback { port: 4747 };
        let external = ServerOrigin::External { origin: "https://agents.example".into() };
        for (resource, want) in [
            (None, true),
            (Some(""), true),
            (Some("http://127.0.0.1:4747/mcp"), true),
            (Some("http://localhost:4747/mcp/"), true),
            (Some("http://[::1]:4747"), true),
            (Some("http://127.0.0.1:4747/"), true),
            (Some("http://127.0.0.1:4748/mcp"), false),
            (Some("http://127.0.0.1/mcp"), false),
            (Some("https://127.0.0.1:4747/mcp"), false),
            (Some("http://user@127.0.0.1:4747/mcp"), false),
            (Some("http://127.0.0.1:4747/other"), false),
            (Some("https://agents.example/mcp"), false),
            (Some("nonsense"), false),
        ] {
            assert_eq!(local.check_resource(resource).is_ok(), want, "{resource:?}");
        }
        assert!(external.check_resource(Some("https://agents.example/mcp")).is_ok());
        assert!(external.check_resource(Some("https://agents.example:8443/mcp")).is_err());
        assert!(external.check_resource(Some("http://127.0.0.1:4747/mcp")).is_err());
    }
}
