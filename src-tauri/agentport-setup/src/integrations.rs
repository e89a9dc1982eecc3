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
        ImportLaunch::Remote { url, headers, oauth } => {
            Connection::RemoteMcp { url, headers, oauth, timeout_seconds }
        }
    }
}

/// In the clear: for the gateway alone, in this process.
fn secrets(import: &PlannedImport) -> Value {
    let values = import.secrets.iter().map(|(name, secret)| (name.clone(), json!(secret.expose())));
    Value::Object(values.collect())
}

/// How a server differs from the integration that has its id, as a sentence, where both read the same on one line.
/// Secrets are named, never shown.
pub(crate) fn difference(import: &PlannedImport, there: &Connection) -> Option<String> {
    let here = connection(import);
    if here.summary() != there.summary() {
        return None;
    }
    let mut parts = Vec::new();
    if let (Some(here), Some(there)) = (here.program(), there.program()) {
        parts.extend(differing(here.env, there.env).map(|name| format!("the variable {name}")));
        let [secret, secret_there] =
            [here, there].map(|program| program.secret_env.iter().collect::<BTreeSet<_>>());
        let names = secret.symmetric_difference(&secret_there);
        parts.extend(names.map(|name| format!("the secret variable {name}")));
        let same_folder = here.cwd == there.cwd;
        parts.extend((!same_folder).then(|| "the folder it is started in".to_owned()));
    } else if let (Some(here), Some(there)) = (here.headers(), there.headers()) {
        parts.extend(differing(here, there).map(|name| format!("the header {name}")));
    } else {
        return None;
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
