//! Discovery of the authorization server of an MCP server (MCP 2025-11-25, Authorization; RFC 9728; RFC 8414).
//!
//! The endpoints that MCP 2025-03-26 let clients guess (`/authorize`, `/token`, `/register`) are not used: nothing
//! says that they belong to the provider.

use agentport_api::OAuthSettings;
use agentport_core::sanitize::sanitize_line;
use url::Url;

use super::{
    challenge::AuthChallenge,
    error::OAuthError,
    http_client::{self, OAuthHttp, OAuthRequest, OAuthResponse, shown, without_secrets},
    metadata::{
        AuthorizationServer, ResourceDocument, ServerDocument, resource_metadata_urls,
        server_metadata_urls,
    },
    network_scope::NetworkScope,
    response::is_scope_token,
};

/// The most authorization servers of one document that are tried.
const MAX_ISSUERS: usize = 5;
/// The longest issuer that is taken.
const MAX_ISSUER_BYTES: usize = 500;

/// Finds the authorization server of `server`, from the challenge of its 401 if there was one.
pub(super) async fn discover(
    http: &OAuthHttp,
    server: &Url,
    challenge: Option<&str>,
    settings: &OAuthSettings,
) -> Result<AuthorizationServer, OAuthError> {
    // What may be secret in the server's URL is neither needed here nor kept.
    let server = &without_secrets(server);
    let scope = NetworkScope::of(server).await;
    let challenge = challenge.map(AuthChallenge::parse).unwrap_or_default();
    let pinned = settings.issuer.as_deref();
    let mut run = DiscoveryRun {
        http,
        server,
        scope,
        pinned,
        skipped: Skipped::default(),
        asked: Vec::new(),
    };
    let found = run.resource_metadata(&challenge).await?;
    let (resource, document) = match found {
        Some((resource, document)) => (resource, document),
        None => (canonical_resource(server), ResourceDocument::default()),
    };
    let metadata =
        run.server_metadata(document.authorization_servers.as_deref().unwrap_or_default()).await?;
    let mut offered = match challenge.scopes.is_empty() {
        false => challenge.scopes,
        true => document.scopes_supported.unwrap_or_default(),
    };
    offered.retain(|scope| is_scope_token(scope));
    let notes = run.skipped.notes;
    AuthorizationServer::from_document(metadata, scope, server, resource, offered, notes)
}

/// The resource indicator of a server that publishes none: without query, fragment and root slash.
fn canonical_resource(server: &Url) -> String {
    let resource = shown(server);
    match server.path() {
        "/" => resource.trim_end_matches('/').to_owned(),
        _ => resource,
    }
}

/// One search, with what it has skipped so far.
struct DiscoveryRun<'a> {
    http: &'a OAuthHttp,
    server: &'a Url,
    scope: NetworkScope,
    /// The one issuer to accept, from reviewed settings.
    pinned: Option<&'a str>,
    skipped: Skipped,
    /// Where it has asked; none is asked twice.
    asked: Vec<Url>,
}

/// What was skipped, and the errors that explain a search without result.
#[derive(Default)]
struct Skipped {
    notes: Vec<String>,
    mismatch: Option<OAuthError>,
    refused: Option<OAuthError>,
    unreachable: Option<OAuthError>,
}

impl Skipped {
    fn note(&mut self, url: &Url, reason: &str) {
        self.notes.push(format!("Skipped {}: {reason}.", shown(url)));
    }

    /// The likeliest reason for finding nothing.
    fn into_error(self) -> Option<OAuthError> {
        self.mismatch.or(self.refused).or(self.unreachable)
    }
}

impl DiscoveryRun<'_> {
    /// The document and its resource, as it names it. A document that the server itself points at has to be right; one
    /// at a well-known address is skipped if it is not.
    async fn resource_metadata(
        &mut self,
        challenge: &AuthChallenge,
    ) -> Result<Option<(String, ResourceDocument)>, OAuthError> {
        if let Some(pointer) = &challenge.resource_metadata {
            match self.pointed_url(pointer) {
                Ok(url) => {
                    if let Some(document) = self.fetch::<ResourceDocument>(&url).await {
                        let resource = document.check(self.server).map_err(|problem| {
                            let server = http_client::host(self.server);
                            let url = shown(&url);
                            OAuthError::ResourceMetadataInvalid { server, url, problem }
                        })?;
                        return Ok(Some((resource, document)));
                    }
                }
                Err(reason) => {
                    let line = format!("Skipped the address in the server's challenge: {reason}.");
                    self.skipped.notes.push(line);
                }
            }
        }
        for url in resource_metadata_urls(self.server) {
            let Some(document) = self.fetch::<ResourceDocument>(&url).await else { continue };
            match document.check(self.server) {
                Ok(resource) => return Ok(Some((resource, document))),
                Err(problem) => self.skipped.note(&url, &problem),
            }
        }
        Ok(None)
    }

    /// The address of a challenge, which may be relative and may lie elsewhere, but never below https.
    fn pointed_url(&self, pointer: &str) -> Result<Url, &'static str> {
        let url = self.server.join(pointer.trim()).map_err(|_| "it is not a URL")?;
        if self.server.scheme() == "https" && url.scheme() != "https" {
            return Err("it does not use https");
        }
        self.scope.check_url(&url)?;
        Ok(url)
    }

    /// The metadata of the first of `issuers` that publishes any; without issuers, of the server's own origin.
    async fn server_metadata(&mut self, issuers: &[String]) -> Result<ServerDocument, OAuthError> {
        for (url, expected) in self.metadata_candidates(issuers) {
            let Some(document) = self.fetch::<ServerDocument>(&url).await else { continue };
            if document.is_issued_by(&expected) {
                return Ok(document);
            }
            let found = document.issuer.unwrap_or_else(|| "no issuer".to_owned());
            let found = sanitize_line(&found, 200);
            self.skipped.note(&url, &format!("it names {found}, not {expected}"));
            // The last candidate is the likeliest: the origin itself, where the server names no issuer.
            self.skipped.mismatch = Some(OAuthError::IssuerMismatch { expected, found });
        }
        let server = http_client::host(self.server);
        Err(std::mem::take(&mut self.skipped).into_error().unwrap_or_else(|| match issuers {
            [] => OAuthError::NotOffered { server },
            named => {
                let issuers = sanitize_line(&named.join(", "), 200);
                OAuthError::ServerMetadataMissing { server, issuers }
            }
        }))
    }

    /// Where to look, and the issuer each document has to name. With a pinned issuer that one is accepted from
    /// wherever the server points at, and from its own addresses last.
    fn metadata_candidates(&mut self, issuers: &[String]) -> Vec<(Url, String)> {
        let mut candidates: Vec<(Url, String)> = Vec::new();
        let named = issuers.iter().map(|issuer| issuer.trim()).filter(|issuer| !issuer.is_empty());
        for issuer in named.take(MAX_ISSUERS) {
            match parse_issuer(issuer) {
                Some(url) if self.scope.check_url(&url).is_ok() => {
                    candidates.extend(expecting(&url, issuer));
                }
                Some(url) => {
                    let reason = self.scope.check_url(&url).err().unwrap_or_default();
                    self.skipped.note(&url, reason);
                    let url = shown(&url);
                    self.skipped.refused.get_or_insert(OAuthError::AddressRefused { url, reason });
                }
                None => {
                    let issuer = sanitize_line(issuer, 200);
                    self.skipped.notes.push(format!("Skipped {issuer}: it is not a URL."));
                }
            }
        }
        if issuers.is_empty() {
            let mut base = self.server.clone();
            candidates.extend(expecting(&base, base.as_str()));
            base.set_path("");
            candidates.extend(expecting(&base, base.as_str()));
        }
        if let Some(pinned) = self.pinned {
            if let Ok(url) = Url::parse(pinned) {
                candidates.extend(expecting(&url, pinned));
            }
            for (_, expected) in &mut candidates {
                pinned.clone_into(expected);
            }
        }
        candidates
    }

    /// A document, or a note on why there is none. Only "not there" goes without a note.
    async fn fetch<T: serde::de::DeserializeOwned>(&mut self, url: &Url) -> Option<T> {
        if self.asked.contains(url) {
            return None;
        }
        self.asked.push(url.clone());
        let response = match self.http.send(self.scope, OAuthRequest::get(url.clone())).await {
            Ok(response) => response,
            Err(error) => {
                let reason = match &error {
                    OAuthError::AddressRefused { reason, .. } => reason,
                    OAuthError::Unreachable { problem, .. } => problem.as_str(),
                    _ => "it could not be asked",
                };
                self.skipped.note(url, reason);
                let slot = match error {
                    OAuthError::AddressRefused { .. } => &mut self.skipped.refused,
                    _ => &mut self.skipped.unreachable,
                };
                slot.get_or_insert(error);
                return None;
            }
        };
        self.read(url, &response)
    }

    fn read<T: serde::de::DeserializeOwned>(
        &mut self,
        url: &Url,
        response: &OAuthResponse,
    ) -> Option<T> {
        let status = response.status.as_u16();
        if response.is_transient() {
            self.skipped.unreachable.get_or_insert(http_client::later(url, response));
        }
        match status {
            200 => match serde_json::from_slice(&response.body) {
                Ok(document) => return Some(document),
                Err(_) => self.skipped.note(url, "its answer is not such a document"),
            },
            404 => {}
            300..400 => self.skipped.note(url, "it redirects to another site"),
            _ => self.skipped.note(url, &format!("it answered HTTP {status}")),
        }
        None
    }
}

/// An issuer is compared and shown as it is written, so it may hold nothing that the URL parser would leave out.
fn parse_issuer(issuer: &str) -> Option<Url> {
    let is_plain = issuer.len() <= MAX_ISSUER_BYTES && issuer.chars().all(|c| c.is_ascii_graphic());
    is_plain.then(|| Url::parse(issuer).ok()).flatten()
}

fn expecting(issuer: &Url, expected: &str) -> Vec<(Url, String)> {
    server_metadata_urls(issuer).into_iter().map(|url| (url, expected.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_metadata_is_its_own_resource() {
        for (server, resource) in [
            ("https://h", "https://h"),
            ("https://h/", "https://h"),
            ("https://h/mcp?region=eu#x", "https://h/mcp"),
            ("https://user:pass@h/mcp/", "https://h/mcp/"),
        ] {
            assert_eq!(canonical_resource(&server.parse().unwrap()), resource);
        }
    }
}
