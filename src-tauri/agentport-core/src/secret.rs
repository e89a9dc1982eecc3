//! A secret in memory: never printed, never serialised, zeroed when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// Text that must not leave the process except where it is meant to go.
///
/// There is no `Debug` that shows it, no `Display` and no `Serialize`; reading it takes a call to
/// [`Secret::expose`], which a reviewer can search for.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` as a secret. Copies made of it before are not zeroed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself. Every use of this is a place where a secret can get out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_printed() {
        let secret = Secret::new("obviously-fake");
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("fake"));
    }
}
