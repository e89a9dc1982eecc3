//! `agentport integrations add`: a local command or a server by URL. Secrets never stand on the command line.

use std::{collections::BTreeMap, path::Path};

use agentport_core::IntegrationId;
use agentport_gateway::control::types::{Connection, IntegrationView};
use anyhow::{Context as _, Result, bail};
use clap::{ArgGroup, Args};
use reqwest::Method;
use serde_json::json;

use super::{START_TIMEOUT, show};
use crate::{client::route, confirm, context::Context, exit::Ending, output, secrets, words};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").args(["url", "command", "builtin"]).required(true))]
pub(crate) struct Add {
    /// Its id: lower-case letters, digits, - and single _
    #[arg(long)]
    id: IntegrationId,
    /// What to call it [default: its id]
    #[arg(long)]
    name: Option<String>,
    /// A tag, by which profiles choose
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A variable for the command; visible in settings, so for nothing secret
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable, conflicts_with_all = ["url", "builtin"])]
    env: Vec<(String, String)>,
    /// A secret variable: its value is asked, or read from stdin, one per line in the order given
    #[arg(long, value_name = "NAME", value_parser = secret_name, conflicts_with_all = ["url", "builtin"])]
    secret_env: Vec<String>,
    /// The folder the command runs in
    #[arg(long, value_name = "DIR", conflicts_with_all = ["url", "builtin"])]
    cwd: Option<String>,
    /// The URL of an MCP server (Streamable HTTP)
    #[arg(long)]
    url: Option<String>,
    /// A header for every request; {token} in it (or {token1}, {token2} …) is asked, or read from stdin
    #[arg(long, value_name = "NAME: VALUE", value_parser = header, conflicts_with_all = ["command", "builtin"])]
    header: Vec<(String, String)>,
    /// Add a part of this program that was removed, such as demo
    #[arg(long, value_name = "NAME")]
    builtin: Option<String>,
    /// Keep it even if it cannot be reached now
    #[arg(long)]
    keep_unreachable: bool,
    /// Do not ask before adding a command that will run on this computer
    #[arg(long, short)]
    yes: bool,
    /// The command and its arguments, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Add {
    pub(crate) async fn run(self, context: &Context) -> Result<Ending> {
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        let connection = self.connection(&here)?;
        if !self.yes && confirm::on_a_terminal() && !agreed(&connection)? {
            bail!("not added");
        }
        // The password first: where it comes from stdin as well, it is the first line.
        let owner = context.owner().await?;
        let names = self.secret_names();
        let values =
            secrets::read(&names.iter().map(|name| label(name, &self)).collect::<Vec<_>>())?;
        let secrets: BTreeMap<_, _> = names
            .iter()
            .zip(&values)
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        let body = json!({
            "id": self.id,
            "name": self.name,
            "tags": self.tags,
            "connection": connection,
            "secrets": secrets,
            "keep_unreachable": self.keep_unreachable,
        });
        if !context.output.is_json() {
            output::note("Connecting, and asking for its tools …");
        }
        let route = route(["control", "integrations"]);
        let reply =
            owner.send(Method::POST, route, Some(body.to_string()), Some(START_TIMEOUT)).await?;
        context.output.answer(&reply.done()?, |view: IntegrationView| show(view))?;
        Ok(Ending::Done)
    }

    fn connection(&self, here: &Path) -> Result<Connection> {
        if let Some(url) = &self.url {
            let mut headers = BTreeMap::new();
            for (name, value) in &self.header {
                if placeholders(value).is_empty() {
                    output::note(&format!(
                        "note: the header {name} is kept as it is; write {{token}} in place of a secret"
                    ));
                }
                if headers.insert(name.clone(), value.clone()).is_some() {
                    bail!("the header {name} is given twice");
                }
            }
            return Ok(Connection::RemoteMcp { url: url.clone(), headers });
        }
        if let Some(name) = &self.builtin {
            return Ok(Connection::Builtin { name: name.clone() });
        }
        let Some((command, args)) = self.command.split_first() else {
            bail!("give a command after --, or --url URL");
        };
        if let Some(name) =
            self.secret_env.iter().find(|&name| self.env.iter().any(|(other, _)| other == name))
        {
            bail!("{name} is given both as --env and as --secret-env");
        }
        Ok(Connection::LocalMcp {
            command: from_here(command, here),
            args: args.to_vec(),
            env: self.env.iter().cloned().collect(),
            secret_env: self.secret_names(),
            cwd: self.cwd.as_ref().map(|cwd| here.join(cwd).to_string_lossy().into_owned()),
        })
    }

    /// The names under which the vault keeps the secrets, in the order they were given.
    fn secret_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let from_headers = self.header.iter().flat_map(|(_, value)| placeholders(value));
        for name in self.secret_env.iter().cloned().chain(from_headers) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// How a secret is asked for.
fn label(name: &str, add: &Add) -> String {
    let header =
        add.header.iter().find(|(_, value)| placeholders(value).iter().any(|found| found == name));
    match header {
        Some((header, _)) => format!("{{{name}}} of the header {header}"),
        None => name.to_owned(),
    }
}

/// Shows what will run, in full, before it ever does. A URL runs nothing here.
fn agreed(connection: &Connection) -> Result<bool> {
    let Connection::LocalMcp { command, args, env, secret_env, cwd } = connection else {
        return Ok(true);
    };
    let mut question = format!(
        "This will run on this computer, with all that your account may do:\n\n  {}\n",
        words::command_line(command, args)
    );
    if let Some(cwd) = cwd {
        question += &format!("  in the folder {cwd}\n");
    }
    for (name, value) in env {
        question += &format!("  with {name}={value}\n");
    }
    for name in secret_env {
        question += &format!("  with the secret {name}\n");
    }
    confirm::yes(&format!("\n{question}\nAdd it?"))
}

/// A command given by a relative path is meant from the folder where it was typed; a bare name is searched for later.
fn from_here(command: &str, here: &Path) -> String {
    let path = Path::new(command);
    if path.is_relative() && path.components().count() > 1 {
        let whole = here.join(path);
        std::path::absolute(&whole).unwrap_or(whole).to_string_lossy().into_owned()
    } else {
        command.to_owned()
    }
}

/// The names in `{token}`, `{token1}`, … of a header's value, as the gateway finds them.
fn placeholders(value: &str) -> Vec<String> {
    let opened = value.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let names = opened.map(|(name, _)| name).filter(|name| {
        name.starts_with("token") && name.chars().all(|c| c.is_ascii_alphanumeric())
    });
    names.map(str::to_owned).collect()
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".into()),
    }
}

fn secret_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('=') {
        return Err("give the name alone; its value is asked, or read from stdin".into());
    }
    Ok(text.to_owned())
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write NAME: VALUE, with {token} in place of a secret".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        args,
        commands::{Command, integrations::Integrations},
    };

    fn add(words: &[&str]) -> Add {
        let words = ["agentport", "integrations", "add", "--id", "x"].iter().chain(words);
        match args::Args::try_parse_from(words).map(|args| args.command) {
            Ok(Command::Integrations(Integrations::Add(add))) => *add,
            Ok(_) => unreachable!("add was parsed"),
            Err(refused) => panic!("{refused}"),
        }
    }

    #[test]
    fn secrets_keep_the_order_given() {
        let local =
            add(&["--secret-env", "B", "--secret-env", "A", "--secret-env", "B", "--", "cmd"]);
        assert_eq!(local.secret_names(), ["B", "A"]);
        let remote = add(&[
            "--url",
            "https://example.com",
            "--header",
            "X: {token2}",
            "--header",
            "Authorization: Bearer {token1}",
            "--header",
            "Y: {token2}{other}{",
        ]);
        assert_eq!(remote.secret_names(), ["token2", "token1"]);
        assert_eq!(label("token1", &remote), "{token1} of the header Authorization");
    }

    #[test]
    fn a_command_keeps_its_own_flags() {
        let local = add(&["--env", "K=a=b", "--cwd", "sub", "--", "./server", "-y", "--url", "z"]);
        let connection = local.connection(Path::new("/here")).unwrap();
        assert_eq!(
            connection,
            Connection::LocalMcp {
                command: "/here/server".into(),
                args: vec!["-y".into(), "--url".into(), "z".into()],
                env: [("K".to_owned(), "a=b".to_owned())].into(),
                secret_env: vec![],
                cwd: Some("/here/sub".into()),
            }
        );
        assert_eq!(from_here("npx", Path::new("/here")), "npx");
        assert_eq!(from_here("/bin/x", Path::new("/here")), "/bin/x");
    }

    #[test]
    fn what_is_given_twice_is_refused() {
        let here = Path::new("/here");
        assert!(add(&["--env", "K=V", "--secret-env", "K", "--", "cmd"]).connection(here).is_err());
        let twice =
            add(&["--url", "https://a", "--header", "A: {token}", "--header", "A: {token1}"]);
        assert!(twice.connection(here).is_err());
    }

    #[test]
    fn headers() {
        assert_eq!(header("A: b: c"), Ok(("A".into(), "b: c".into())));
        assert_eq!(header("A:{token}"), Ok(("A".into(), "{token}".into())));
        for bad in ["A", "A:", ": b", ""] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
