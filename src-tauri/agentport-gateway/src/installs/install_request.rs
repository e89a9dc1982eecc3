//! An install an agent asked for and the owner approved, and what the owner reads of such a request.
//!
//! The best way for a token is not to pass through the agent at all: the agent asks without one, and the owner enters
//! it in the app. Then either the approval itself carries it, or the owner installs the integration by hand, which
//! answers every request for it.

use std::collections::BTreeMap;

use agentport_api::InstallAvailable;
use agentport_core::{
    AgentId, ErrorChain, IntegrationId,
    audit::{Actor, AuditAction},
    sanitize,
};
use rmcp::model::{CallToolResult, JsonObject};
use serde_json::{Value, json};

use super::{InstallError, Installer};
use crate::{
    builtin::demo,
    catalogue::{
        is_connected,
        managed_tools::{INSTALL, UNINSTALL, json_result},
    },
    clock,
    directory::{DirectoryEntry, TOKEN, find_offered},
    integrations::AddError,
    sign_ins::AuthorizationOffer,
    store::StoreError,
};

/// The argument that says how to be let in …
const METHOD: &str = "auth_method";
/// … and its word for secrets.
const BY_TOKEN: &str = "token";
/// … or for the owner's consent in a browser.
const BY_OAUTH: &str = "oauth";
/// The argument that holds the command of a local server, as the owner reads it. Never the agent's: it is put in when
/// the agent asks.
pub(crate) const COMMAND: &str = "command";
/// Most characters of a command in a sentence; the arguments hold all of it.
const MAX_COMMAND: usize = 300;
/// Characters of a name in a sentence of ours.
const MAX_NAME: usize = 50;

impl Installer {
    /// Installs what the owner has approved. Whatever comes of it is told the agent: `installed` and `connected` say it
    /// to programs, `message` to people.
    pub(crate) async fn install_approved(
        &self,
        id: &IntegrationId,
        arguments: &JsonObject,
        agent: AgentId,
    ) -> Result<CallToolResult, StoreError> {
        if self.integrations.catalogue.get(id).is_some() {
            return Ok(self.installed(id));
        }
        let actor = Actor::Agent(agent);
        if *id == demo::id() {
            self.integrations.install_demo().await?;
            self.integrations
                .audit
                .record(actor, AuditAction::IntegrationAdded, demo::ID, json!({}))
                .await;
            return Ok(self.installed(id));
        }
        let listed = match find_offered(id.as_str()) {
            Ok(listed) => listed,
            Err(error) => return Ok(not_installed(id, true, format!("Not installed: {error}."))),
        };
        self.install_listed(listed, arguments, agent).await
    }

    async fn install_listed(
        &self,
        listed: &'static DirectoryEntry,
        arguments: &JsonObject,
        agent: AgentId,
    ) -> Result<CallToolResult, StoreError> {
        let id = &listed.id;
        let field = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let method = field(METHOD).to_owned();
        if method == BY_OAUTH {
            return Ok(match self.sign_ins.install_for_agent(id, agent).await {
                Ok(offer) => awaiting_consent(id, &offer),
                Err(message) => not_installed(id, true, format!("Not installed. {message}")),
            });
        }
        let mut secrets = BTreeMap::new();
        if method == BY_TOKEN {
            let mark = field(TOKEN);
            if mark.is_empty() {
                let name = &listed.name;
                let message = format!(
                    "The owner agrees to {name} and was asked to enter its token in AgentPort. It is installed once they \
                     have; agentport__list_installed_integrations shows it then."
                );
                return Ok(not_installed(id, false, message));
            }
            let Some(token) = self.tokens.redeem(mark, clock::now()) else {
                let message = "The token that came with the request is no longer at hand. Ask again, best without a \
                               token: the owner can enter it in AgentPort.";
                return Ok(not_installed(id, true, message.to_owned()));
            };
            secrets.insert(TOKEN.to_owned(), token);
        }
        if listed.has_to_be_filled_in() {
            let name = &listed.name;
            let message = format!(
                "The owner agrees to {name} and was asked to fill in what it needs in AgentPort. It is installed once they \
                 have; agentport__list_installed_integrations shows it then."
            );
            return Ok(not_installed(id, false, message));
        }
        // What runs is what the request showed, even if the directory has another version of it by now.
        let accepted_command = listed.launch.as_ref().map(|_| field(COMMAND).to_owned());
        let wanted =
            InstallAvailable { method, secrets, accepted_command, ..InstallAvailable::default() };
        match self.install(listed, wanted, Actor::Agent(agent)).await {
            Ok(_) | Err(InstallError::Add(AddError::Exists(_))) => Ok(self.installed(id)),
            Err(InstallError::Add(AddError::Store(error))) => Err(error),
            Err(error) => {
                Ok(not_installed(id, true, format!("Not installed: {}.", ErrorChain(&error))))
            }
        }
    }

    fn installed(&self, id: &IntegrationId) -> CallToolResult {
        let connected = is_connected(&self.integrations.catalogue.health.get(id).health);
        json_result(json!({
            "installed": true,
            "connected": connected,
            "integration_id": id,
            "message": format!("{id} is installed. agentport__list_integration_tools(integration_id=\"{id}\") lists its tools."),
        }))
    }
}

/// The owner has agreed, and consents to the rest in a browser.
fn awaiting_consent(id: &IntegrationId, offer: &AuthorizationOffer) -> CallToolResult {
    json_result(json!({
        "installed": false,
        "connected": false,
        "integration_id": id,
        "authorization_url": offer.authorization_url,
        "message": offer.message,
    }))
}

fn not_installed(id: &IntegrationId, is_error: bool, message: String) -> CallToolResult {
    let mut result = json_result(json!({
        "installed": false,
        "connected": false,
        "integration_id": id,
        "message": message,
    }));
    result.is_error = Some(is_error);
    result
}

/// A request to change what is installed, as the owner reads it. `None` for other tools.
pub(crate) fn request_summary(
    integration_name: &str,
    tool: &str,
    arguments: &Value,
) -> Option<String> {
    let name =
        sanitize::display_name_within(integration_name, MAX_NAME).to_string().replace('"', "'");
    match tool {
        UNINSTALL => Some(format!("Remove {name} with its credentials and rules")),
        INSTALL => {
            let given = |field: &str| arguments.get(field).and_then(Value::as_str);
            Some(match (given(METHOD), given(TOKEN)) {
                (Some(BY_TOKEN), Some(_)) => {
                    format!("Install {name} with the token it was asked with")
                }
                (Some(BY_TOKEN), None) => format!("Install {name} with a token, which you enter"),
                (Some(BY_OAUTH), _) => {
                    format!("Install {name}, which you sign in to in the browser")
                }
                _ => match given(COMMAND) {
                    Some(command) => {
                        let command = sanitize::sanitize_line(command, MAX_COMMAND);
                        format!("Install {name}, which runs {command}")
                    }
                    None => format!("Install {name}"),
                },
            })
        }
        _ => None,
    }
}

/// What a request asks to install by secrets or other values that the owner has yet to enter. `None` for all others.
pub(crate) fn awaiting_secrets(
    id: &IntegrationId,
    tool: &str,
    arguments: &Value,
) -> Option<&'static DirectoryEntry> {
    let given = |field: &str| arguments.get(field).and_then(Value::as_str);
    if tool != INSTALL {
        return None;
    }
    // One that is not offered any more can't be installed, whatever is entered.
    let listed = find_offered(id.as_str()).ok()?;
    let wants_token = given(METHOD) == Some(BY_TOKEN) && given(TOKEN).is_none();
    (wants_token || listed.has_to_be_filled_in()).then_some(listed)
}

/// The command of a local server of the directory, for the owner to agree to; what has to be filled in yet stands in
/// braces.
pub(crate) fn command_to_agree(id: &IntegrationId) -> Option<String> {
    find_offered(id.as_str()).ok()?.usual_command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_to_be_entered_where_none_came() {
        let asks = |id: &str, tool: &str, arguments: &Value| {
            let id = IntegrationId::new(id).unwrap();
            awaiting_secrets(&id, tool, arguments).map(|listed| listed.name.as_str())
        };
        let by_token = json!({"auth_method": "token"});
        assert_eq!(asks("exa", INSTALL, &by_token), Some("Exa"));
        assert_eq!(asks("datadog", INSTALL, &by_token), Some("Datadog"));
        assert_eq!(
            asks("filesystem", INSTALL, &json!({"auth_method": "none"})),
            Some("Filesystem")
        );
        for (id, tool, arguments) in [
            ("sequential-thinking", INSTALL, &json!({"auth_method": "none"})),
            ("exa", UNINSTALL, &by_token),
            ("exa", "install_integration", &by_token),
            ("nowhere", INSTALL, &by_token),
            ("exa", INSTALL, &json!({"auth_method": "none"})),
            ("exa", INSTALL, &json!({"auth_method": "token", "token": "[a mark]"})),
        ] {
            assert_eq!(asks(id, tool, arguments), None, "{id} {tool} {arguments}");
        }
    }

    #[test]
    fn requests_are_told_in_our_words() {
        for (tool, arguments, want) in [
            (
                INSTALL,
                json!({"auth_method": "token", "token": "[kept out of sight: 1]"}),
                Some("Install Exa with the token it was asked with"),
            ),
            (
                INSTALL,
                json!({"auth_method": "token"}),
                Some("Install Exa with a token, which you enter"),
            ),
            (INSTALL, json!({"auth_method": "none"}), Some("Install Exa")),
            (
                INSTALL,
                json!({"auth_method": "none", "command": "npx -y\u{202e} a@1.0.0"}),
                Some("Install Exa, which runs npx -y a@1.0.0"),
            ),
            (UNINSTALL, json!({}), Some("Remove Exa with its credentials and rules")),
            ("install_integration", json!({}), None),
        ] {
            assert_eq!(
                request_summary("Exa", tool, &arguments).as_deref(),
                want,
                "{tool} {arguments}"
            );
        }
        let foreign = request_summary("\u{202e}E\"x\na", UNINSTALL, &json!({})).unwrap();
        assert_eq!(
            foreign,
            r"Remove \u{202e}E'x\u{a}a (look-alike name) with its credentials and rules"
        );
    }
}
