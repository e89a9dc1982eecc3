//! `GET /oauth/authorize` (RFC 6749, section 4.1.1): makes a request for consent and answers a page that waits.
//!
//! Nothing can be decided here. A client or redirect that is not known gets a page and is sent nowhere; everything else
//! that is wrong goes back to the client.

use std::time::Duration;

use agentport_api::RedirectTarget;
use agentport_core::ErrorChain;
use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::{
    client_metadata::ClientMetadata,
    consents::{AuthorizationRequest, Consent, ConsentPhase, NotAsked, answer},
    error::{ErrorCode, OAuthRefusal},
    page, redirect_uri,
    routes::{Form, OAuthRoutes},
};
use crate::{clock, store::OAuthClientRow};

/// Time one request of the page is held.
const WAIT: Duration = Duration::from_secs(20);
/// Longest query; the longest parameter is a state chosen by the client.
const MAX_QUERY: usize = 8 * 1024;
/// Characters of a S256 challenge (RFC 7636, section 4.2).
const CHALLENGE_CHARS: usize = 43;

pub(super) async fn authorize(
    State(routes): State<OAuthRoutes>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if method != Method::GET || !opens_a_page(&headers) {
        return *bad("This address is a page to be opened in a browser.");
    }
    match checked(&routes, &query.unwrap_or_default()).await {
        Ok(request) => match routes.server.ask(request) {
            Ok(consent) => show(&routes, &consent),
            Err(NotAsked::TooMany) => page::problem(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many agents want in",
                "Decide about those that wait in AgentPort, then start again in this agent.",
            ),
            Err(NotAsked::Refused) => page::problem(
                StatusCode::TOO_MANY_REQUESTS,
                "This agent was refused",
                "It was refused several times within a quarter of an hour. You are not asked again until that is over.",
            ),
        },
        Err(response) => *response,
    }
}

/// Is this the navigation of a tab? A page of another site that names the address as an image or a frame asks nothing of
/// the owner. Programs, and browsers that do not say, are believed.
fn opens_a_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document")
}

/// The page, or where the client is to go if the owner has decided.
fn show(routes: &OAuthRoutes, consent: &Consent) -> Response {
    match consent.phase(clock::now()) {
        ConsentPhase::Waiting => page::waiting(
            &ClientMetadata::of(&consent.request.client).name(),
            &consent.code,
            &consent.page,
            routes.dashboard.as_deref(),
        ),
        ConsentPhase::Decided { redirect: None, .. } => {
            page::problem(StatusCode::OK, "You have decided", "You can close this tab.")
        }
        ConsentPhase::Decided { redirect: Some(redirect), .. } => {
            let mut response = Redirect::to(&redirect).into_response();
            let no_store = HeaderValue::from_static("no-store");
            response.headers_mut().insert(header::CACHE_CONTROL, no_store);
            response
        }
        ConsentPhase::Expired => page::expired(),
    }
}

/// The request, or the response that refuses it.
async fn checked(routes: &OAuthRoutes, query: &str) -> Result<AuthorizationRequest, Box<Response>> {
    if query.len() > MAX_QUERY {
        return Err(bad("The address is too long."));
    }
    let form = Form::read(query.as_bytes()).map_err(|refusal| bad(&refusal.description))?;
    let client = client(routes, &form).await?;
    let metadata = ClientMetadata::of(&client);
    let Some(redirect_uri) = metadata.redirect_uri(form.get("redirect_uri")) else {
        return Err(bad(
            "The address this agent wants to be sent to is not one it registered. Remove its saved sign-in to \
             AgentPort and start again in the agent.",
        ));
    };
    let redirect = redirect_uri::target(&redirect_uri).map_err(bad)?;
    let mut request = routes.origin.request(client, redirect_uri, redirect);
    request.state = form.get("state").map(str::to_owned);
    match rest(routes, &form) {
        Ok(challenge) => {
            request.code_challenge = challenge;
            Ok(request)
        }
        Err(refusal) if !may_be_sent_back(&request) => {
            Err(bad(&format!("It asks in a way that cannot be answered: {}.", refusal.description)))
        }
        Err(refusal) => {
            let parameters = [
                ("error", refusal.code.as_str()),
                ("error_description", refusal.description.as_str()),
            ];
            Err(Box::new(Redirect::to(&answer(&request, &parameters)).into_response()))
        }
    }
}

/// Errors go back to programs of this computer, and to clients the owner has let in before. Sending a browser anywhere
/// else without the owner's decision would make this address a way to any site (RFC 9700, section 4.11.2).
fn may_be_sent_back(request: &AuthorizationRequest) -> bool {
    matches!(request.redirect, RedirectTarget::Loopback { .. }) || request.client.used_at.is_some()
}

async fn client(routes: &OAuthRoutes, form: &Form) -> Result<OAuthClientRow, Box<Response>> {
    let id = form.get("client_id").ok_or_else(|| bad("It does not say which agent asks."))?;
    match routes.server.client(id, routes.origin.audience()).await {
        Ok(Some(client)) => Ok(client),
        Ok(None) => Err(bad(
            "AgentPort does not know this agent, or no longer. Remove its saved sign-in to AgentPort (in most agents: \
             sign out, or remove and add the server) and start again there.",
        )),
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "a client could not be looked up");
            Err(bad(&error.to_string()))
        }
    }
}

/// Checks what can be answered to the client, and gives the PKCE challenge.
fn rest(routes: &OAuthRoutes, form: &Form) -> Result<String, OAuthRefusal> {
    if form.required("response_type")? != "code" {
        let why = "response_type has to be code";
        return Err(OAuthRefusal::new(ErrorCode::UnsupportedResponseType, why));
    }
    let challenge = form.required("code_challenge")?;
    if form.get("code_challenge_method") != Some("S256") {
        let why = "code_challenge_method has to be S256";
        return Err(OAuthRefusal::new(ErrorCode::InvalidRequest, why));
    }
    let url_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if challenge.len() != CHALLENGE_CHARS || !challenge.chars().all(url_safe) {
        let why = "code_challenge has to be 43 characters of base64url";
        return Err(OAuthRefusal::new(ErrorCode::InvalidRequest, why));
    }
    routes.origin.check_resource(form.get("resource"))?;
    Ok(challenge.to_owned())
}

fn bad(why: &str) -> Box<Response> {
    Box::new(page::problem(StatusCode::BAD_REQUEST, "This agent cannot sign in", why))
}

/// Held until the owner has decided, for the page: `{"state": "waiting" | "done" | "expired", "redirect"?}`.
pub(super) async fn wait(
    State(routes): State<OAuthRoutes>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let same_site = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let query = query.filter(|query| same_site && query.len() <= MAX_QUERY).unwrap_or_default();
    let asked = Form::read(query.as_bytes()).ok();
    let page = asked.as_ref().and_then(|form| form.get("request"));
    let Some(consent) = page.and_then(|page| routes.server.consent_of_page(page)) else {
        return no_store(StatusCode::NOT_FOUND, &json!({ "state": "expired" }));
    };
    // Beyond these the page is answered at once, and asks again.
    if let (Ok(_held), Ok(_of_page)) =
        (routes.server.held_pages.try_acquire(), consent.waits.try_acquire())
    {
        let mut phases = consent.watch();
        let left = consent.expires_at().since(clock::now()).min(WAIT);
        let decided = phases.wait_for(|phase| *phase != ConsentPhase::Waiting);
        drop(tokio::time::timeout(left, decided).await);
    }
    let body = match consent.phase(clock::now()) {
        ConsentPhase::Waiting => json!({ "state": "waiting" }),
        ConsentPhase::Decided { redirect: Some(redirect), .. } => {
            json!({ "state": "done", "redirect": redirect })
        }
        ConsentPhase::Decided { redirect: None, .. } => json!({ "state": "done" }),
        ConsentPhase::Expired => json!({ "state": "expired" }),
    };
    no_store(StatusCode::OK, &body)
}

fn no_store(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
