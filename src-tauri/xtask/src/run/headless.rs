//! The gateway without a screen: started, with a password for its owner, and how to connect to it said.
//!
//! On the first start the owner's password is chosen on the terminal; where there is none, one is made up and kept in the
//! gateway's home, readable by this account only. It reaches the programs through stdin or that file, never through an
//! argument.

use std::{
    fs,
    io::{BufRead as _, BufReader, IsTerminal as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::{Agentport, signals::Signals};
use crate::{paths, process};

/// The gateway takes no shorter owner password.
const SHORTEST: usize = 10;

/// The line `agentport serve -o json` announces itself with.
#[derive(Deserialize)]
struct ServeAnnouncement {
    mcp_url: String,
    dashboard_url: String,
}

#[derive(Deserialize)]
struct NewKey {
    key: String,
}

/// The owner's password: in a file where it was made up, by heart where the owner chose it just now.
enum Chosen {
    Kept(PathBuf),
    Known(String),
}

/// Where a made-up password is kept.
const PASSWORD_FILE: &str = "owner-password";

/// The port of a first start, unless the owner names one.
const PORT: u16 = 4747;

pub(super) fn run(agentport: &Agentport, port: Option<u16>) -> Result<ExitCode> {
    let status = agentport.status()?;
    if status.running {
        let url = status.mcp_url.unwrap_or_default();
        process::say(&format!("A gateway runs already for {}: {url}", status.home.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = if status.set_up { before(&status.home) } else { Some(choose(&status.home)?) };
    let signals = Signals::listen()?;
    let (mut gateway, said) =
        agentport.serve(free(port.unwrap_or(PORT)), chosen.as_ref(), &signals)?;
    let first = chosen.as_ref().filter(|_| !status.set_up);
    let key = first.and_then(|chosen| match agentport.first_key(chosen) {
        Ok(key) => Some(key),
        Err(error) => {
            process::warn(&format!("No first key: {error:#}"));
            None
        }
    });
    greet(&said, chosen.as_ref(), key.as_deref(), agentport);
    let ended = gateway.wait().context("cannot wait for the gateway")?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Agentport {
    /// Starts the gateway, makes its process id known at once, and waits until it listens.
    fn serve(
        &self,
        port: u16,
        chosen: Option<&Chosen>,
        signals: &Signals,
    ) -> Result<(Child, ServeAnnouncement)> {
        let mut command = self.command(&["serve", "-o", "json", "--port", &port.to_string()]);
        let command = with_password(&mut command, chosen).stdout(Stdio::piped());
        let mut child = signals.pass_on_to(command).context("cannot start agentport")?;
        hand_over(&mut child, chosen)?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("agentport has no stdout")?;
        BufReader::new(stdout).read_line(&mut line).context("cannot read what agentport says")?;
        if line.is_empty() {
            let ended = child.wait().context("cannot wait for agentport")?;
            bail!("the gateway did not start ({ended})");
        }
        let said =
            serde_json::from_str(&line).context("agentport announces itself in an unknown form")?;
        Ok((child, said))
    }

    fn first_key(&self, chosen: &Chosen) -> Result<String> {
        let mut command = self.command(&["keys", "create", "first", "-o", "json"]);
        let mut child = with_password(&mut command, Some(chosen)).stdout(Stdio::piped()).spawn()?;
        hand_over(&mut child, Some(chosen))?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("agentport keys create failed ({})", output.status);
        }
        Ok(serde_json::from_slice::<NewKey>(&output.stdout)
            .context("the key has an unknown form")?
            .key)
    }
}

fn with_password<'a>(command: &'a mut Command, chosen: Option<&Chosen>) -> &'a mut Command {
    match chosen {
        Some(Chosen::Kept(file)) => {
            command.arg("--owner-password-file").arg(file).stdin(Stdio::null())
        }
        Some(Chosen::Known(_)) => {
            command.args(["--owner-password-file", "-"]).stdin(Stdio::piped())
        }
        None => command.stdin(Stdio::null()),
    }
}

/// Writes the password to a program that reads it from stdin.
fn hand_over(child: &mut Child, chosen: Option<&Chosen>) -> Result<()> {
    if let (Some(mut stdin), Some(Chosen::Known(password))) = (child.stdin.take(), chosen) {
        writeln!(stdin, "{password}").context("cannot hand the password over")?;
    }
    Ok(())
}

/// What an earlier run made up, if one did.
fn before(home: &Path) -> Option<Chosen> {
    let file = home.join(PASSWORD_FILE);
    file.is_file().then_some(Chosen::Kept(file))
}

fn choose(home: &Path) -> Result<Chosen> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        process::say(
            "\nThis is the first start. Whoever has the owner password decides what agents may do.",
        );
        loop {
            let password =
                rpassword::prompt_password("Choose an owner password (empty: one is made up): ")?;
            if password.is_empty() {
                break;
            }
            if password.chars().count() < SHORTEST {
                process::say(&format!("It needs at least {SHORTEST} characters."));
                continue;
            }
            if rpassword::prompt_password("The same again: ")? == password {
                return Ok(Chosen::Known(password));
            }
            process::say("These two differ. Once more, please.");
        }
    }
    let password = made_up()?;
    let file = home.join(PASSWORD_FILE);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&file)
        .and_then(|mut open| writeln!(open, "{password}"))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Chosen::Kept(file))
}

/// 24 of 32 characters that are not mistaken for each other: 120 bits.
fn made_up() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 24];
    getrandom::fill(&mut random)
        .map_err(|error| anyhow::anyhow!("there is no randomness: {error}"))?;
    Ok(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// The port asked for, or any other where that is taken.
fn free(port: u16) -> u16 {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => port,
        Err(_) => {
            process::say(&format!("Port {port} is taken, so another one is used."));
            0
        }
    }
}

fn greet(
    said: &ServeAnnouncement,
    chosen: Option<&Chosen>,
    key: Option<&str>,
    agentport: &Agentport,
) {
    let program =
        agentport.program.strip_prefix(paths::root()).unwrap_or(&agentport.program).display();
    let home = agentport
        .home
        .as_ref()
        .map(|home| format!(" --home {}", home.display()))
        .unwrap_or_default();
    process::say("\nAgentPort is running. Ctrl-C stops it.\n");
    process::say(&format!("  MCP URL     {}", said.mcp_url));
    process::say(&format!("  Dashboard   {}", said.dashboard_url));
    if let Some(Chosen::Kept(file)) = chosen {
        process::say(&format!(
            "  Password    made up, in {}; whoever reads it is the owner",
            file.display()
        ));
    }
    match key {
        Some(key) => {
            process::say(&format!("  First key   {key}  (agent \"first\"; shown this once)"))
        }
        None => process::say(&format!("  A new key   {program} keys create NAME{home}")),
    }
    process::say("\nFor an MCP client's configuration:\n");
    process::say(&client_entry(&said.mcp_url, key.unwrap_or("ap_…")));
}

/// The entry as Claude Code, Cursor and others read it.
fn client_entry(url: &str, key: &str) -> String {
    let entry = serde_json::json!({
        "mcpServers": { "agentport": { "type": "http", "url": url, "headers": { "X-API-Key": key } } }
    });
    format!("{entry:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_passwords_are_long_and_differ() {
        let (one, other) = (made_up().unwrap(), made_up().unwrap());
        assert_eq!(one.len(), 24);
        assert_ne!(one, other);
    }

    #[test]
    fn the_client_entry_is_json() {
        let entry: serde_json::Value =
            serde_json::from_str(&client_entry("http://u", "ap_k")).unwrap();
        assert_eq!(entry["mcpServers"]["agentport"]["headers"]["X-API-Key"], "ap_k");
    }

    #[test]
    fn a_taken_port_gives_way() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert_eq!(free(taken.local_addr().unwrap().port()), 0);
        assert_eq!(free(0), 0);
    }
}
