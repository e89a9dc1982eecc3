use serde_json::{Map, json};

use super::*;

pub(crate) fn request(client: &str, state: &str) -> AuthorizationRequest {
    let metadata: Map<_, _> = [("client_name".to_owned(), json!(client))].into_iter().collect();
    let client = OAuthClientRow {
        client_id: client.to_owned(),
        digest: [0; 32],
        metadata,
        created_at: Timestamp(0),
        used_at: None,
    };
    let origin = ServerOrigin::Loopback { port: 4747 };
    let redirect = RedirectTarget::Loopback { port: 5 };
    let request = origin.request(client, "http://localhost:5/cb".to_owned(), redirect);
    AuthorizationRequest { state: Some(state.to_owned()), ..request }
}

pub(crate) fn approval() -> Approval {
    let agent = ApprovedAgent::New { name: "a".to_owned(), profile: None };
    let consent = ConsentId(Uuid::from_u128(1));
    Approval { consent, request: request("a", "s"), agent }
}
