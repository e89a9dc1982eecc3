//! The owner: a client of the control API.

use std::{path::Path, time::Duration};

use agentport_api::{
    ActivityPage, ApprovalView, AuditVerdict, Event, GrantChoice, IntegrationView, Items, KeyView,
    LoggedIn, NewKey, RuleView, Settings, Status, ToolView,
};
use agentport_core::{
    ApprovalId,
    approval::{Audience, StateName},
    policy::Mode,
};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{SOON, Wire, events::Events, programs, wire::Reply, within};

/// Signed in, by bearer token.
#[derive(Debug, Clone)]
pub struct Owner {
    pub wire: Wire,
}

impl Owner {
    pub async fn sign_in(base: &str, password: &str) -> Self {
        let wire = Wire::new(base);
        let reply = wire.post("/control/login", &json!({"password": password})).await;
        assert_eq!(reply.status, StatusCode::OK, "the owner signs in: {}", reply.text);
        let session: LoggedIn = typed(&reply);
        Self { wire: wire.with("authorization", &format!("Bearer {}", session.token)) }
    }

    /// Sends a request; returns the answer of any status.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = self.wire.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.wire.send(request).await
    }

    /// Sends, expects success and reads the answer.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> T {
        let reply = self.send(method.clone(), path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
        typed(&reply)
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> Vec<T> {
        self.ask::<Items<T>>(Method::GET, path, None).await.items
    }

    async fn done(&self, method: Method, path: &str, body: Option<Value>) {
        let reply = self.send(method.clone(), path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
    }

    pub async fn status(&self) -> Status {
        self.ask(Method::GET, "/control/status", None).await
    }

    // ---- keys and profiles

    pub async fn create_key(&self, name: &str) -> NewKey {
        self.ask(Method::POST, "/control/keys", Some(json!({"name": name}))).await
    }

    pub async fn create_key_with(&self, body: Value) -> NewKey {
        self.ask(Method::POST, "/control/keys", Some(body)).await
    }

    pub async fn keys(&self) -> Vec<KeyView> {
        self.list("/control/keys").await
    }

    pub async fn revoke(&self, key: &NewKey) {
        self.done(Method::DELETE, &format!("/control/keys/{}", key.id), None).await;
    }

    pub async fn trust(&self, key: &NewKey, minutes: u32) {
        let body = json!({"minutes": minutes});
        self.done(Method::POST, &format!("/control/keys/{}/trust", key.id), Some(body)).await;
    }

    pub async fn put_profile(&self, name: &str, profile: Value) {
        self.done(Method::PUT, &format!("/control/profiles/{name}"), Some(profile)).await;
    }

    // ---- integrations

    pub async fn add(&self, body: Value) -> IntegrationView {
        self.ask(Method::POST, "/control/integrations", Some(body)).await
    }

    /// Adds the fixture as a local server, with more arguments.
    pub async fn add_fixture(&self, id: &str, arguments: &[&str]) -> IntegrationView {
        self.add(json!({"id": id, "connection": local(&programs::fixture(), arguments)})).await
    }

    /// Adds a server at a URL.
    pub async fn add_remote(&self, id: &str, url: &str) -> IntegrationView {
        self.add(json!({"id": id, "connection": {"type": "remote_mcp", "url": url}})).await
    }

    /// Adds a server of an npm package, run by Node.
    pub async fn add_node(&self, id: &str, script: &str, arguments: &[&str]) -> IntegrationView {
        let script = programs::npm_file(script);
        let mut all = vec![script.to_str().expect("a path in Unicode")];
        all.extend(arguments);
        self.add(json!({"id": id, "connection": local(&programs::node(), &all)})).await
    }

    pub async fn integration(&self, id: &str) -> IntegrationView {
        self.ask(Method::GET, &format!("/control/integrations/{id}"), None).await
    }

    pub async fn integrations(&self) -> Vec<IntegrationView> {
        self.list("/control/integrations").await
    }

    pub async fn change(&self, id: &str, body: Value) -> IntegrationView {
        self.ask(Method::PATCH, &format!("/control/integrations/{id}"), Some(body)).await
    }

    /// Allows all tools of this integration.
    pub async fn allow_all(&self, id: &str) {
        self.change(id, json!({"default_mode": "allow"})).await;
    }

    pub async fn remove(&self, id: &str) {
        self.done(Method::DELETE, &format!("/control/integrations/{id}"), None).await;
    }

    pub async fn tools(&self, id: &str) -> Vec<ToolView> {
        self.list(&format!("/control/integrations/{id}/tools")).await
    }

    /// Waits until an integration `fits`.
    pub async fn integration_until(
        &self,
        id: &str,
        what: &str,
        fits: impl Fn(&IntegrationView) -> bool,
    ) -> IntegrationView {
        self.until(what, async || Some(self.integration(id).await).filter(&fits)).await
    }

    // ---- policy

    pub async fn set_policy(&self, integration: &str, tool: &str, mode: Mode) -> RuleView {
        let body = json!({"integration": integration, "tool": tool, "mode": mode});
        self.ask(Method::PUT, "/control/policy", Some(body)).await
    }

    pub async fn policy(&self) -> Vec<RuleView> {
        self.list("/control/policy").await
    }

    // ---- approvals

    pub async fn approvals(&self, state: &str) -> Vec<ApprovalView> {
        self.list(&format!("/control/approvals?state={state}")).await
    }

    pub async fn approval(&self, id: ApprovalId) -> ApprovalView {
        self.ask(Method::GET, &format!("/control/approvals/{id}"), None).await
    }

    pub async fn approve(&self, id: ApprovalId, grant: GrantChoice) -> ApprovalView {
        let reply = self.try_approve(id, json!({"grant": grant})).await;
        assert_eq!(reply.status, StatusCode::OK, "approve {id}: {}", reply.text);
        typed(&reply)
    }

    /// Sends an approval as it is; the answer may be a refusal.
    pub async fn try_approve(&self, id: ApprovalId, body: Value) -> Reply {
        self.send(Method::POST, &format!("/control/approvals/{id}/approve"), Some(body)).await
    }

    pub async fn approve_for_all(&self, id: ApprovalId, grant: GrantChoice) {
        let body = json!({"grant": grant, "audience": Audience::EveryAgent});
        assert_eq!(self.try_approve(id, body).await.status, StatusCode::OK);
    }

    pub async fn deny(&self, id: ApprovalId, reason: Option<&str>) -> ApprovalView {
        let reply = self.try_deny(id, reason).await;
        assert_eq!(reply.status, StatusCode::OK, "deny {id}: {}", reply.text);
        typed(&reply)
    }

    pub async fn try_deny(&self, id: ApprovalId, reason: Option<&str>) -> Reply {
        let path = format!("/control/approvals/{id}/deny");
        self.send(Method::POST, &path, Some(json!({"reason": reason}))).await
    }

    /// Waits until exactly one approval is pending, and returns it.
    pub async fn one_pending(&self) -> ApprovalView {
        self.until("one pending request", async || {
            let mut pending = self.approvals("pending").await;
            if pending.len() == 1 { pending.pop() } else { None }
        })
        .await
    }

    /// Waits until a request is in a state.
    pub async fn approval_until(&self, id: ApprovalId, state: StateName) -> ApprovalView {
        self.approval_within(SOON, id, state).await
    }

    pub async fn approval_within(
        &self,
        limit: Duration,
        id: ApprovalId,
        state: StateName,
    ) -> ApprovalView {
        let look = async || Some(self.approval(id).await).filter(|view| view.state.name() == state);
        self.until_within(limit, &format!("request {id} to be {state}"), look).await
    }

    pub async fn pause(&self, paused: bool) {
        self.done(Method::POST, "/control/pause", Some(json!({"paused": paused}))).await;
    }

    // ---- what happened

    pub async fn activity(&self, query: &str) -> ActivityPage {
        self.ask(Method::GET, &format!("/control/activity?{query}"), None).await
    }

    pub async fn audit_verdict(&self) -> AuditVerdict {
        self.ask(Method::GET, "/control/audit/verify", None).await
    }

    pub async fn settings(&self, change: Value) -> Settings {
        self.ask(Method::PATCH, "/control/settings", Some(change)).await
    }

    pub async fn events(&self) -> Events {
        let request = self.wire.request(Method::GET, "/control/events");
        let response =
            within(SOON, "the event stream", request.send()).await.expect("the gateway answers");
        assert_eq!(response.status(), StatusCode::OK);
        let mut events = Events::new(response);
        events.wait_for("the snapshot", |event| matches!(event, Event::Snapshot { .. })).await;
        events
    }

    /// Looks again after every event until `look` finds something. Events say what to read again, so whatever a test
    /// waits for comes with one; that is part of what is tested.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
        self.until_within(SOON, what, look).await
    }

    pub async fn until_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let wait = async {
            let mut events = self.events().await;
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                assert!(events.next().await.is_some(), "the events ended before {what}");
            }
        };
        within(limit, what, wait).await
    }
}

fn local(program: &Path, arguments: &[&str]) -> Value {
    json!({"type": "local_mcp", "command": program, "args": arguments})
}

pub fn typed<T: DeserializeOwned>(reply: &Reply) -> T {
    serde_json::from_value(reply.json()).unwrap_or_else(|error| {
        panic!("{} is not what was expected ({error}): {}", reply.status, reply.text)
    })
}
