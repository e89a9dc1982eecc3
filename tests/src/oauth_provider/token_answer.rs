//! Token answers on the wire, in every shape that providers send.

use axum::response::Response;
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    AccessTokenField, ExpiresIn, ScopeField, TokenEncoding, TokenRefusal, TokenShape, with_type,
};

#[derive(Debug)]
pub(super) struct NewTokens {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) scopes: Vec<String>,
}

pub(super) fn refused(refusal: &TokenRefusal) -> Response {
    let mut response = with_type(refusal.status, refusal.content_type, refusal.body.clone());
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    not_stored(response)
}

pub(super) fn issued(shape: &TokenShape, tokens: &NewTokens) -> Response {
    let fields = fields(shape, tokens);
    let (content_type, body) = match shape.encoding {
        TokenEncoding::Json => ("application/json", Value::Object(fields).to_string()),
        TokenEncoding::JsonAsText => ("text/plain", Value::Object(fields).to_string()),
        TokenEncoding::Form => ("application/x-www-form-urlencoded", form(&fields)),
    };
    not_stored(with_type(shape.status, content_type, body))
}

fn fields(shape: &TokenShape, tokens: &NewTokens) -> Map<String, Value> {
    let mut fields = Map::new();
    let access = match shape.access_token {
        AccessTokenField::Present => tokens.access.as_str(),
        AccessTokenField::Empty => "",
    };
    fields.insert("access_token".to_owned(), json!(access));
    if let Some(token_type) = &shape.token_type {
        fields.insert("token_type".to_owned(), json!(token_type));
    }
    let life = shape.life.as_secs();
    let expires_in = match shape.expires_in {
        ExpiresIn::Life => Some(json!(life)),
        ExpiresIn::Text => Some(json!(life.to_string())),
        ExpiresIn::Float => Some(json!(shape.life.as_secs_f64())),
        ExpiresIn::Seconds(seconds) => Some(json!(seconds)),
        ExpiresIn::Null => Some(Value::Null),
        ExpiresIn::Missing => None,
    };
    fields.extend(expires_in.map(|value| ("expires_in".to_owned(), value)));
    if let Some(refresh) = &tokens.refresh {
        fields.insert("refresh_token".to_owned(), json!(refresh));
    }
    let scope = match shape.scope {
        ScopeField::Spaces => Some(json!(tokens.scopes.join(" "))),
        ScopeField::Commas => Some(json!(tokens.scopes.join(","))),
        ScopeField::Array => Some(json!(tokens.scopes)),
        ScopeField::Empty => Some(json!("")),
        ScopeField::Missing => None,
    };
    fields.extend(scope.map(|value| ("scope".to_owned(), value)));
    fields
}

fn form(fields: &Map<String, Value>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        match value {
            Value::String(text) => form.append_pair(name, text),
            other => form.append_pair(name, &other.to_string()),
        };
    }
    form.finish()
}

fn not_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
