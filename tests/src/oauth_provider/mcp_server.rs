//! The protected MCP server: Streamable HTTP without sessions (2025-11-25), two tools, bearer tokens (RFC 6750).
//!
//! `whoami` names the account and the scopes of the token. `write` needs a scope of its own.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    DeadTokenAnswer, McpProtection, ProviderBehaviour, ProviderCore, RecordedRequest,
    ledger::TokenFamily, metadata::ChallengeError,
};
use crate::soon;

/// The token of a request.
enum ShownToken {
    Valid(TokenFamily),
    /// Expired, revoked or never issued.
    Dead,
    Absent,
}

impl ProviderCore {
    pub(super) async fn serve_mcp(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        let message: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or_default();
        let is_call = method == "tools/call";
        let open = behaviour.mcp.protection == McpProtection::Calls && !is_call;
        let holder = match self.shown_token(behaviour, request) {
            ShownToken::Valid(holder) => Some(holder),
            ShownToken::Absent | ShownToken::Dead if open => None,
            ShownToken::Absent => return self.unauthorized(behaviour, None),
            ShownToken::Dead => match self.refuse_dead_token(behaviour, &message, is_call).await {
                Some(refusal) => return refusal,
                None => None,
            },
        };
        if request.method != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        if message.get("id").is_none() {
            return StatusCode::ACCEPTED.into_response();
        }
        let result = match method {
            "initialize" => Ok(hello(&message)),
            "ping" => Ok(json!({})),
            "tools/list" => Ok(json!({"tools": tools()})),
            "tools/call" => return self.call(behaviour, &message, holder.as_ref()).await,
            _ => Err(json!({"code": -32601, "message": "Method not found"})),
        };
        rpc(&message, result)
    }

    fn shown_token(&self, behaviour: &ProviderBehaviour, request: &RecordedRequest) -> ShownToken {
        let keys = &behaviour.mcp.keys;
        if !keys.is_empty()
            && keys.iter().all(|(name, value)| request.header(name) == Some(value.as_str()))
        {
            return ShownToken::Valid(TokenFamily {
                client: "none".to_owned(),
                account: "keyholder".to_owned(),
                scopes: behaviour.discovery.server_scopes.clone(),
                alive: true,
            });
        }
        let Some(authorization) = request.header("authorization") else {
            return ShownToken::Absent;
        };
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        match self.ledger.lock().holder(token) {
            Some(holder) => ShownToken::Valid(holder.clone()),
            None => ShownToken::Dead,
        }
    }

    /// The answer to a dead token; `None` where the request is let through.
    async fn refuse_dead_token(
        &self,
        behaviour: &ProviderBehaviour,
        message: &Value,
        is_call: bool,
    ) -> Option<Response> {
        self.gather(behaviour.mcp.gathered_refusals).await;
        match behaviour.mcp.dead_token {
            DeadTokenAnswer::Unauthorized => {
                Some(self.unauthorized(behaviour, Some("invalid_token")))
            }
            DeadTokenAnswer::ServerError => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            DeadTokenAnswer::ToolError if is_call => {
                let failed = text_result("Request failed: HTTP 401 Unauthorized", true);
                Some(rpc(message, Ok(failed)))
            }
            DeadTokenAnswer::ToolError => None,
        }
    }

    /// Waits until a group of so many requests with a dead token is here.
    async fn gather(&self, enough: usize) {
        if enough == 0 {
            return;
        }
        let mut waiting = self.refusals.subscribe();
        let mut complete = 0;
        self.refusals.send_modify(|count| {
            *count += 1;
            complete = count.next_multiple_of(enough);
        });
        let gathered = waiting.wait_for(|count| *count >= complete);
        soon("requests with a dead token", gathered).await.expect("the provider is there");
    }

    fn unauthorized(&self, behaviour: &ProviderBehaviour, error: Option<&str>) -> Response {
        let challenge = self.challenge(behaviour, ChallengeError { error, scope: None });
        challenged(StatusCode::UNAUTHORIZED, challenge)
    }

    async fn call(
        &self,
        behaviour: &ProviderBehaviour,
        message: &Value,
        holder: Option<&TokenFamily>,
    ) -> Response {
        let name = message.pointer("/params/name").and_then(Value::as_str).unwrap_or_default();
        let scopes = holder.map(|holder| holder.scopes.as_slice()).unwrap_or_default();
        if let Some(needed) = behaviour.mcp.write_scope.as_ref().filter(|_| name == "write")
            && !scopes.contains(needed)
        {
            let error =
                ChallengeError { error: Some("insufficient_scope"), scope: Some(needed.as_str()) };
            return challenged(StatusCode::FORBIDDEN, self.challenge(behaviour, error));
        }
        if behaviour.mcp.holds_calls {
            return self.hang().await;
        }
        let account = holder.map_or("nobody", |holder| holder.account.as_str());
        let text = message.pointer("/params/arguments/text").and_then(Value::as_str);
        let result = match name {
            "whoami" => {
                text_result(&format!("account={account} scopes={}", scopes.join(",")), false)
            }
            "write" => text_result(&format!("{account} wrote {}", text.unwrap_or_default()), false),
            _ => text_result(&format!("no tool {name}"), true),
        };
        rpc(message, Ok(result))
    }
}

fn challenged(status: StatusCode, challenge: Option<String>) -> Response {
    let mut response = status.into_response();
    if let Some(challenge) = challenge {
        let value = HeaderValue::from_str(&challenge).expect("a challenge is a header's value");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

fn rpc(message: &Value, result: Result<Value, Value>) -> Response {
    let mut answer = json!({"jsonrpc": "2.0", "id": message["id"]});
    match result {
        Ok(result) => answer["result"] = result,
        Err(error) => answer["error"] = error,
    }
    axum::Json(answer).into_response()
}

fn text_result(text: &str, is_error: bool) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": is_error})
}

fn hello(message: &Value) -> Value {
    let asked = message.pointer("/params/protocolVersion").and_then(Value::as_str);
    let version = asked.filter(|asked| *asked <= "2025-11-25").unwrap_or("2025-11-25");
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "protected-server", "version": "1.0.0"},
    })
}

fn tools() -> Value {
    json!([
        {
            "name": "whoami",
            "description": "The account and the scopes of the token",
            "inputSchema": {"type": "object", "properties": {}},
            "annotations": {"readOnlyHint": true},
        },
        {
            "name": "write",
            "description": "Writes a text",
            "inputSchema": {
                "type": "object",
                "properties": {"text": {"type": "string"}},
                "required": ["text"],
            },
            "annotations": {"readOnlyHint": false, "destructiveHint": true},
        },
    ])
}
