//! Names of an integration's secrets in the vault.

use agentport_api::Connection;

/// Each name once: those of the variables, then those in the headers, in the order given.
pub(super) fn of<'a>(
    secret_env: &[String],
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let from_headers = headers.flat_map(|(_, value)| placeholders(value));
    for name in secret_env.iter().cloned().chain(from_headers) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names of an existing integration's secrets. Headers are in the order of their names.
pub(super) fn of_connection(connection: &Connection) -> Vec<String> {
    match connection {
        Connection::LocalMcp { secret_env, .. } => of(secret_env, headers(connection)),
        Connection::RemoteMcp { .. } => of(&[], headers(connection)),
        Connection::Builtin { .. } => Vec::new(),
    }
}

/// In place of a header's name: the secret is in the URL.
pub(super) const IN_URL: &str = "";

/// In place of a header's name: the secret is in an argument.
const IN_ARGUMENT: &str = "-";

/// The headers of an existing integration and its URL; of a local one, the arguments with secrets.
pub(super) fn headers(connection: &Connection) -> impl Iterator<Item = (&str, &str)> {
    let (url, headers, arguments) = match connection {
        Connection::RemoteMcp { url, headers, .. } => {
            (Some((IN_URL, url.as_str())), Some(headers), None)
        }
        Connection::LocalMcp { args, secret_args, .. } => (None, None, Some((args, secret_args))),
        Connection::Builtin { .. } => (None, None, None),
    };
    let arguments = arguments.into_iter().flat_map(|(args, places)| {
        let at = |&place: &u32| args.get(usize::try_from(place).ok()?);
        places.iter().filter_map(at).map(|arg| (IN_ARGUMENT, arg.as_str()))
    });
    let headers = headers.into_iter().flatten();
    headers.map(|(name, value)| (name.as_str(), value.as_str())).chain(url).chain(arguments)
}

/// The prompt for a secret.
pub(super) fn label<'a>(
    name: &str,
    mut headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let header = headers.find(|(_, value)| placeholders(value).iter().any(|found| found == name));
    match header {
        Some((IN_URL, _)) => format!("{{{name}}} of the URL"),
        Some((IN_ARGUMENT, argument)) => format!("{{{name}}} of the argument {argument}"),
        Some((header, _)) => format!("{{{name}}} of the header {header}"),
        None => name.to_owned(),
    }
}

/// The names in `{token}`, `{token1}`, … of a header's value, as the gateway finds them.
pub(super) fn placeholders(value: &str) -> Vec<String> {
    let opened = value.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let names = opened.map(|(name, _)| name).filter(|name| {
        name.starts_with("token") && name.chars().all(|c| c.is_ascii_alphanumeric())
    });
    names.map(str::to_owned).collect()
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
        assert_eq!(label("B", headers(&local)), "B");
        assert_eq!(label("token1", headers(&local)), "{token1} of the argument --key={token1}");

        let remote = Connection::RemoteMcp {
            url: "https://example.com/mcp".into(),
            headers: [
                ("X-Second".to_owned(), "{token1}{token2}".to_owned()),
                ("Authorization".to_owned(), "Bearer {token2}".to_owned()),
                ("Plain".to_owned(), "{other}{".to_owned()),
            ]
            .into(),
            timeout_seconds: None,
        };
        assert_eq!(of_connection(&remote), ["token2", "token1"]);
        assert_eq!(label("token1", headers(&remote)), "{token1} of the header X-Second");
        assert_eq!(of_connection(&Connection::Builtin { name: "demo".into() }), [""; 0]);
    }
}
