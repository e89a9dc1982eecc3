//! `agentport serve`: runs the gateway headless.

use std::path::PathBuf;

use agentport_api::Settings;
use agentport_clients::client::Machine;
use agentport_gateway::{
    ControlAccess, ControlExtension, ExternalAccess, Gateway, Options, Port, StartError,
    vault::VaultChoice,
};
use agentport_pages::assets;
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use crate::{
    context::Context,
    exit::ExitStatus,
    output::{self, OutputFormat},
};

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The port to listen on; 0 takes any that is free [default: the setting `port`, which is 4747 unless changed]
    #[arg(long)]
    port: Option<u16>,
    /// Serve agents on other computers too, behind a reverse proxy or tunnel with this https address
    /// [default: the setting `external_url`]
    #[arg(long, value_name = "URL", value_parser = agentport_gateway::external_origin)]
    external_url: Option<String>,
    /// The port on 127.0.0.1 that the proxy sends requests to [default: 4748]
    #[arg(long, value_name = "PORT", requires = "external_url")]
    external_port: Option<u16>,
    /// Where the key that seals secrets lies: keychain, key-file, or passphrase-file FILE
    /// [default: the keychain if one answers, else a key file]
    #[arg(long, value_name = "KIND", env = "AGENTPORT_VAULT", num_args = 1..=2, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    vault: Vec<String>,
}

impl ServeArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        agentport_gateway::logging::log_to_stderr();
        let vault = vault(&self.vault)?;
        let home = context.home()?;
        // Only without a database is it certain that there is no password. A gateway whose owner has still to choose
        // one prints another sign-in code instead.
        let first_start = !home.database().exists();
        let owner_password =
            if first_start { context.password.choose()? } else { context.password.given()? };
        let mut signals = Signals::listen()?;
        let port = self.port.map_or(Port::FromSettings, Port::Chosen);
        let control_access = ControlAccess::Network;
        let extensions = clients_extension().into_iter().collect();
        let external = self.external_url.map(|url| {
            let port = self.external_port.unwrap_or(Settings::default().external_port);
            ExternalAccess { url, port }
        });
        let options = Options {
            home,
            port,
            vault,
            owner_password,
            ui: assets(),
            control_access,
            external,
            extensions,
        };
        let gateway = tokio::select! {
            started = Gateway::start(options) => started.map_err(|error| match error {
                StartError::Bind { .. } => anyhow!(error).context("cannot start the gateway; --port N takes another port"),
                other => anyhow!(other).context("cannot start the gateway"),
            })?,
            () = signals.next() => return Ok(ExitStatus::Done),
        };
        announce(&gateway, context)?;
        signals.next().await;
        tokio::select! {
            () = gateway.stop() => Ok(ExitStatus::Done),
            () = signals.next() => {
                output::note("Stopped at once, without waiting for running calls.");
                Ok(ExitStatus::Failed)
            }
        }
    }
}

/// The control API's routes for clients' files. `None` without a home directory.
fn clients_extension() -> Option<ControlExtension> {
    Some(agentport_setup::control_extension(agentport_setup::cli_path(), Machine::this()?))
}

fn announce(gateway: &Gateway, context: &Context) -> Result<()> {
    let announcement = gateway.announcement();
    for warning in announcement.warnings.iter().chain(&context.password.warning()) {
        output::note(&format!("warning: {warning}"));
    }
    context.output.own(&announcement, || {
        output::fields(&[
            ("MCP", announcement.mcp_url.clone()),
            ("Dashboard", announcement.dashboard_url.clone().unwrap_or_default()),
            ("Data", announcement.home.display().to_string()),
        ])
    })?;
    if context.output.format == OutputFormat::Human {
        output::note("Ctrl-C stops the gateway.");
    }
    Ok(())
}

/// The choice on the command line, or in `AGENTPORT_VAULT`, where `passphrase-file FILE` is one text.
fn vault(words: &[String]) -> Result<VaultChoice> {
    let joined = words.join(" ");
    let (kind, file) = joined.split_once([' ', ':']).unwrap_or((&joined, ""));
    Ok(match (kind, file) {
        ("", "") => VaultChoice::Auto,
        ("keychain", "") => VaultChoice::Keychain,
        ("key-file", "") => VaultChoice::KeyFile,
        ("passphrase-file", file) if !file.is_empty() => {
            VaultChoice::PassphraseFile(PathBuf::from(file))
        }
        _ => bail!("{joined:?} is no vault; use keychain, key-file, or passphrase-file FILE"),
    })
}

/// Signals that ask the process to end: Ctrl-C, a service manager's SIGTERM, a closing terminal's SIGHUP.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

#[cfg(windows)]
pub(super) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Signals {
    pub(super) fn listen() -> Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close};
        let why = "cannot listen for signals";
        Ok(Self { interrupt: ctrl_c().context(why)?, close: ctrl_close().context(why)? })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vaults() {
        let check = |words: &[&str]| {
            vault(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()).ok()
        };
        assert!(matches!(check(&[]), Some(VaultChoice::Auto)));
        assert!(matches!(check(&["keychain"]), Some(VaultChoice::Keychain)));
        assert!(matches!(check(&["key-file"]), Some(VaultChoice::KeyFile)));
        for words in [
            &["passphrase-file", "/a b:c"][..],
            &["passphrase-file /a b:c"],
            &["passphrase-file:/a b:c"],
        ] {
            match check(words) {
                Some(VaultChoice::PassphraseFile(path)) => {
                    assert_eq!(path, PathBuf::from("/a b:c"))
                }
                _ => panic!("{words:?}"),
            }
        }
        for bad in [&["passphrase-file"][..], &["cellar"], &["keychain", "x"]] {
            assert!(check(bad).is_none(), "{bad:?}");
        }
    }
}
