//! `POST /oauth/token`: codes for tokens, and refresh tokens for fresh ones (RFC 6749, sections 4.1.3 and 6).
//!
//! Real clients send one refresh token several times and again minutes later. Within [`REUSE_GRACE`] of its first use
//! it gives fresh tokens of the same grant; after that a use ends the grant, since the token may have been copied (RFC
//! 9700, section 4.14.2).

use std::{sync::Arc, time::Duration};

use agentport_api::Event;
use agentport_core::{
    AgentId, Timestamp,
    audit::{Actor, AuditAction},
    oauth_token::{OAuthToken, TokenHash, TokenKind},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{
    OAuthServer,
    audience::ServerOrigin,
    client_metadata::ClientMetadata,
    codes::ClaimedCode,
    consents::{Approval, ApprovedAgent},
    error::{ErrorCode, OAuthRefusal, OAuthResult},
    known_agents::free_name,
    routes::{Form, OAuthRoutes, read_body},
};
use crate::{
    address::SCOPE,
    clock,
    shutdown::run_to_completion,
    store::{AgentRow, GrantId, GrantRow, NewTokens, OAuthClientRow, RefreshTokenRow, Transition},
};

const ACCESS_LIFETIME: Duration = Duration::from_secs(3600);
/// Time a refresh token may lie unused.
const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Time a refresh token may be used again after its first use.
const REUSE_GRACE: Duration = Duration::from_secs(15 * 60);
/// Times one sign-in may be renewed within the grace; a client that does so more often has lost its way.
const MAX_REFRESHES: u64 = 60;
/// Sign-ins of one agent; the longest unused beyond are ended.
const MAX_GRANTS_PER_AGENT: u32 = 10;
/// What a client is told to wait that renews too often.
const RETRY_AFTER_SECONDS: u64 = 60;
/// Lengths of a PKCE verifier (RFC 7636, section 4.1).
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

pub(super) async fn token(
    State(routes): State<OAuthRoutes>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> OAuthResult<Response> {
    let form = Form::read(&read_body(&headers, body).await?)?;
    let (server, origin) = (routes.server.clone(), routes.origin.clone());
    // A client that goes away meanwhile leaves nothing half done.
    let work = async move { server.exchange(&form, &origin).await };
    let issued = run_to_completion(&routes.server.tasks, work).await?;
    let mut response = Json(issued.into_json()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Tokens as they go to the client, once.
struct IssuedTokens {
    access: OAuthToken,
    refresh: Option<OAuthToken>,
}

impl IssuedTokens {
    fn new(client: &OAuthClientRow) -> Self {
        let refresh = ClientMetadata::of(client)
            .takes_refresh_tokens()
            .then(|| OAuthToken::from_random(TokenKind::Refresh, rand::random()));
        Self { access: OAuthToken::from_random(TokenKind::Access, rand::random()), refresh }
    }

    fn hashes(&self, now: Timestamp) -> NewTokens {
        NewTokens {
            access: self.access.hash(),
            access_expires_at: now.plus(ACCESS_LIFETIME),
            refresh: self.refresh.as_ref().map(|token| (token.hash(), now.plus(REFRESH_LIFETIME))),
            issued_at: now,
        }
    }

    /// RFC 6749, section 5.1.
    fn into_json(self) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("access_token".into(), self.access.secret().expose().into());
        json.insert("token_type".into(), "Bearer".into());
        json.insert("expires_in".into(), ACCESS_LIFETIME.as_secs().into());
        json.insert("scope".into(), SCOPE.into());
        if let Some(refresh) = self.refresh {
            json.insert("refresh_token".into(), refresh.secret().expose().into());
        }
        json
    }
}

impl OAuthServer {
    async fn exchange(
        self: Arc<Self>,
        form: &Form,
        origin: &ServerOrigin,
    ) -> OAuthResult<IssuedTokens> {
        let grant_type = form.required("grant_type")?;
        let client = self.known_client(form).await?;
        origin.check_resource(form.get("resource"))?;
        match grant_type {
            "authorization_code" => self.exchange_code(form, &client, origin).await,
            "refresh_token" => self.refresh(form, &client, origin).await,
            _ => Err(OAuthRefusal::new(
                ErrorCode::UnsupportedGrantType,
                "grant_type can be authorization_code or refresh_token",
            )),
        }
    }

    /// The client the request names. One that is unknown is told so in a way that makes it register again.
    async fn known_client(&self, form: &Form) -> OAuthResult<OAuthClientRow> {
        let unknown = |why| OAuthRefusal::new(ErrorCode::InvalidClient, why);
        let id = form.get("client_id").ok_or_else(|| unknown("client_id is missing"))?;
        self.store
            .oauth_client(id)
            .await?
            .ok_or_else(|| unknown("this client is not known here; register again"))
    }

    async fn exchange_code(
        &self,
        form: &Form,
        client: &OAuthClientRow,
        origin: &ServerOrigin,
    ) -> OAuthResult<IssuedTokens> {
        let refuse = |why: &str| OAuthRefusal::new(ErrorCode::InvalidGrant, why);
        let code = OAuthToken::parse(TokenKind::Code, form.required("code")?)
            .ok_or_else(|| refuse("this is no code of ours"))?
            .hash();
        let approval = match self.codes.claim(code, clock::now()) {
            ClaimedCode::Now(approval) => approval,
            ClaimedCode::Before { approval, grant } => {
                // A code alone can be seen in an address; only the client knows its verifier.
                if check_exchange(form, client, origin, &approval).is_ok() {
                    self.end_copied(grant).await?;
                }
                return Err(refuse("the code was used before"));
            }
            ClaimedCode::Unknown => return Err(refuse("the code is unknown or has expired")),
        };
        self.forget_answer(&approval);
        check_exchange(form, client, origin, &approval)?;
        let tokens = IssuedTokens::new(client);
        let grant = self.sign_in(Approval::clone(&approval), &tokens).await?;
        if self.codes.issued(code, grant) == Transition::LostRace {
            self.end_copied(Some(grant)).await?;
            return Err(refuse("the code was used twice at once"));
        }
        Ok(tokens)
    }

    /// Stores the grant of a consent, with its agent if that is new.
    async fn sign_in(&self, approval: Approval, tokens: &IssuedTokens) -> OAuthResult<GrantId> {
        let now = clock::now();
        let Approval { request, agent, .. } = approval;
        let (id, new_agent) = match agent {
            ApprovedAgent::Known(id) => (id, None),
            ApprovedAgent::New { name, profile } => {
                let agent = self.new_agent(name, profile, now).await?;
                (agent.id, Some(agent))
            }
        };
        let revoked = self.store.agent(id).await?.is_some_and(|agent| agent.revoked_at.is_some());
        if revoked {
            let why = "the owner shut this agent out meanwhile";
            return Err(OAuthRefusal::new(ErrorCode::InvalidGrant, why));
        }
        let grant = GrantRow {
            id: GrantId(Uuid::now_v7()),
            agent: id,
            client_id: request.client.client_id,
            redirect_uri: request.redirect_uri,
            audience: request.audience,
            granted_at: now,
            refreshed_at: None,
            ended_at: None,
            expires_at: None,
        };
        self.store.insert_oauth_grant(&grant, new_agent.as_ref(), &tokens.hashes(now)).await?;
        self.store.end_oldest_oauth_grants(id, MAX_GRANTS_PER_AGENT, now).await?;
        self.agents.reload().await?;
        self.events.send(Event::Agents);
        Ok(grant.id)
    }

    async fn new_agent(
        &self,
        name: String,
        profile: Option<String>,
        now: Timestamp,
    ) -> OAuthResult<AgentRow> {
        Ok(AgentRow {
            id: AgentId(Uuid::now_v7()),
            // Taken since the owner consented, it gets a number.
            name: free_name(&self.store, &name).await?,
            key_prefix: String::new(),
            profile,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            client: None,
        })
    }

    async fn refresh(
        &self,
        form: &Form,
        client: &OAuthClientRow,
        origin: &ServerOrigin,
    ) -> OAuthResult<IssuedTokens> {
        let refuse = |why: &str| OAuthRefusal::new(ErrorCode::InvalidGrant, why);
        let shown = OAuthToken::parse(TokenKind::Refresh, form.required("refresh_token")?)
            .ok_or_else(|| refuse("this is no refresh token of ours"))?
            .hash();
        let unknown = || refuse("the refresh token is unknown, has expired or was revoked");
        let known = self.store.oauth_refresh_token(shown).await?.ok_or_else(unknown)?;
        let now = clock::now();
        let is_theirs = known.client_id == client.client_id && known.audience == origin.audience();
        if !is_theirs || known.ended || now >= known.expires_at {
            return Err(unknown());
        }
        if known.rotated_at.is_some_and(|used| now.since(used) > REUSE_GRACE) {
            self.end_reused(&known).await?;
            return Err(refuse("the refresh token was used before; sign in again"));
        }
        let since = now.minus(REUSE_GRACE);
        if self.store.oauth_refreshes_since(known.grant, since).await? >= MAX_REFRESHES {
            let why = "this sign-in was renewed too often; use the tokens it was given";
            return Err(OAuthRefusal::retry_after(RETRY_AFTER_SECONDS, why));
        }
        self.rotate(shown, &known, client, now).await
    }

    async fn rotate(
        &self,
        used: TokenHash,
        known: &RefreshTokenRow,
        client: &OAuthClientRow,
        now: Timestamp,
    ) -> OAuthResult<IssuedTokens> {
        let tokens = IssuedTokens::new(client);
        self.store.rotate_oauth_tokens(used, known.grant, &tokens.hashes(now)).await?;
        self.agents.reload().await?;
        Ok(tokens)
    }

    /// Ends what a code gave that was used twice.
    async fn end_copied(&self, grant: Option<GrantId>) -> OAuthResult<()> {
        let Some(grant) = grant else { return Ok(()) };
        let all = self.store.oauth_grants().await?;
        if let Some(row) = all.into_iter().find(|row| row.id == grant) {
            self.end_and_alert(grant, row.agent).await?;
        }
        Ok(())
    }

    async fn end_reused(&self, known: &RefreshTokenRow) -> OAuthResult<()> {
        self.end_and_alert(known.grant, known.agent).await
    }

    async fn end_and_alert(&self, grant: GrantId, agent: AgentId) -> OAuthResult<()> {
        let action = AuditAction::AgentTokenReused;
        self.end_grant(grant, agent, Actor::System, action).await?;
        let name = self.store.agent(agent).await?.map(|agent| agent.name).unwrap_or_default();
        self.events.send(Event::TokenReused { agent: name });
        Ok(())
    }
}

/// Checks that a code comes back from the client and for the request it was given for.
fn check_exchange(
    form: &Form,
    client: &OAuthClientRow,
    origin: &ServerOrigin,
    approval: &Approval,
) -> OAuthResult<()> {
    let refuse = |why: &str| Err(OAuthRefusal::new(ErrorCode::InvalidGrant, why));
    let request = &approval.request;
    if request.client.client_id != client.client_id {
        return refuse("the code was given to another client");
    }
    if request.audience != origin.audience() {
        return refuse("the code was given at another address");
    }
    if form.get("redirect_uri").is_some_and(|uri| uri != request.redirect_uri) {
        return refuse("redirect_uri differs from that of the authorization request");
    }
    let verifier = form.required("code_verifier")?;
    if !VERIFIER_CHARS.contains(&verifier.len()) {
        return refuse("code_verifier has to be 43 to 128 characters long");
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    match bool::from(challenge.as_bytes().ct_eq(request.code_challenge.as_bytes())) {
        true => Ok(()),
        false => refuse("code_verifier does not fit the code_challenge"),
    }
}
