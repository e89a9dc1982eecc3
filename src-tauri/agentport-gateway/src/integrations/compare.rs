//! Is it an integration already? What counts is what its server gets, all secrets put in: names of placeholders, and
//! what lies in the vault, make no difference.
//!
//! Secrets are compared in constant time, and every integration is looked at, whatever was found before.

use std::collections::BTreeMap;

use agentport_api::Connection;
use agentport_core::{ErrorChain, IntegrationId, Secret};
use subtle::{Choice, ConstantTimeEq as _};

use super::{
    Integrations,
    connect::{ConnectError, target},
};
use crate::upstream::UpstreamTarget;

impl Integrations {
    /// The first integration that is reached in this very way.
    pub(crate) async fn same_integration(
        &self,
        connection: &Connection,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Option<IntegrationId>, ConnectError> {
        let wanted = target(connection, secrets)?;
        let timeout = connection.timeout_seconds();
        let mut same = None;
        for (id, entry) in &self.catalogue.snapshot().integrations {
            let there = &entry.row.connection;
            let is_same = match &wanted {
                None => connection == there,
                Some(wanted) => match self.target_there(id, there).await {
                    Some(there) => is_reached_as(wanted, &there),
                    None => false,
                },
            };
            // One that says how long a call may take would lose that in one that does not.
            if is_same && (timeout.is_none() || timeout == there.timeout_seconds()) {
                same.get_or_insert_with(|| id.clone());
            }
        }
        Ok(same)
    }

    /// `None`: built in, or it can't be used as it is.
    async fn target_there(
        &self,
        id: &IntegrationId,
        connection: &Connection,
    ) -> Option<UpstreamTarget> {
        let found = match self.unsealed(id).await {
            Ok(secrets) => target(connection, &secrets),
            Err(error) => Err(error),
        };
        found.unwrap_or_else(|error| {
            tracing::info!(integration = %id, error = %ErrorChain(&error), "an integration could not be compared");
            None
        })
    }
}

fn is_reached_as(one: &UpstreamTarget, other: &UpstreamTarget) -> bool {
    match (one.parts(), other.parts()) {
        (one, other) if one.len() == other.len() => one
            .iter()
            .zip(&other)
            .fold(Choice::from(1), |same, (one, other)| {
                same & one.as_bytes().ct_eq(other.as_bytes())
            })
            .into(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(connection: &Value, secrets: &Value) -> UpstreamTarget {
        let connection = serde_json::from_value(connection.clone()).unwrap();
        let secrets = serde_json::from_value(secrets.clone()).unwrap();
        target(&connection, &secrets).unwrap().unwrap()
    }

    fn check(one: (Value, Value), other: (Value, Value), want: bool) {
        let got = is_reached_as(&of(&one.0, &one.1), &of(&other.0, &other.1));
        assert_eq!(got, want, "{one:?} {other:?}");
    }

    fn local(more: Value) -> Value {
        let mut connection = json!({ "type": "local_mcp", "command": "npx" });
        connection.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        connection
    }

    #[test]
    fn local_servers() {
        let sealed = || {
            let more = json!({ "args": ["-y", "--key={token}"], "secret_args": [1], "env": {"B": "2", "A": "1"}, "secret_env": ["K"] });
            (local(more), json!({ "token": "fake-1", "K": "fake-2" }))
        };
        let other_names = local(
            json!({ "args": ["-y", "--key={token7}"], "secret_args": [1], "env": {"A": "1", "B": "2"}, "secret_env": ["K"] }),
        );
        let values = json!({ "token7": "fake-1", "K": "fake-2" });
        check(sealed(), (other_names.clone(), values), true);
        let in_clear = local(
            json!({ "args": ["-y", "--key=fake-1"], "env": {"A": "1", "B": "2", "K": "fake-2"} }),
        );
        check(sealed(), (in_clear, json!({})), true);
        check(sealed(), (other_names, json!({ "token7": "fake-9", "K": "fake-2" })), false);
        for more in [
            json!({ "args": ["-y", "--key={token}"], "env": {"B": "2", "A": "1", "K": "fake-2"} }),
            json!({ "args": ["-y", "--key=fake-1"], "env": {"A": "1", "B": "2"} }),
            json!({ "args": ["--key=fake-1", "-y"], "env": {"A": "1", "B": "2", "K": "fake-2"} }),
            json!({ "args": ["-y", "--key=fake-1"], "env": {"A": "1", "B": "2", "K": "fake-2"}, "cwd": "/srv" }),
        ] {
            check(sealed(), (local(more), json!({})), false);
        }
        // Where one list ends and the next begins counts.
        let twice = |args: Value, env: Value| (local(json!({"args": args, "env": env})), json!({}));
        check(twice(json!(["A", "1"]), json!({})), twice(json!([]), json!({"A": "1"})), false);
    }

    #[test]
    fn remote_servers() {
        let remote = |url: &str, headers: Value, secrets: Value| {
            (json!({ "type": "remote_mcp", "url": url, "headers": headers }), secrets)
        };
        let one = || {
            let headers = json!({ "Authorization": "Bearer {token}", "X-Region": "eu" });
            remote("https://h.test/mcp?k={token1}", headers, json!({"token": "a", "token1": "b c"}))
        };
        let headers = json!({ "authorization": "Bearer {token5}", "x-region": "eu" });
        let values = json!({"token5": "a", "token6": "b c"});
        check(one(), remote("HTTPS://h.test:443/mcp?k={token6}", headers.clone(), values), true);
        let values = json!({"token5": "a", "token6": "b"});
        check(one(), remote("https://h.test/mcp?k={token6}", headers, values), false);
        check(
            one(),
            remote("https://h.test/mcp?k=b%20c", json!({"X-Region": "eu"}), json!({})),
            false,
        );
    }
}
