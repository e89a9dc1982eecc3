//! Configuration of the token endpoint's answers: every shape of success and refusal.

use std::time::Duration;

/// What the token endpoint answers to a valid request.
#[derive(Debug, Clone)]
pub enum TokenReply {
    /// Tokens, in this shape.
    Issue(TokenShape),
    /// Tokens are issued (and rotated), but the answer never arrives.
    Lost,
    /// No token is issued or changed.
    Refuse(TokenRefusal),
    /// No answer, and nothing has changed.
    Hang,
}

impl Default for TokenReply {
    fn default() -> Self {
        Self::Issue(TokenShape::default())
    }
}

/// How tokens are written down.
#[derive(Debug, Clone)]
pub struct TokenShape {
    pub status: u16,
    pub encoding: TokenEncoding,
    pub access_token: AccessTokenField,
    pub token_type: Option<String>,
    pub expires_in: ExpiresIn,
    pub scope: ScopeField,
    /// A refresh token is in the answer.
    pub refresh_token: RefreshTokenField,
    /// How long the access token really works.
    pub life: Duration,
}

impl Default for TokenShape {
    fn default() -> Self {
        Self {
            status: 200,
            encoding: TokenEncoding::Json,
            access_token: AccessTokenField::Present,
            token_type: Some("Bearer".to_owned()),
            expires_in: ExpiresIn::Life,
            scope: ScopeField::Spaces,
            refresh_token: RefreshTokenField::Present,
            life: Duration::from_secs(3600),
        }
    }
}

impl TokenShape {
    /// Tokens that work for this long, and say so.
    pub fn living(life: Duration) -> Self {
        Self { life, ..Self::default() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEncoding {
    Json,
    /// JSON under `text/plain`.
    JsonAsText,
    /// `application/x-www-form-urlencoded`.
    Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessTokenField {
    Present,
    /// An empty string.
    Empty,
}

/// `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ExpiresIn {
    /// The true life in whole seconds, as a number.
    Life,
    /// The true life as digits in a string.
    Text,
    /// The true life as a number with a fraction, `3600.0`.
    Float,
    /// Another number of seconds.
    Seconds(u64),
    Null,
    Missing,
}

/// `scope` of a token answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeField {
    Spaces,
    Commas,
    Array,
    Empty,
    Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshTokenField {
    Present,
    Missing,
}

/// A refusal of the token endpoint, as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRefusal {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    /// Seconds.
    pub retry_after: Option<u64>,
}

impl TokenRefusal {
    /// RFC 6749, section 5.2.
    pub fn oauth(status: u16, error: &str, description: &str) -> Self {
        let body = serde_json::json!({"error": error, "error_description": description});
        Self::body(status, "application/json", &body.to_string())
    }

    pub fn body(status: u16, content_type: &'static str, body: &str) -> Self {
        Self { status, content_type, body: body.to_owned(), retry_after: None }
    }

    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

impl From<TokenRefusal> for TokenReply {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<TokenShape> for TokenReply {
    fn from(shape: TokenShape) -> Self {
        Self::Issue(shape)
    }
}
