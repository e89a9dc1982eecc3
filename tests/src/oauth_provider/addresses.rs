//! Where the provider's three origins are, and under which names they are known.

use super::{MCP_PATH, ProviderBehaviour, ProviderCore, ProviderSite};

impl ProviderCore {
    pub(super) fn url(&self, site: ProviderSite, path: &str) -> String {
        self.url_of(&self.behaviour(), site, path)
    }

    /// A path of an origin, under the name it is known by.
    pub(super) fn url_of(
        &self,
        behaviour: &ProviderBehaviour,
        site: ProviderSite,
        path: &str,
    ) -> String {
        let public = &behaviour.public;
        let known = match site {
            ProviderSite::Resource => public.mcp_url.as_deref().map(origin_of),
            ProviderSite::Authorization => public.authorization.clone(),
            ProviderSite::Elsewhere => None,
        };
        format!("{}{path}", known.unwrap_or_else(|| self.address(site)))
    }

    pub(super) fn address(&self, site: ProviderSite) -> String {
        let port = match site {
            ProviderSite::Resource => self.ports.resource,
            ProviderSite::Authorization => self.ports.authorization,
            ProviderSite::Elsewhere => self.ports.elsewhere,
        };
        format!("http://127.0.0.1:{port}")
    }
}

impl ProviderBehaviour {
    /// The path of the MCP endpoint.
    pub(super) fn mcp_path(&self) -> &str {
        let Some(url) = &self.public.mcp_url else { return MCP_PATH };
        let (_, rest) = url.split_once("://").expect("a URL");
        rest.find('/').map_or("/", |at| &rest[at..])
    }
}

fn origin_of(url: &str) -> String {
    url::Url::parse(url).expect("a URL").origin().ascii_serialization()
}
