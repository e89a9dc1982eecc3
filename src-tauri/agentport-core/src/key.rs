//! Agents' keys: `ap_` and 32 URL-safe characters. Only their SHA-256 is stored.

use sha2::{Digest as _, Sha256};

use crate::Secret;

/// What every key begins with.
pub const PREFIX: &str = "ap_";
/// Random characters after the prefix (24 bytes in base64url).
pub const RANDOM_CHARS: usize = 32;
/// How much of a key identifies it to people: the prefix and nine characters.
pub const SHOWN_CHARS: usize = 12;

/// SHA-256 of a key, what the database keeps. The key is random, so a plain hash is enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct KeyHash(pub [u8; 32]);

/// A key as an agent shows it.
#[derive(Clone, Debug)]
pub struct Key(Secret);

impl Key {
    /// Makes a key out of 24 random bytes.
    pub fn from_random(bytes: [u8; 24]) -> Self {
        use base64::Engine as _;
        let random = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        Self(Secret::new(format!("{PREFIX}{random}")))
    }

    /// Takes `text` if it has the form of a key. Says nothing about whether the key is known.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let url_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (random.len() == RANDOM_CHARS && random.chars().all(url_safe))
            .then(|| Self(Secret::new(text)))
    }

    /// What it is known by in the database.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.expose().as_bytes()).into())
    }

    /// The first characters, which may be shown and logged.
    pub fn shown(&self) -> &str {
        &self.0.expose()[..SHOWN_CHARS]
    }

    /// The whole key.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_one_form() {
        let key = Key::from_random([7; 24]);
        let text = key.secret().expose().to_owned();
        assert_eq!(text.len(), 35);
        assert_eq!(Key::parse(&text).unwrap().hash(), key.hash());
        assert_eq!(key.shown(), &text[..12]);
        for bad in ["", "ap_", "ap_short", &text[1..], &format!("{text}x"), &text.replace('B', "é")]
        {
            assert!(Key::parse(bad).is_none(), "{bad}");
        }
    }
}
