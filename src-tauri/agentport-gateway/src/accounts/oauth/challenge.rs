//! `WWW-Authenticate` challenges (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9728, section 5.1).

/// What a server's challenge says about signing in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuthChallenge {
    /// `Bearer`, as written; empty if the header names none.
    pub(crate) scheme: String,
    /// Where the server's protected resource metadata lies.
    pub(crate) resource_metadata: Option<String>,
    /// The scopes it asks for.
    pub(crate) scopes: Vec<String>,
    /// `invalid_token`, `insufficient_scope`.
    pub(crate) error: Option<String>,
}

impl AuthChallenge {
    /// The first challenge of `header` that can be answered by OAuth: `Bearer`, else one that names metadata.
    pub(crate) fn parse(header: &str) -> Self {
        let mut challenges = parse_all(header);
        let at = challenges
            .iter()
            .position(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))
            .or_else(|| {
                challenges.iter().position(|challenge| challenge.resource_metadata.is_some())
            });
        at.map(|at| challenges.swap_remove(at)).unwrap_or_default()
    }

    /// Does the server want more scopes, rather than another token?
    pub(crate) fn is_insufficient_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }

    fn set(&mut self, name: &str, value: String) {
        match name.to_ascii_lowercase().as_str() {
            "resource_metadata" if self.resource_metadata.is_none() && !value.is_empty() => {
                self.resource_metadata = Some(value);
            }
            "scope" if self.scopes.is_empty() => {
                self.scopes = value.split_whitespace().map(str::to_owned).collect();
            }
            "error" if self.error.is_none() => self.error = Some(value),
            _ => {}
        }
    }
}

/// Every challenge of a header. A word followed by `=` is a parameter of the challenge before it, any other a scheme.
fn parse_all(header: &str) -> Vec<AuthChallenge> {
    let mut challenges: Vec<AuthChallenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '='));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        if word.is_empty() {
            // Junk such as a stray `=` is stepped over.
            let mut chars = rest.chars();
            if chars.next().is_none() {
                return challenges;
            }
            rest = chars.as_str();
            continue;
        }
        match after.trim_start().strip_prefix('=') {
            Some(value) => {
                let (value, remaining) = parse_value(value.trim_start());
                if let Some(challenge) = challenges.last_mut() {
                    challenge.set(word, value);
                }
                rest = remaining;
            }
            None => {
                let scheme = word.to_owned();
                challenges.push(AuthChallenge { scheme, ..AuthChallenge::default() });
                rest = after;
            }
        }
    }
}

/// A token or a quoted string, and what follows it.
fn parse_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_servers_send_them() {
        for (header, metadata, scopes, error) in [
            (
                r#"Bearer resource_metadata="https://a/x", scope="r w", error="invalid_token""#,
                Some("https://a/x"),
                vec!["r", "w"],
                Some("invalid_token"),
            ),
            ("bearer RESOURCE_METADATA = https://a/x", Some("https://a/x"), vec![], None),
            (
                r#"Basic realm="scope=no, error=no", Bearer realm="x\"y", scope=r"#,
                None,
                vec!["r"],
                None,
            ),
            (
                r#"DPoP algs="ES256", Bearer error="insufficient_scope""#,
                None,
                vec![],
                Some("insufficient_scope"),
            ),
            (r#"Custom resource_metadata="https://a/x""#, Some("https://a/x"), vec![], None),
            ("Negotiate abc==, Bearer scope=r", None, vec!["r"], None),
            ("https://a/.well-known/oauth-protected-resource", None, vec![], None),
            (r#"Bearer scope="unterminated r"#, None, vec!["unterminated", "r"], None),
            (r#"Bearer resource_metadata="""#, None, vec![], None),
            ("Bearer", None, vec![], None),
            ("= , =", None, vec![], None),
            ("", None, vec![], None),
        ] {
            let read = AuthChallenge::parse(header);
            assert_eq!(read.resource_metadata.as_deref(), metadata, "{header}");
            assert_eq!(read.scopes, scopes, "{header}");
            assert_eq!(read.error.as_deref(), error, "{header}");
        }
        assert!(AuthChallenge::parse("Bearer error=insufficient_scope").is_insufficient_scope());
    }
}
