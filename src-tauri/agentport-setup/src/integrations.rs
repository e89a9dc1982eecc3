//! An imported server as an integration: the bodies of `/control/integrations` and `/control/connections/compare`.

use agentport_api::{Compared, Connection, ControlError, Imported, IntegrationView, paths};
use agentport_clients::{
    mcp_server::AutoApprove,
    plan::{Import, ImportLaunch},
};
use agentport_core::IntegrationId;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{control::Control, error::SetupError};

/// Whether the gateway has the same integration already.
pub(crate) enum Comparison {
    Same(IntegrationId),
    Different,
    /// The gateway cannot use it, and says why.
    Unusable(String),
}

pub(crate) async fn compare(control: &Control, import: &Import) -> Result<Comparison, SetupError> {
    let body = json!({ "connection": connection(import), "secrets": secrets(import) });
    match control.post::<Compared>(paths::CONNECTION_COMPARE, &body).await {
        Ok(Compared { same: Some(id) }) => Ok(Comparison::Same(id)),
        Ok(Compared { same: None }) => Ok(Comparison::Different),
        Err(refused @ ControlError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, .. }) => {
            Ok(Comparison::Unusable(refused.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// As the gateway's own `Connection`.
fn connection(import: &Import) -> Connection {
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
                startup_timeout_seconds: None,
            }
        }
        ImportLaunch::Remote { url, headers } => {
            Connection::RemoteMcp { url, headers, timeout_seconds }
        }
    }
}

/// In the clear: for the gateway alone, in this process.
fn secrets(import: &Import) -> Value {
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

/// Adds the integration without a trial connection, as it was in the client.
pub(crate) async fn add(
    control: &Control,
    import: &Import,
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
