//! The directory of integrations, for the owner: listing it, and installing an entry with its token.

use std::collections::BTreeMap;

use agentport_api::{
    AuthMethod, AvailableIntegration, Connection, IntegrationView, TokenField, paths,
};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use serde_json::json;

use super::{
    installed::AuthMethodArg,
    show,
    sign_in::{self, SignInArgs, SignInTarget},
    wait_ready::StartingIntegration,
};
use crate::{client::OwnerClient, context::Context, exit::ExitStatus, output, secrets};

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
    auth: Option<AuthMethodArg>,
    how: &SignInArgs,
) -> Result<ExitStatus> {
    let wanted: AvailableIntegration = owner.read(&paths::fill(paths::DIRECTORY_ENTRY, id)).await?;
    let (auth, fields) = way(&wanted, auth)?;
    if auth == AuthMethodArg::Oauth {
        let target = SignInTarget { integration: id, account: None, address: None };
        return sign_in::run(owner, context, target, how).await;
    }
    let labels: Vec<_> = fields.iter().map(|field| field.label.clone()).collect();
    let values = secrets::read(&labels)?;
    let secrets: BTreeMap<_, _> =
        fields.iter().zip(&values).map(|(field, value)| (&field.name, value.expose())).collect();
    let body = json!({ "method": auth.as_str(), "secrets": secrets });
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
        let refused =
            way(&available(vec![AuthMethod::None]), Some(AuthMethodArg::Token)).unwrap_err();
        assert_eq!(refused.to_string(), "x authenticates by none only");
    }
}
