//! Does the name of a header, or of a parameter in a URL, say that its value is a credential?
//!
//! Stricter than [`super::names_a_secret`], which has to leave `key` alone: in a header or a query few names are taken,
//! and `key` there is a key to something.

/// Names are compared in lower case, word by word; numbers at the end of a word count things.
const WORDS: [&str; 12] = [
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "pass",
    "passwd",
    "pwd",
    "sig",
    "signature",
];
/// These also at the end of a name written in one word (`accessToken`, `APIKEY`).
const ENDINGS: [&str; 5] = ["key", "token", "secret", "password", "passphrase"];
/// And these anywhere in the name of a header, where names are few and telling.
const IN_HEADERS: [&str; 6] = ["authorization", "cookie", "key", "password", "secret", "token"];

/// Does a parameter of a URL's query of this name hold a credential?
pub fn is_credential_parameter(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name
        .split(|c: char| !c.is_alphanumeric())
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    words.any(|word| WORDS.contains(&word) || ENDINGS.iter().any(|end| word.ends_with(end)))
}

/// Does a header of this name hold a credential?
pub fn is_credential_header(name: &str) -> bool {
    let lower = name.to_lowercase();
    IN_HEADERS.iter().any(|telling| lower.contains(telling)) || is_credential_parameter(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_known_by_name() {
        for name in ["key", "api_key", "apiKey", "token2", "accessToken", "sig", "X-Amz-Signature"]
        {
            assert!(is_credential_parameter(name) && is_credential_header(name), "{name}");
        }
        for name in ["Authorization", "X-Tokens", "Cookie", "X-MyPasswordHere", "Sec-WebSocket-Key"]
        {
            assert!(is_credential_header(name), "{name}");
        }
        for name in ["mode", "author", "keyword", "tokens", "page"] {
            assert!(!is_credential_parameter(name), "{name}");
        }
        for name in ["X-Region", "Accept-Language", "User-Agent"] {
            assert!(!is_credential_header(name), "{name}");
        }
    }
}
