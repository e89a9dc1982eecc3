//! From an entry of the list to an integration: the connection it describes, with the secrets that were given for it.

use std::collections::BTreeMap;

use agentport_api::{AddIntegration, AuthMethod, InstallAvailable, TokenField};
use agentport_core::{Secret, audit::Actor};

use super::Installer;
use crate::{
    directory::{DirectoryEntry, UnknownVariant, method_name},
    integrations::AddError,
    launch::FieldError,
    store::IntegrationRow,
};

/// Why an integration of the list was not installed. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("{name} is let in by {ways}, not by {method:?}")]
    OtherWay { name: &'static str, ways: String, method: String },
    #[error(
        "{name} is signed in to in a browser, which is not an install: the sign-in installs it once it has succeeded"
    )]
    BySignIn { name: &'static str },
    #[error(transparent)]
    Variant(#[from] UnknownVariant),
    #[error("{name} needs the {label}")]
    MissingSecret { name: &'static str, label: String },
    #[error("{name} asks for no secret {secret:?}")]
    UnknownSecret { name: &'static str, secret: String },
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("{label}: there is no folder {folder:?}")]
    NoFolder { label: String, folder: String },
    #[error("this would run a command that was not accepted yet: {command}")]
    NotAccepted { command: String },
    #[error(transparent)]
    Add(#[from] AddError),
}

impl Installer {
    /// Tries the service with what was given for it, then keeps it. `actor` is who asked for it.
    pub(crate) async fn install(
        &self,
        listed: &'static DirectoryEntry,
        wanted: InstallAvailable,
        actor: Actor,
    ) -> Result<IntegrationRow, InstallError> {
        if let Some(launch) = &listed.launch {
            return self.install_local(listed, launch, wanted, actor).await;
        }
        let addition = addition(listed, wanted)?;
        Ok(self.integrations.add_integration(addition, actor).await?)
    }
}

fn addition(
    listed: &'static DirectoryEntry,
    wanted: InstallAvailable,
) -> Result<AddIntegration, InstallError> {
    let ways = listed.auth_methods();
    let Some(way) = ways.iter().find(|way| method_name(way) == wanted.method) else {
        let ways: Vec<_> = ways.iter().map(method_name).collect();
        return Err(InstallError::OtherWay {
            name: &listed.name,
            ways: ways.join(" or "),
            method: wanted.method,
        });
    };
    let fields = match way {
        AuthMethod::None => &[],
        AuthMethod::Token { fields } => fields.as_slice(),
        // Installed without its tokens it would be of no use, and nothing of a sign-in that fails is to be kept.
        AuthMethod::Oauth { .. } => return Err(InstallError::BySignIn { name: &listed.name }),
    };
    Ok(AddIntegration {
        id: Some(listed.id.clone()),
        attempt: None,
        name: Some(listed.name.clone()),
        tags: Vec::new(),
        connection: listed.connection(way, wanted.variant.as_deref())?,
        secrets: secrets(listed, fields, wanted.secrets)?,
        keep_unreachable: wanted.keep_unreachable,
        enabled: None,
        untried: false,
        imported: None,
    })
}

/// One secret for each field, and no other.
fn secrets(
    listed: &'static DirectoryEntry,
    fields: &[TokenField],
    given: BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, Secret>, InstallError> {
    let name = &listed.name;
    if let Some(secret) = given.keys().find(|key| fields.iter().all(|field| field.name != **key)) {
        return Err(InstallError::UnknownSecret { name, secret: secret.clone() });
    }
    let one = |field: &TokenField| {
        // Copied with the blanks around it, a token is the same token.
        let text = given.get(&field.name).map(|secret| secret.expose().trim()).unwrap_or_default();
        if text.is_empty() {
            return Err(InstallError::MissingSecret { name, label: field.label.clone() });
        }
        Ok((field.name.clone(), Secret::new(text)))
    };
    fields.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        directory::{find_offered, offered},
        integrations::target_of,
    };
    use agentport_api::Connection;

    fn try_out(id: &str, method: &str, secrets: Value) -> Result<AddIntegration, String> {
        try_out_in(id, None, method, secrets)
    }

    fn try_out_in(
        id: &str,
        variant: Option<&str>,
        method: &str,
        secrets: Value,
    ) -> Result<AddIntegration, String> {
        let wanted = json!({"method": method, "variant": variant, "secrets": secrets});
        addition(find_offered(id).unwrap(), serde_json::from_value(wanted).unwrap())
            .map_err(|error| error.to_string())
    }

    fn check(id: &str, secrets: Value, url: &str, headers: &[(&str, &str)], kept: &[(&str, &str)]) {
        let addition = try_out(id, "token", secrets).unwrap();
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(
            addition.connection,
            Connection::RemoteMcp {
                url: url.to_owned(),
                headers,
                oauth: None,
                timeout_seconds: None
            }
        );
        let got: Vec<_> = addition
            .secrets
            .iter()
            .map(|(name, secret)| (name.as_str(), secret.expose()))
            .collect();
        assert_eq!(got, kept);
        assert_eq!(addition.id.as_ref().map(|id| id.as_str()), Some(id));
        assert_eq!(addition.name, Some(find_offered(id).unwrap().name.clone()));
    }

    #[test]
    fn each_secret_goes_into_its_header() {
        check(
            "github",
            json!({"token": " fake-a\n"}),
            "https://api.githubcopilot.com/mcp/",
            &[("Authorization", "Bearer {token}")],
            &[("token", "fake-a")],
        );
        check(
            "exa",
            json!({"token": "fake-a"}),
            "https://mcp.exa.ai/mcp",
            &[("x-api-key", "{token}")],
            &[("token", "fake-a")],
        );
        check(
            "datadog",
            json!({"token1": "fake-a", "token2": "fake-b"}),
            "https://mcp.datadoghq.com/api/unstable/mcp-server/mcp",
            &[("DD_API_KEY", "{token1}"), ("DD_APPLICATION_KEY", "{token2}")],
            &[("token1", "fake-a"), ("token2", "fake-b")],
        );
    }

    #[test]
    fn all_secrets_are_asked_for_and_no_other() {
        for (id, method, secrets, want) in [
            ("exa", "token", json!({}), "Exa needs the Exa API Key"),
            ("exa", "token", json!({"token": "  "}), "Exa needs the Exa API Key"),
            ("exa", "token", json!({"token1": "fake"}), "Exa asks for no secret \"token1\""),
            ("exa", "none", json!({}), "Exa is let in by token, not by \"none\""),
            ("linear", "none", json!({}), "Linear is let in by oauth or token, not by \"none\""),
            (
                "linear",
                "oauth",
                json!({}),
                "Linear is signed in to in a browser, which is not an install: the sign-in installs it once it has \
                 succeeded",
            ),
            (
                "datadog",
                "token",
                json!({"token1": "fake"}),
                "Datadog needs the Datadog Application Key",
            ),
            ("datadog", "token", json!({"token": "fake"}), "Datadog asks for no secret \"token\""),
        ] {
            assert_eq!(try_out(id, method, secrets).unwrap_err(), want);
        }
    }

    #[test]
    fn a_variant_has_an_address_of_its_own() {
        let secrets = || json!({"token1": "fake-a", "token2": "fake-b"});
        let url = |variant| {
            let addition = try_out_in("datadog", variant, "token", secrets())?;
            Ok(addition.connection.url().map(str::to_owned))
        };
        let known: Result<_, String> = url(Some("eu1"));
        assert_eq!(known, Ok(Some("https://mcp.datadoghq.eu/v1/mcp".to_owned())));
        assert_eq!(url(None), url(Some("us1")));
        assert!(url(Some("moon")).unwrap_err().starts_with("Datadog has no variant"));
    }

    /// Whatever is offered gets past everything an addition is checked for before its service is reached.
    #[test]
    fn all_that_are_offered_can_be_added() {
        for listed in offered().into_iter().filter(|listed| listed.launch.is_none()) {
            for way in listed.auth_methods() {
                let secrets = match &way {
                    AuthMethod::None => Vec::new(),
                    AuthMethod::Token { fields } => fields.clone(),
                    // Added by its sign-in.
                    AuthMethod::Oauth { .. } => continue,
                };
                let secrets = secrets
                    .into_iter()
                    .map(|field| (field.name, Secret::new("obviously-fake")))
                    .collect();
                let wanted = InstallAvailable {
                    method: method_name(&way).to_owned(),
                    secrets,
                    ..InstallAvailable::default()
                };
                let addition = addition(listed, wanted).unwrap();
                if let Err(error) = target_of(&addition) {
                    panic!("{}: {error}", listed.id);
                }
            }
        }
    }
}
