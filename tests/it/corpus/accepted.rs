//! Every planned import is accepted by the gateway: no plain-text credential, no unused secret, nothing that cannot be
//! started or reached.

use agentport_api::{Connection, IntegrationView};
use agentport_clients::plan::{ImportLaunch, PlannedImport};
use http::Method;
use serde_json::{Value, json};

use super::{consolidated, fixtures};
use crate::owner::window::Window;

#[tokio::test]
async fn every_server_that_is_taken_over_is_one_the_gateway_takes() {
    let window = Window::open().await;
    let mut count = 0;
    for fixture in fixtures().iter().filter(|fixture| fixture.name != "broken") {
        for import in consolidated(&fixture.place, Some(&fixture.content)).unwrap().imports {
            count += 1;
            let what = format!("{} of {}", import.server, fixture.path.display());
            let secrets: Value = import
                .secrets
                .iter()
                .map(|(name, it)| (name.clone(), json!(it.expose())))
                .collect();
            let id = format!("x{count}");
            let compare = json!({ "connection": connection(&import), "secrets": secrets });
            // Switched off, so that nothing of it is started.
            let add = json!({
                "id": id, "connection": connection(&import), "secrets": secrets, "enabled": false,
                "imported": {
                    "from": fixture.place.client.name, "auto_approve": [], "auto_approve_all": false,
                    "extra": import.extra
                },
            });
            let reply = window.send(Method::POST, "/control/integrations", Some(add)).await;
            assert!(reply.status.is_success(), "{what}: {} {}", reply.status, reply.text);
            for secret in import.secrets.values().filter(|secret| secret.expose().contains("fake"))
            {
                assert!(!reply.text.contains(secret.expose()), "{what} is kept in clear");
            }
            let view: IntegrationView = serde_json::from_str(&reply.text).expect("an integration");
            let given: Connection = serde_json::from_value(connection(&import)).unwrap();
            assert_eq!(view.connection, given, "{what}");
            // The next client that has it finds it.
            let same: Value =
                window.ask(Method::POST, "/control/connections/compare", Some(compare)).await;
            assert!(same["same"].is_string(), "{what}: {same}");
        }
    }
    assert!(count > 100, "only {count} are taken over");
    window.close().await;
}

fn connection(import: &PlannedImport) -> Value {
    let timeout_seconds = import.timeout_seconds;
    match &import.launch {
        ImportLaunch::Local { command, args, secret_args, env, secret_env, cwd } => json!({
            "type": "local_mcp", "command": command, "args": args, "secret_args": secret_args, "env": env,
            "secret_env": secret_env, "cwd": cwd, "timeout_seconds": timeout_seconds,
        }),
        ImportLaunch::Remote { url, headers, oauth } => json!({
            "type": "remote_mcp", "url": url, "headers": headers, "oauth": oauth,
            "timeout_seconds": timeout_seconds,
        }),
    }
}
