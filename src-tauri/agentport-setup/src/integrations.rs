//! A client's server, as the gateway takes it.

use agentport_api::{Compared, Connection, Imported, IntegrationView};
use agentport_clients::{
    plan::{Import, ImportLaunch},
    server::AutoApprove,
};
use agentport_core::IntegrationId;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    plane::{Plane, PlaneError},
    problem::ConnectError,
};

/// What the gateway has of it.
pub(crate) enum Same {
    Is(IntegrationId),
    No,
    /// The gateway cannot use it, and says why.
    Unusable(String),
}

pub(crate) async fn compare(plane: &Plane, import: &Import) -> Result<Same, ConnectError> {
    let body = json!({ "connection": connection(import), "secrets": secrets(import) });
    match plane.post::<Compared>("/control/connections/compare", &body).await {
        Ok(Compared { same: Some(id) }) => Ok(Same::Is(id)),
        Ok(Compared { same: None }) => Ok(Same::No),
        Err(refused @ PlaneError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, .. }) => {
            Ok(Same::Unusable(refused.to_string()))
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
pub(crate) fn words(connection: &Connection) -> String {
    match connection {
        Connection::LocalMcp { command, args, .. } => {
            std::iter::once(command).chain(args).map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        Connection::RemoteMcp { url, .. } => url.clone(),
        Connection::Builtin { .. } => "part of AgentPort".to_owned(),
    }
}

/// Stored as it stood in the client, and not tried first: it worked there.
pub(crate) async fn add(
    plane: &Plane,
    import: &Import,
    from: &str,
) -> Result<IntegrationView, ConnectError> {
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
    Ok(plane.post("/control/integrations", &body).await?)
}
