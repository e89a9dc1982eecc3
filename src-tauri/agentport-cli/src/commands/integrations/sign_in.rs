//! Signs in to an integration by OAuth: shows or opens the provider's address, says what is waited for, and ends it on
//! Ctrl-C.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use agentport_api::{AccountView, SignInState, SignInView, paths};
use agentport_core::{AccountId, IntegrationId, Secret};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use crate::{client::OwnerClient, context::Context, exit::ExitStatus, format, output, secrets};

/// Interval between two looks at how far it has come.
const POLL_INTERVAL: Duration = Duration::from_millis(400);

/// How a sign-in is done.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SignInArgs {
    /// What to call the account, such as work or private [default: the first free one]
    #[arg(long, value_name = "NAME")]
    pub(super) label: Option<String>,
    /// The id of an OAuth client of your own, registered with the provider
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// That client has a secret, which is asked, or read from stdin
    #[arg(long, requires = "client_id")]
    pub(super) client_secret: bool,
    /// The variant to sign in to, such as a region
    #[arg(long, value_name = "NAME")]
    pub(super) variant: Option<String>,
    /// Open no browser; the address is only printed
    #[arg(long)]
    pub(super) no_open: bool,
    /// For a browser on another computer: read the address it ended on from stdin
    #[arg(long)]
    pub(super) paste: bool,
}

/// What is signed in to.
#[derive(Debug)]
pub(super) struct SignInTarget<'a> {
    pub(super) integration: &'a IntegrationId,
    /// The account to sign in again.
    pub(super) account: Option<AccountId>,
    /// The address of a new integration that is not in the directory, and its name.
    pub(super) address: Option<(&'a str, Option<&'a str>)>,
}

/// Signs in, and prints the account.
pub(super) async fn run(
    owner: &OwnerClient,
    context: &Context,
    target: SignInTarget<'_>,
    how: &SignInArgs,
) -> Result<ExitStatus> {
    let secret = match how.client_secret {
        true => secrets::read(&["Client secret".to_owned()])?.pop(),
        false => None,
    };
    let body = json!({
        "integration": target.integration,
        "url": target.address.map(|(url, _)| url),
        "name": target.address.and_then(|(_, name)| name),
        "account": target.account,
        "label": how.label,
        "client_id": how.client_id,
        "client_secret": secret.as_ref().map(Secret::expose),
        "variant": how.variant,
    });
    let started: SignInView = owner.post(paths::SIGN_INS, &body).await?.read()?;
    let path = paths::fill(paths::SIGN_IN, started.id);
    let ended = tokio::select! {
        ended = follow(owner, started, how) => ended?,
        _ = tokio::signal::ctrl_c() => {
            // It may have ended by itself meanwhile.
            let _ = owner.control().delete(&path).await;
            bail!("cancelled; nothing was kept")
        }
    };
    let SignInState::Done { account } = ended.state else {
        let redirect = ended.redirect_uri.unwrap_or_default();
        match ended.state {
            SignInState::ClientNeeded { message } => bail!(
                "{message}\nRedirect URI to register: {redirect}\nThen: --client-id ID, and --client-secret if it has one"
            ),
            SignInState::Failed { message } => bail!("{message}"),
            _ => bail!("the sign-in ended without an account"),
        }
    };
    let answer = owner.get(&paths::fill(paths::ACCOUNT, account)).await?;
    context.output.answer(&answer, |view: AccountView| {
        format!(
            "Signed in to {} as {:?}: {}",
            view.integration,
            view.label,
            format::account(&view.state)
        )
    })?;
    Ok(ExitStatus::Done)
}

/// Watches a sign-in until it is over.
async fn follow(owner: &OwnerClient, mut view: SignInView, how: &SignInArgs) -> Result<SignInView> {
    let path = paths::fill(paths::SIGN_IN, view.id);
    let mut shown = None;
    let mut notes = 0;
    loop {
        for note in view.notes.iter().skip(notes) {
            output::note(note);
        }
        notes = view.notes.len();
        if view.state.is_over() {
            return Ok(view);
        }
        if shown.as_ref() != Some(&view.state) {
            show(&view, how)?;
            if let (SignInState::WaitingForConsent { .. }, true) = (&view.state, how.paste) {
                let pasted = tokio::task::spawn_blocking(read_pasted).await??;
                let to = paths::fill(paths::SIGN_IN_CALLBACK, view.id);
                view = owner.post(&to, &json!({ "url": pasted.expose() })).await?.read()?;
                shown = None;
                continue;
            }
            shown = Some(view.state.clone());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        view = owner.read(&path).await?;
    }
}

/// Says on stderr what is waited for, and opens the browser where the owner has something to do there.
fn show(view: &SignInView, how: &SignInArgs) -> Result<()> {
    let name = output::printable(&view.name);
    let line = match &view.state {
        SignInState::Discovering => format!("Asking {name} how to sign in …"),
        SignInState::Registering => format!("Registering AgentPort with the provider of {name} …"),
        SignInState::WaitingForConsent { authorization_url } => {
            if !how.no_open && !how.paste && open::that_detached(authorization_url).is_err() {
                output::note("No browser could be opened.");
            }
            format!(
                "Sign in at this address in a browser:\n{}",
                output::printable(authorization_url)
            )
        }
        SignInState::Exchanging => "Getting the tokens …".to_owned(),
        SignInState::Connecting => format!("Connecting {name} …"),
        SignInState::ClientNeeded { .. }
        | SignInState::Failed { .. }
        | SignInState::Done { .. } => {
            return Ok(());
        }
    };
    output::note(&line);
    Ok(())
}

fn read_pasted() -> Result<Secret> {
    if io::stdin().is_terminal() {
        let mut stderr = io::stderr().lock();
        write!(stderr, "The address the browser ended on: ")?;
        stderr.flush()?;
    }
    let line = secrets::line(&mut io::stdin().lock()).context("cannot read from stdin")?;
    line.filter(|line| !line.expose().trim().is_empty()).context("no address was given")
}
