//! Client-id metadata documents: an https address as `client_id`, where the client describes itself (MCP 2025-11-25,
//! Authorization; draft-ietf-oauth-client-id-metadata-document). Looked up only if the owner has allowed that, since it
//! makes AgentPort request an address that the client chose.

use std::{collections::HashMap, time::Duration};

use agentport_core::{ErrorChain, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{OAuthServer, client_metadata::ClientMetadata};
use crate::{
    clock,
    store::{Audience, OAuthClientRow, StoreError},
};

/// Time a document is read once.
const DOCUMENT_LIFETIME: Duration = Duration::from_secs(600);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest address.
const MAX_URL: usize = 1024;

/// Why a client is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientLookupError {
    #[error(
        "This agent names a web page as its identity, and AgentPort is set not to look such pages up. Allow it in \
         AgentPort under Settings, then start again in the agent."
    )]
    NotAllowed,
    #[error("The page this agent names as its identity could not be read: {0}.")]
    Unreadable(&'static str),
    #[error("AgentPort could not look this agent up; try again.")]
    Store(#[from] StoreError),
}

use ClientLookupError::Unreadable;

/// Documents that were read a moment ago.
pub(super) type DocumentCache = HashMap<String, (Timestamp, OAuthClientRow)>;

const TOO_MANY: ClientLookupError = Unreadable("too many such pages are looked up at the moment");

impl OAuthServer {
    /// The client of this id: registered, or described by its metadata document. The latter is stored with the owner's
    /// consent alone.
    pub(super) async fn client(
        &self,
        id: &str,
        audience: Audience,
    ) -> Result<Option<OAuthClientRow>, ClientLookupError> {
        if !id.starts_with("https://") {
            return Ok(self.store.oauth_client(id).await?);
        }
        if !self.settings.load().client_id_documents {
            return Err(ClientLookupError::NotAllowed);
        }
        let now = clock::now();
        if let Some(known) = self.cached_document(id, now) {
            return Ok(Some(known));
        }
        let metadata = self.read_document(id, audience).await?;
        let mut digest = Sha256::new();
        // Apart from the digest of a registration with the same metadata.
        digest.update(id.as_bytes());
        digest.update(metadata.digest(audience));
        let used_at = self.store.oauth_client(id).await?.and_then(|client| client.used_at);
        let client = OAuthClientRow {
            client_id: id.to_owned(),
            digest: digest.finalize().into(),
            metadata: metadata.into_json(),
            created_at: now,
            used_at,
        };
        self.documents_read.lock().insert(id.to_owned(), (now, client.clone()));
        Ok(Some(client))
    }

    async fn read_document(
        &self,
        id: &str,
        audience: Audience,
    ) -> Result<ClientMetadata, ClientLookupError> {
        let address = address(id)?;
        let _place = self.document_places.try_acquire().map_err(|_| TOO_MANY)?;
        self.registrations.check(audience).map_err(|_| TOO_MANY)?;
        let reading = self.documents.public_document(address);
        let done = tokio::time::timeout(READ_TIMEOUT, reading).await;
        let document = done.map_err(|_| Unreadable("it is too slow"))?.map_err(|error| {
            tracing::debug!(error = %ErrorChain(&error), "a client's metadata document");
            Unreadable("it does not answer, or not from a public address")
        })?;
        read(id, &document.ok_or(Unreadable("it answers with an error"))?)
    }

    fn cached_document(&self, id: &str, now: Timestamp) -> Option<OAuthClientRow> {
        let mut cache = self.documents_read.lock();
        cache.retain(|_, (read_at, _)| now.since(*read_at) < DOCUMENT_LIFETIME);
        cache.get(id).map(|(_, client)| client.clone())
    }
}

/// An address that can be that of a document.
fn address(id: &str) -> Result<Url, ClientLookupError> {
    let url = Url::parse(id).map_err(|_| Unreadable("its address is not valid"))?;
    if id.len() > MAX_URL || matches!(url.path(), "" | "/") || id.contains('#') {
        return Err(Unreadable("its address is not one of a document"));
    }
    Ok(url)
}

fn read(id: &str, body: &[u8]) -> Result<ClientMetadata, ClientLookupError> {
    let said: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| Unreadable("it is not a JSON object"))?;
    if said.get("client_id").and_then(Value::as_str) != Some(id) {
        return Err(Unreadable("it names another client_id than its own address"));
    }
    ClientMetadata::read(&said).map_err(|_| Unreadable("it names no address to be sent to"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "https://agent.example/oauth/client.json";

    #[test]
    fn a_document_speaks_for_its_own_address() {
        let document = |id: &str, uri: &str| {
            let said = json!({ "client_id": id, "client_name": "One", "redirect_uris": [uri] });
            read(ID, said.to_string().as_bytes()).map(|metadata| metadata.name())
        };
        assert_eq!(document(ID, "http://localhost/cb").unwrap(), "One");
        assert!(document("https://other.example/client.json", "http://localhost/cb").is_err());
        assert!(document(ID, "javascript:x").is_err());
        assert!(read(ID, b"<html>").is_err());
    }

    #[test]
    fn an_address_is_that_of_a_document() {
        assert!(address(ID).is_ok());
        for bad in ["https://agent.example", "https://agent.example/", "https://a.example/x#y"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
