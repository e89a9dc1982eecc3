//! An imported server as an integration: the bodies of `/control/integrations` and `/control/connections/compare`.

use std::collections::{BTreeMap, BTreeSet};

use agentport_api::{Compared, Connection, ControlError, Imported, IntegrationView, paths};
use agentport_clients::{
    mcp_server::AutoApprove,
    plan::{ImportLaunch, PlannedImport},
};
use agentport_core::IntegrationId;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{control::ControlApi, error::SetupError};

/// Whether the gateway has the same integration already.
pub(crate) enum SameIntegration {
    Same(IntegrationId),
    Different,
    /// The gateway cannot use it, and says why.
    Unusable(String),
}

pub(crate) async fn compare(
    control: &ControlApi,
    import: &PlannedImport,
) -> Result<SameIntegration, SetupError> {
    let body = json!({ "connection": connection(import), "secrets": secrets(import) });
    match control.post::<Compared>(paths::CONNECTION_COMPARE, &body).await {
        Ok(Compared { same: Some(id) }) => Ok(SameIntegration::Same(id)),
        Ok(Compared { same: None }) => Ok(SameIntegration::Different),
        Err(refused @ ControlError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, .. }) => {
            Ok(SameIntegration::Unusable(refused.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// As the gateway's own `Connection`.
fn connection(import: &PlannedImport) -> Connection {
    let timeout_seconds = import.timeout_seconds;
    match import.launch.clone() {
        ImportLaunch::Local { command, args, secret_args, env, secret_env, cwd } => {
            Connection::LocalMcp {
                command,
                args,
                env,
                secret_env,
                cwd,
                secret_args,
                timeout_seconds,
                startup_timeout_seconds: import.startup_timeout_seconds,
            }
        }
        ImportLaunch::Remote { url, headers } => {
            Connection::RemoteMcp { url, headers, timeout_seconds }
        }
    }
}

/// In the clear: for the gateway alone, in this process.
fn secrets(import: &PlannedImport) -> Value {
    let values = import.secrets.iter().map(|(name, secret)| (name.clone(), json!(secret.expose())));
    Value::Object(values.collect())
}

/// What an integration is, in a few words.
pub(crate) fn summary(connection: &Connection) -> String {
    match connection {
        Connection::LocalMcp { command, args, .. } => {
            std::iter::once(command).chain(args).map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        Connection::RemoteMcp { url, .. } => url.clone(),
        Connection::Builtin { .. } => "part of AgentPort".to_owned(),
    }
}

/// How a server differs from the integration that has its id, as a sentence, where both read the same on one line.
/// Secrets are named, never shown.
pub(crate) fn difference(import: &PlannedImport, there: &Connection) -> Option<String> {
    let here = connection(import);
    if summary(&here) != summary(there) {
        return None;
    }
    let mut parts = Vec::new();
    match (&here, there) {
        (
            Connection::LocalMcp { env, secret_env, cwd, .. },
            Connection::LocalMcp {
                env: env_there,
                secret_env: secret_env_there,
                cwd: cwd_there,
                ..
            },
        ) => {
            let names = differing(env, env_there);
            parts.extend(names.map(|name| format!("the variable {name}")));
            let secret: BTreeSet<&String> = secret_env.iter().collect();
            let secret_there: BTreeSet<&String> = secret_env_there.iter().collect();
            let names = secret.symmetric_difference(&secret_there);
            parts.extend(names.map(|name| format!("the secret variable {name}")));
            parts.extend((cwd != cwd_there).then(|| "the folder it is started in".to_owned()));
        }
        (
            Connection::RemoteMcp { headers, .. },
            Connection::RemoteMcp { headers: headers_there, .. },
        ) => {
            let names = differing(headers, headers_there);
            parts.extend(names.map(|name| format!("the header {name}")));
        }
        _ => return None,
    }
    if parts.is_empty() {
        parts.push(match import.secret_words.as_slice() {
            [] => "a secret".to_owned(),
            [word] => format!("the secret ({word})"),
            words => format!("a secret ({})", words.join(", ")),
        });
    }
    Some(format!("They differ in {}.", parts.join(" and ")))
}

/// Names that one of the two lacks, or has another value for.
fn differing<'a>(
    here: &'a BTreeMap<String, String>,
    there: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = &'a String> {
    let names: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    names.into_iter().filter(|name| here.get(*name) != there.get(*name))
}

/// Adds the integration without a trial connection, as it was in the client.
pub(crate) async fn add(
    control: &ControlApi,
    import: &PlannedImport,
    from: &str,
) -> Result<IntegrationView, SetupError> {
    let (auto_approve, auto_approve_all) = match &import.auto_approve {
        AutoApprove::Nothing => (Vec::new(), false),
        AutoApprove::Tools(tools) => (tools.clone(), false),
        AutoApprove::Everything => (Vec::new(), true),
    };
    let imported = Imported {
        from: from.to_owned(),
        auto_approve,
        auto_approve_all,
        extra: import.extra.clone().into(),
    };
    let body = json!({
        "id": import.id,
        "name": import.server,
        "connection": connection(import),
        "secrets": secrets(import),
        "enabled": import.enabled,
        "untried": true,
        "imported": imported,
    });
    Ok(control.post(paths::INTEGRATIONS, &body).await?)
}
