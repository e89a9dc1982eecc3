//! `POST /oauth/revoke`: token revocation (RFC 7009). Ends the whole grant of a token.

use agentport_api::Event;
use agentport_core::{
    AgentId,
    audit::{Actor, AuditAction},
    oauth_token::{OAuthToken, TokenKind},
};
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    OAuthServer,
    error::{ErrorCode, OAuthRefusal, OAuthResult},
    routes::{Form, OAuthRoutes, read_body},
};
use crate::{
    clock,
    shutdown::run_to_completion,
    store::{self, GrantId, Transition},
};

/// 200 whatever the token is (section 2.2), but for a client that shows another's.
pub(super) async fn revoke(
    State(routes): State<OAuthRoutes>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> OAuthResult<Response> {
    let form = Form::read(&read_body(&headers, body).await?)?;
    let server = routes.server.clone();
    let work = async move { server.revoke(&form).await };
    run_to_completion(&routes.server.tasks, work).await?;
    let mut response = StatusCode::OK.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl OAuthServer {
    async fn revoke(&self, form: &Form) -> OAuthResult<()> {
        let token = form.required("token")?;
        let Some(token) = [TokenKind::Access, TokenKind::Refresh]
            .into_iter()
            .find_map(|kind| OAuthToken::parse(kind, token))
        else {
            return Ok(());
        };
        let Some((grant, agent, client_id)) = self.store.oauth_grant_of(token.hash()).await? else {
            return Ok(());
        };
        if form.get("client_id").is_some_and(|asked| asked != client_id) {
            return Err(OAuthRefusal::new(
                ErrorCode::InvalidGrant,
                "the token was not issued to this client",
            ));
        }
        let action = AuditAction::AgentSignedOut;
        self.end_grant(grant, agent, Actor::Agent(agent), action).await?;
        Ok(())
    }

    /// Ends a grant: its tokens are refused from now on, and its open streams are closed.
    pub(super) async fn end_grant(
        &self,
        grant: GrantId,
        agent: AgentId,
        actor: Actor,
        action: AuditAction,
    ) -> store::Result<()> {
        if self.store.end_oauth_grant(grant, clock::now()).await? == Transition::LostRace {
            return Ok(());
        }
        self.agents.reload().await?;
        self.audit.record(actor, action, &agent.to_string(), json!({})).await;
        self.events.send(Event::Agents);
        Ok(())
    }
}
