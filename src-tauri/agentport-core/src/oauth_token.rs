//! Values of the OAuth server: access tokens, refresh tokens and authorization codes. Each is a prefix and 32 random
//! bytes (RFC 6749, section 10.10); only its SHA-256 is stored.

use sha2::{Digest as _, Sha256};

use crate::Secret;

/// Random characters after the prefix (32 bytes in base64url).
pub const RANDOM_CHARS: usize = 43;

/// What a value is for. The prefix says it, so that one never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Shown with each request (RFC 6750).
    Access,
    /// Exchanged for fresh tokens (RFC 6749, section 6).
    Refresh,
    /// Exchanged for the first tokens (RFC 6749, section 4.1).
    Code,
}

impl TokenKind {
    /// What a value of this kind begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "apa_",
            Self::Refresh => "apr_",
            Self::Code => "apc_",
        }
    }
}

/// SHA-256 of a value. The value is random, so a plain hash is enough, and looking one up takes no longer for a value
/// that is nearly right.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TokenHash(pub [u8; 32]);

/// A value as a client shows it.
#[derive(Clone, Debug)]
pub struct OAuthToken(Secret);

impl OAuthToken {
    /// Makes a value out of 32 random bytes.
    pub fn from_random(kind: TokenKind, bytes: [u8; 32]) -> Self {
        use base64::Engine as _;
        let random = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        Self(Secret::new(format!("{}{random}", kind.prefix())))
    }

    /// Takes `text` if it has the form of this kind. Says nothing about whether it is known.
    pub fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        let random = text.strip_prefix(kind.prefix())?;
        let url_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (random.len() == RANDOM_CHARS && random.chars().all(url_safe))
            .then(|| Self(Secret::new(text)))
    }

    /// What it is known by in the database.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose().as_bytes()).into())
    }

    /// The whole value.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_one_kind() {
        for kind in [TokenKind::Access, TokenKind::Refresh, TokenKind::Code] {
            let token = OAuthToken::from_random(kind, [7; 32]);
            let text = token.secret().expose().to_owned();
            assert_eq!(text.len(), 47);
            for other in [TokenKind::Access, TokenKind::Refresh, TokenKind::Code] {
                assert_eq!(OAuthToken::parse(other, &text).is_some(), other == kind, "{text}");
            }
            for bad in ["", kind.prefix(), &text[1..], &format!("{text}x"), &text.replace('B', "é")]
            {
                assert!(OAuthToken::parse(kind, bad).is_none(), "{bad}");
            }
        }
    }
}
