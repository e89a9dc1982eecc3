//! Command line and environment of the program. Everything else is a setting.

use std::path::PathBuf;

use agentport_gateway::{Port, vault::VaultChoice};
use clap::Parser;

/// Lets AI agents act on your accounts, and asks you first.
#[derive(Debug, Clone, Parser)]
#[command(name = "agentport-desktop", version)]
pub(crate) struct LaunchArgs {
    /// Where the gateway keeps its data [default: the platform's data directory]
    #[arg(long, value_name = "DIR", env = "AGENTPORT_HOME")]
    pub home: Option<PathBuf>,
    /// The port to listen on; 0 takes any that is free [default: as in the settings]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Start into the tray, without a window
    #[arg(long)]
    pub hidden: bool,
    /// Where the key that seals secrets lies: keychain, key-file, or passphrase-file:FILE
    /// [default: the keychain if one answers, else a key file]
    #[arg(long, value_name = "KIND", env = "AGENTPORT_VAULT", hide = true, default_value = "auto", value_parser = vault)]
    pub vault: VaultChoice,
}

impl LaunchArgs {
    pub(crate) fn port(&self) -> Port {
        self.port.map_or(Port::FromSettings, Port::Chosen)
    }
}

/// As `agentport serve` reads it: `passphrase-file FILE` is one text in the environment.
fn vault(text: &str) -> Result<VaultChoice, String> {
    match (text, text.strip_prefix("passphrase-file ")) {
        ("", _) => Ok(VaultChoice::Auto),
        (_, Some(file)) => Ok(VaultChoice::PassphraseFile(file.into())),
        _ => text.parse().map_err(|error| format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::args::*;

    #[test]
    fn definition_is_sound() {
        LaunchArgs::command().debug_assert();
    }

    #[test]
    fn takes_the_command_line() {
        let args = LaunchArgs::parse_from(["agentport-desktop", "--home", "/h", "--hidden"]);
        assert_eq!(args.home, Some("/h".into()));
        assert!(args.hidden);
        assert_eq!(args.port(), Port::FromSettings);
        let args = LaunchArgs::parse_from(["agentport-desktop", "--port", "0"]);
        assert_eq!(args.port(), Port::Chosen(0));
        assert!(LaunchArgs::try_parse_from(["agentport-desktop", "--port", "70000"]).is_err());
    }

    #[test]
    fn reads_vaults_as_serve_does() {
        assert_eq!(vault(""), Ok(VaultChoice::Auto));
        assert_eq!(vault("key-file"), Ok(VaultChoice::KeyFile));
        for text in ["passphrase-file /a b:c", "passphrase-file:/a b:c"] {
            assert_eq!(vault(text), Ok(VaultChoice::PassphraseFile("/a b:c".into())), "{text}");
        }
        assert!(vault("cellar").is_err());
    }
}
