//! Names of an integration's secrets in the vault.

use agentport_api::{Connection, SecretPlace};
use agentport_core::placeholder::placeholders;

/// Each name once: those of the variables, then those in the headers, in the order given.
pub(super) fn of<'a>(
    secret_env: &[String],
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let from_headers = headers.flat_map(|(_, value)| placeholders(value));
    for name in secret_env.iter().map(String::as_str).chain(from_headers) {
        if names.iter().all(|known| known != name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The names of an existing integration's secrets, each once. Headers are in the order of their names.
pub(super) fn of_connection(connection: &Connection) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in connection.secrets() {
        if names.iter().all(|known| known != name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// In place of a header's name: the secret is in the URL.
pub(super) const IN_URL: &str = "";

/// The prompt for a secret of an existing integration.
pub(super) fn label_in(name: &str, connection: &Connection) -> String {
    let place = connection.secrets().into_iter().find(|(found, _)| *found == name);
    match place.map(|(_, place)| place) {
        Some(SecretPlace::Url) => format!("{{{name}}} of the URL"),
        Some(SecretPlace::Argument(argument)) => format!("{{{name}}} of the argument {argument}"),
        Some(SecretPlace::Header(header)) => format!("{{{name}}} of the header {header}"),
        Some(SecretPlace::Variable) | None => name.to_owned(),
    }
}

/// The prompt for a secret that is asked for by these headers, or the URL.
pub(super) fn label<'a>(
    name: &str,
    mut headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let header = headers.find(|(_, value)| placeholders(value).any(|found| found == name));
    match header {
        Some((IN_URL, _)) => format!("{{{name}}} of the URL"),
        Some((header, _)) => format!("{{{name}}} of the header {header}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_asked_for_in_the_order_shown() {
        let local = Connection::LocalMcp {
            command: "cmd".into(),
            args: vec!["{token9}".into(), "--key={token1}".into()],
            env: [("PLAIN".to_owned(), "{token}".to_owned())].into(),
            secret_env: vec!["B".into(), "A".into()],
            cwd: None,
            secret_args: vec![1],
            timeout_seconds: None,
            startup_timeout_seconds: None,
        };
        assert_eq!(of_connection(&local), ["B", "A", "token1"]);
        assert_eq!(label_in("B", &local), "B");
        assert_eq!(label_in("token1", &local), "{token1} of the argument --key={token1}");

        let remote = Connection::RemoteMcp {
            url: "https://example.com/mcp".into(),
            headers: [
                ("X-Second".to_owned(), "{token1}{token2}".to_owned()),
                ("Authorization".to_owned(), "Bearer {token2}".to_owned()),
                ("Plain".to_owned(), "{other}{".to_owned()),
            ]
            .into(),
            oauth: None,
            timeout_seconds: None,
        };
        assert_eq!(of_connection(&remote), ["token2", "token1"]);
        assert_eq!(label_in("token1", &remote), "{token1} of the header X-Second");
        assert_eq!(of_connection(&Connection::Builtin { name: "demo".into() }), [""; 0]);
    }
}
