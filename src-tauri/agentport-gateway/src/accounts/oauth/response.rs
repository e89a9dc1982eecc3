//! Answers of token endpoints (RFC 6749, sections 5.1 and 5.2), as providers really send them.
//!
//! Accepted: any 2xx status, JSON under another content type, form encoding, `expires_in` as text or fraction, a missing
//! `token_type`, `scope` as list or with commas, errors under status 200. Refused: an empty access token.

use std::time::Duration;

use agentport_core::{
    Secret,
    redact::{redacted_text, scrub},
    sanitize::sanitize_line,
};
use serde_json::{Map, Value, json};

use super::http_client::OAuthResponse;

/// The most characters of a provider's text in a sentence.
const MAX_QUOTE_CHARS: usize = 200;
/// The longest scope that is taken.
const MAX_SCOPE_BYTES: usize = 256;
/// Error codes that say "later", in OAuth and of well-known providers.
const LATER_CODES: [&str; 9] = [
    "temporarily_unavailable",
    "server_error",
    "slow_down",
    "ratelimited",
    "rate_limited",
    "rate_limit_exceeded",
    "too_many_requests",
    "internal_error",
    "service_unavailable",
];

/// What a token endpoint answered.
#[derive(Debug)]
pub(super) enum TokenAnswer {
    Granted(TokenGrant),
    /// An error by OAuth's rules, whatever the status.
    Refused {
        code: String,
        description: Option<String>,
    },
    /// A 4xx whose body is no OAuth error.
    Foreign {
        status: u16,
        text: String,
    },
    /// A 2xx with neither tokens nor an error.
    Unusable {
        problem: &'static str,
        is_json: bool,
    },
    /// The same request may succeed later.
    Later {
        problem: String,
        retry_after: Option<Duration>,
    },
}

/// Tokens.
#[derive(Debug, Clone)]
pub(super) struct TokenGrant {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    /// Zero: it has expired already. Absent: unknown.
    pub(super) expires_in: Option<Duration>,
    /// Absent: as requested.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) workspace: Option<String>,
}

/// What a refused refresh means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshVerdict {
    /// The refresh token is no longer good.
    Final,
    /// It looks refused, in words that are not OAuth's: worth one more try.
    Unclear,
    /// Nothing is decided.
    Later,
}

impl TokenAnswer {
    /// Reads a response. `sent` are the secrets of the request, which some providers quote in their errors.
    pub(super) fn from_response(response: &OAuthResponse, sent: &[&str]) -> Self {
        if response.is_transient() {
            let problem = format!("it answered HTTP {}", response.status.as_u16());
            return Self::Later { problem, retry_after: response.retry_after() };
        }
        let fields = fields(&response.body);
        let is_success = response.status.is_success();
        if let Some((code, description)) =
            fields.as_ref().and_then(|fields| error(fields, is_success))
        {
            let quote = |text: &str| quote(text, sent);
            return Self::Refused {
                code: quote(&code),
                description: description.map(|d| quote(&d)),
            };
        }
        if !is_success {
            let text = quote(&text_of(&response.body), sent);
            return Self::Foreign { status: response.status.as_u16(), text };
        }
        let Some(fields) = fields else {
            return Self::Unusable { problem: "its answer is not JSON", is_json: false };
        };
        match grant(&fields) {
            Some(grant) => Self::Granted(grant),
            None => Self::Unusable { problem: "its answer holds no access token", is_json: true },
        }
    }

    /// What this answer to a refresh means; `None` if it was granted.
    pub(super) fn refresh_verdict(&self) -> Option<RefreshVerdict> {
        match self {
            Self::Granted(_) => None,
            Self::Refused { code, .. } if LATER_CODES.contains(&code.as_str()) => {
                Some(RefreshVerdict::Later)
            }
            Self::Refused { .. } => Some(RefreshVerdict::Final),
            Self::Foreign { text, .. } if names_refresh_token(text) => Some(RefreshVerdict::Final),
            Self::Foreign { status: 400 | 401 | 403 | 422, .. }
            | Self::Unusable { is_json: true, .. } => Some(RefreshVerdict::Unclear),
            // A captive portal answers with a page.
            Self::Foreign { .. } | Self::Unusable { .. } | Self::Later { .. } => {
                Some(RefreshVerdict::Later)
            }
        }
    }

    /// What went wrong, as the end of a sentence; empty if nothing did.
    pub(super) fn problem(&self) -> String {
        match self {
            Self::Granted(_) => String::new(),
            Self::Refused { code, description: None } => code.clone(),
            Self::Refused { code, description: Some(text) } => format!("{code}: {text}"),
            Self::Foreign { status, text } if text.is_empty() => format!("HTTP {status}"),
            Self::Foreign { status, text } => format!("HTTP {status}: {text}"),
            Self::Unusable { problem, .. } => (*problem).to_owned(),
            Self::Later { problem, .. } => problem.clone(),
        }
    }
}

impl TokenGrant {
    /// The grant as RFC 6749 writes it, without anything of the vendor.
    pub(super) fn to_standard_json(&self) -> Vec<u8> {
        let mut fields = json!({
            "access_token": self.access_token.expose(),
            "token_type": "bearer",
        });
        if let Some(token) = &self.refresh_token {
            fields["refresh_token"] = token.expose().into();
        }
        if let Some(life) = self.expires_in {
            fields["expires_in"] = life.as_secs().into();
        }
        if let Some(scopes) = &self.scopes {
            fields["scope"] = scopes.join(" ").into();
        }
        fields.to_string().into_bytes()
    }
}

/// A provider's text for a sentence: one line, without what looks like a secret or was sent as one.
pub(super) fn quote(text: &str, sent: &[&str]) -> String {
    let scrubbed = scrub(text, sent);
    let text = redacted_text(scrubbed.as_deref().unwrap_or(text));
    sanitize_line(&text, MAX_QUOTE_CHARS)
}

/// The error code and description of an answer that is not about tokens, for sentences: OAuth's words, else the text.
pub(super) fn problem_in(response: &OAuthResponse) -> String {
    let status = response.status.as_u16();
    let text = match fields(&response.body).as_ref().and_then(|fields| error(fields, false)) {
        Some((code, None)) => code,
        Some((code, Some(description))) => format!("{code}: {description}"),
        None => text_of(&response.body),
    };
    let text = quote(&text, &[]);
    if text.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {text}") }
}

/// A body as text; a page says nothing that fits into a sentence.
pub(super) fn text_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') { String::new() } else { text.into_owned() }
}

/// The fields of a JSON object, or of a form.
fn fields(body: &[u8]) -> Option<Map<String, Value>> {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        };
    }
    let fields: Map<String, Value> = url::form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    (fields.contains_key("access_token") || fields.contains_key("error")).then_some(fields)
}

/// OAuth's error, also as `{"ok": false, "error": …}`; in a refusal also as an object.
fn error(fields: &Map<String, Value>, is_success: bool) -> Option<(String, Option<String>)> {
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let description = text(fields.get("error_description"))
        .or_else(|| text(fields.get("message")))
        .or_else(|| text(fields.get("msg")));
    match fields.get("error") {
        Some(Value::String(code)) if !code.is_empty() => return Some((code.clone(), description)),
        Some(Value::Object(error)) if is_success => {
            let code = text(error.get("code")).or_else(|| text(error.get("type")));
            let description = text(error.get("message")).or(description);
            return Some((code.unwrap_or_else(|| "error".to_owned()), description));
        }
        _ => {}
    }
    let is_not_ok = fields.get("ok") == Some(&Value::Bool(false))
        || fields.get("ok").and_then(Value::as_str) == Some("false");
    is_not_ok.then(|| ("error".to_owned(), description))
}

fn grant(fields: &Map<String, Value>) -> Option<TokenGrant> {
    let secret = |name: &str| {
        let text = fields.get(name).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty()).map(Secret::new)
    };
    Some(TokenGrant {
        access_token: secret("access_token")?,
        refresh_token: secret("refresh_token"),
        expires_in: fields.get("expires_in").and_then(seconds),
        scopes: fields.get("scope").and_then(scopes),
        workspace: workspace(fields),
    })
}

/// A life in seconds: a number, or a text of one. Negative counts as zero.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds.max(0.0).floor()).ok()
}

/// Scopes that RFC 6749, section 3.3, allows; no others can be sent, and these are safe to show.
pub(super) fn is_scope_token(scope: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
    !scope.is_empty() && scope.len() <= MAX_SCOPE_BYTES && scope.chars().all(is_allowed)
}

/// Scopes as a text with spaces or commas, or as a list; `None` if there are none.
fn scopes(value: &Value) -> Option<Vec<String>> {
    let separated = |text: &str| {
        let parts = text.split(|c: char| c.is_whitespace() || c == ',');
        parts.filter(|part| is_scope_token(part)).map(str::to_owned).collect::<Vec<_>>()
    };
    let scopes = match value {
        Value::String(text) => separated(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).flat_map(separated).collect(),
        _ => Vec::new(),
    };
    (!scopes.is_empty()).then_some(scopes)
}

/// What the provider calls the workspace, team or account.
fn workspace(fields: &Map<String, Value>) -> Option<String> {
    let plain = ["workspace_name", "team_name", "organization_name", "account_name"]
        .iter()
        .find_map(|name| fields.get(*name)?.as_str());
    let nested = ["workspace", "team", "organization", "account"]
        .iter()
        .find_map(|name| fields.get(*name)?.get("name")?.as_str());
    let name = sanitize_line(plain.or(nested)?, 80);
    (!name.is_empty()).then_some(name)
}

fn names_refresh_token(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["refresh token", "refresh_token", "refresh-token"].iter().any(|name| text.contains(name))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn answer(status: u16, body: &str) -> TokenAnswer {
        let status = StatusCode::from_u16(status).unwrap();
        let response =
            OAuthResponse { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        TokenAnswer::from_response(&response, &["planted-code"])
    }

    fn granted(status: u16, body: &str) -> TokenGrant {
        match answer(status, body) {
            TokenAnswer::Granted(grant) => grant,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn grants_are_read_as_providers_send_them() {
        for (body, life) in [
            (r#"{"access_token":"a","token_type":"Bearer","expires_in":3600}"#, Some(3600)),
            (r#"{"access_token":"a","expires_in":"3600"}"#, Some(3600)),
            (r#"{"access_token":"a","expires_in":3600.0}"#, Some(3600)),
            (r#"{"access_token":"a","expires_in":"3600.5"}"#, Some(3600)),
            (r#"{"access_token":"a","expires_in":0}"#, Some(0)),
            (r#"{"access_token":"a","expires_in":-5}"#, Some(0)),
            (r#"{"access_token":"a","expires_in":null}"#, None),
            (r#"{"access_token":"a","expires_in":"soon"}"#, None),
            (r#"{"access_token":"a"}"#, None),
            (r#"{"access_token":"a","error":null,"error_description":""}"#, None),
            (r#"{"ok":true,"access_token":"a"}"#, None),
            ("access_token=a&token_type=bearer&expires_in=60", Some(60)),
        ] {
            for status in [200, 201] {
                let grant = granted(status, body);
                assert_eq!(grant.access_token.expose(), "a", "{body}");
                assert_eq!(grant.expires_in, life.map(Duration::from_secs), "{body}");
            }
        }
    }

    #[test]
    fn scopes_and_workspaces_are_read() {
        for (value, want) in [
            (r#""r w""#, Some(vec!["r", "w"])),
            (r#""r,w""#, Some(vec!["r", "w"])),
            (r#""r \u202ew \"x""#, Some(vec!["r"])),
            (r#"["r","w x"]"#, Some(vec!["r", "w", "x"])),
            (r#""""#, None),
            ("[]", None),
            ("null", None),
        ] {
            let grant = granted(200, &format!(r#"{{"access_token":"a","scope":{value}}}"#));
            let want = want.map(|scopes| scopes.iter().map(ToString::to_string).collect());
            assert_eq!(grant.scopes, want, "{value}");
        }
        for (fields, want) in [
            (r#""workspace_name":"Acme""#, Some("Acme")),
            (r#""team":{"name":"Acme","id":"T1"}"#, Some("Acme")),
            (r#""team":"Acme""#, None),
            (r#""account_name":"A\nB""#, Some("A B")),
        ] {
            let grant = granted(200, &format!(r#"{{"access_token":"a",{fields}}}"#));
            assert_eq!(grant.workspace.as_deref(), want, "{fields}");
        }
    }

    #[test]
    fn the_standard_form_has_no_vendor_fields() {
        let grant = granted(
            201,
            r#"{"access_token":"a","refresh_token":"b","expires_in":"60","scope":["r"],"id_token":"c"}"#,
        );
        let standard: Value = serde_json::from_slice(&grant.to_standard_json()).unwrap();
        let want = json!({ "access_token": "a", "token_type": "bearer", "refresh_token": "b", "expires_in": 60, "scope": "r" });
        assert_eq!(standard, want);
    }

    #[test]
    fn refusals_are_sorted_into_final_unclear_and_later() {
        use RefreshVerdict::{Final, Later, Unclear};
        for (status, body, want) in [
            (400, r#"{"error":"invalid_grant"}"#, Some(Final)),
            (401, r#"{"error":"invalid_client"}"#, Some(Final)),
            (
                403,
                r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#,
                Some(Final),
            ),
            (200, r#"{"error":"bad_refresh_token"}"#, Some(Final)),
            (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, Some(Final)),
            (200, r#"{"ok":false,"error":"ratelimited"}"#, Some(Later)),
            (200, r#"{"ok":false}"#, Some(Final)),
            (200, r#"{"error":{"code":"expired","message":"gone"}}"#, Some(Final)),
            (200, "error=bad_refresh_token&error_description=x", Some(Final)),
            (400, r#"{"error":"temporarily_unavailable"}"#, Some(Later)),
            (400, r#"{"error_code":"refresh_token_not_found"}"#, Some(Final)),
            (422, r#"{"message":"Required parameter: client_secret"}"#, Some(Unclear)),
            (400, r#"{"errors":["bad"]}"#, Some(Unclear)),
            (400, "[]", Some(Unclear)),
            (403, "<html>", Some(Unclear)),
            (401, "", Some(Unclear)),
            (404, "<html>", Some(Later)),
            (302, "", Some(Later)),
            (408, "", Some(Later)),
            (425, "", Some(Later)),
            (429, r#"{"error":"invalid_grant"}"#, Some(Later)),
            (503, "", Some(Later)),
            (200, "<html>captive portal</html>", Some(Later)),
            (200, r#"{"access_token":""}"#, Some(Unclear)),
            (200, r#"{"access_token":"  "}"#, Some(Unclear)),
            (200, r#"{"access_token":"a"}"#, None),
        ] {
            assert_eq!(answer(status, body).refresh_verdict(), want, "{status} {body}");
        }
    }

    #[test]
    fn quoted_errors_hold_no_secret_that_was_sent() {
        let refused = answer(
            400,
            r#"{"error":"invalid_grant","error_description":"code planted-code\nis used"}"#,
        );
        let text = format!("{} {refused:?}", refused.problem());
        assert!(!text.contains("planted"), "{text}");
        assert!(text.contains("is used"), "{text}");
        let foreign = answer(400, "the code planted-code is wrong");
        assert!(!format!("{} {foreign:?}", foreign.problem()).contains("planted"));
    }
}
