//! The directory of integrations, for the owner: listing it, and installing an entry with its token.

use std::collections::BTreeMap;

use agentport_api::{
    AuthMethod, AvailableIntegration, CommandPreview, Connection, IntegrationView, LaunchView,
    TokenField, paths,
};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use serde_json::json;

use super::{
    filling,
    import::local_connection,
    installed::AuthMethodArg,
    show,
    sign_in::{self, SignInArgs, SignInTarget},
    wait_ready::StartingIntegration,
};
use crate::{client::OwnerClient, confirm, context::Context, exit::ExitStatus, output, secrets};

pub(super) async fn list(owner: &OwnerClient, context: &Context) -> Result<ExitStatus> {
    let mut all: Vec<AvailableIntegration> = owner.list(paths::DIRECTORY).await?;
    all.retain(|one| !one.installed);
    context.output.own(&all, || table(&all))?;
    Ok(ExitStatus::Done)
}

fn table(all: &[AvailableIntegration]) -> String {
    let rows = all.iter().map(|one| {
        [
            one.id.to_string(),
            output::cut(&one.name, 30),
            one.auth.iter().map(|way| word(way).as_str()).collect::<Vec<_>>().join(", "),
            output::cut(&one.description, 90),
        ]
    });
    output::table(["ID", "NAME", "AUTH", "ABOUT"], rows.collect(), "All are installed.")
}

/// Installs an entry. Its secrets are asked, or read from stdin, one per line; the gateway tries them first.
pub(super) async fn install(
    owner: &OwnerClient,
    context: &Context,
    id: &IntegrationId,
    choice: &InstallChoice<'_>,
) -> Result<ExitStatus> {
    let wanted: AvailableIntegration = owner.read(&paths::fill(paths::DIRECTORY_ENTRY, id)).await?;
    if let Some(launch) = &wanted.launch {
        return install_local(owner, context, id, launch, choice).await;
    }
    let (auth, fields) = way(&wanted, choice.auth)?;
    let how = choice.sign_in;
    let variant = chosen_variant(&wanted, how.variant.as_deref())?;
    if auth == AuthMethodArg::Oauth {
        let target = SignInTarget { integration: id, account: None, address: None };
        let how = SignInArgs { variant, ..how.clone() };
        return sign_in::run(owner, context, target, &how).await;
    }
    let labels: Vec<_> = fields.iter().map(|field| field.label.clone()).collect();
    let values = secrets::read(&labels)?;
    let secrets: BTreeMap<_, _> =
        fields.iter().zip(&values).map(|(field, value)| (&field.name, value.expose())).collect();
    let body = json!({ "method": auth.as_str(), "variant": variant, "secrets": secrets });
    let connection = Connection::RemoteMcp {
        url: wanted.url,
        headers: BTreeMap::new(),
        oauth: None,
        timeout_seconds: None,
    };
    let starting =
        StartingIntegration { owner, name: id.as_str(), connection: &connection, context };
    let answer = starting.add(&paths::fill(paths::DIRECTORY_INSTALL, id), &body).await?;
    context.output.answer(&answer, |view: IntegrationView| show(view))?;
    Ok(ExitStatus::Done)
}

/// What was said on the command line of an install.
pub(super) struct InstallChoice<'a> {
    pub(super) auth: Option<AuthMethodArg>,
    pub(super) sign_in: &'a SignInArgs,
    /// Values of a local server.
    pub(super) fields: &'a [(String, String)],
    pub(super) yes: bool,
}

/// Fills a local server in, shows its command, and installs it.
async fn install_local(
    owner: &OwnerClient,
    context: &Context,
    id: &IntegrationId,
    launch: &LaunchView,
    choice: &InstallChoice<'_>,
) -> Result<ExitStatus> {
    let values = filling::fill(launch, choice.fields)?;
    let mut body = values.to_json();
    let preview = paths::fill(paths::DIRECTORY_PREVIEW, id);
    let preview: CommandPreview = owner.post(&preview, &body).await?.read()?;
    filling::accept(&preview, choice.yes)?;
    body["method"] = json!("none");
    body["accepted_command"] = json!(preview.command);
    let connection = local_connection(&preview.command);
    let starting =
        StartingIntegration { owner, name: id.as_str(), connection: &connection, context };
    let answer = starting.add(&paths::fill(paths::DIRECTORY_INSTALL, id), &body).await?;
    context.output.answer(&answer, |view: IntegrationView| show(view))?;
    Ok(ExitStatus::Done)
}

/// The variant by its id. Without one the owner is asked on a terminal; elsewhere it is the first.
fn chosen_variant(wanted: &AvailableIntegration, variant: Option<&str>) -> Result<Option<String>> {
    let variants = &wanted.variants;
    let ids = || variants.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", ");
    match variant {
        Some(id) if variants.iter().any(|one| one.id == id) => Ok(Some(id.to_owned())),
        Some(_) if variants.is_empty() => bail!("{} has no variants", wanted.id),
        Some(id) => bail!("{} has no variant {id:?}; it has {}", wanted.id, ids()),
        None if variants.is_empty() || !confirm::on_a_terminal() => Ok(None),
        None => {
            for one in variants {
                output::note(&format!("  {:<6} {}", one.id, one.name));
            }
            let answer = confirm::line(&format!("Which one? [{}] ", variants[0].id))?;
            match answer.trim() {
                "" => Ok(None),
                id => chosen_variant(wanted, Some(id)),
            }
        }
    }
}

/// The wanted authentication method, or the first one, with the secrets it needs.
fn way(
    wanted: &AvailableIntegration,
    auth: Option<AuthMethodArg>,
) -> Result<(AuthMethodArg, &[TokenField])> {
    let mut ways = wanted.auth.iter();
    let Some(way) = ways.find(|way| auth.is_none_or(|auth| auth == word(way))) else {
        let ways: Vec<_> = wanted.auth.iter().map(|way| word(way).as_str()).collect();
        bail!("{} authenticates by {} only", wanted.id, ways.join(" or "));
    };
    let fields = match way {
        AuthMethod::None | AuthMethod::Oauth { .. } => &[],
        AuthMethod::Token { fields } => fields.as_slice(),
    };
    Ok((word(way), fields))
}

fn word(way: &AuthMethod) -> AuthMethodArg {
    match way {
        AuthMethod::None => AuthMethodArg::None,
        AuthMethod::Token { .. } => AuthMethodArg::Token,
        AuthMethod::Oauth { .. } => AuthMethodArg::Oauth,
    }
}

#[cfg(test)]
mod tests {
    use agentport_api::EntryVariant;

    use super::*;

    #[test]
    fn the_way_that_is_wanted_is_taken() {
        let field = TokenField {
            name: "token".to_owned(),
            label: "Key".to_owned(),
            header: "X-Key".to_owned(),
        };
        let available = |auth: Vec<AuthMethod>| AvailableIntegration {
            id: IntegrationId::new("x").unwrap(),
            name: "X".to_owned(),
            description: String::new(),
            url: "https://example.com/mcp".to_owned(),
            launch: None,
            variants: vec![],
            docs_url: String::new(),
            auth,
            categories: vec![],
            popular: false,
            installed: false,
        };
        let token = AuthMethod::Token { fields: vec![field.clone()] };
        let both = available(vec![token, AuthMethod::None]);
        for (auth, want) in [
            (None, (AuthMethodArg::Token, std::slice::from_ref(&field))),
            (Some(AuthMethodArg::Token), (AuthMethodArg::Token, std::slice::from_ref(&field))),
            (Some(AuthMethodArg::None), (AuthMethodArg::None, &[][..])),
        ] {
            assert_eq!(way(&both, auth).unwrap(), want);
        }
        assert_eq!(chosen_variant(&both, None).unwrap(), None);
        assert_eq!(chosen_variant(&both, Some("a")).unwrap_err().to_string(), "x has no variants");
        let variant = |id: &str| EntryVariant {
            id: id.to_owned(),
            name: id.to_uppercase(),
            url: format!("https://{id}.example.com/mcp"),
        };
        let regional = AvailableIntegration {
            variants: vec![variant("a"), variant("b")],
            ..available(vec![AuthMethod::None])
        };
        assert_eq!(chosen_variant(&regional, Some("b")).unwrap().as_deref(), Some("b"));
        let unknown = chosen_variant(&regional, Some("c")).unwrap_err();
        assert_eq!(unknown.to_string(), "x has no variant \"c\"; it has a, b");
        let refused =
            way(&available(vec![AuthMethod::None]), Some(AuthMethodArg::Token)).unwrap_err();
        assert_eq!(refused.to_string(), "x authenticates by none only");
    }
}
