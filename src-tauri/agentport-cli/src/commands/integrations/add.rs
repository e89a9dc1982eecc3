//! `agentport integrations add`: the owner adds one from the directory, a local command, or a server by URL; an agent asks
//! for one from the directory. Secrets are never arguments; a server that turns out to want a token has it asked for.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use agentport_api::{Connection, ControlError, IntegrationView, TokenPlace, paths};
use agentport_core::{IntegrationId, Secret};
use anyhow::{Context as _, Result, bail};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::{
    available, import, installed, secret_names, show,
    sign_in::{self, SignInArgs, SignInTarget},
    wait_ready::StartingIntegration,
};
use crate::{
    args::AgentKey,
    client::{OwnerClient, OwnerTransportError, SuccessBody},
    confirm,
    context::{CommandActor, Context},
    exit::ExitStatus,
    format, secrets,
};

/// What a file says itself, or does not take.
const DIRECT_ONLY: [&str; 7] =
    ["tags", "keep_unreachable", "env", "secret_env", "cwd", "header", "startup_timeout"];

/// Either an entry of the directory, by its id alone, or an integration of the owner's own, by URL or command.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("target").args(["url", "command", "builtin", "bundle", "server_json"]),
    group = ArgGroup::new("owner")
        .args([
            "id", "name", "tags", "env", "secret_env", "cwd", "url", "header", "builtin", "keep_unreachable",
            "command", "startup_timeout", "bundle", "server_json", "option",
        ])
        .multiple(true)
        .conflicts_with("agent"),
    group = ArgGroup::new("agent").args(["wanted", "token", "timeout", "api_key_file"]).multiple(true),
)]
pub(crate) struct AddArgs {
    /// Install this one, or as an agent ask the owner to; `integrations list --available` says what there is
    #[arg(value_name = "ID", required_unless_present = "target")]
    wanted: Option<IntegrationId>,
    /// The authentication method [default: the first one it has]; of a URL, oauth signs in to it in a browser
    #[arg(long, value_name = "METHOD")]
    auth: Option<installed::AuthMethodArg>,
    /// A value that a local server asks for, as often as it takes several; asked on a terminal where it is not given
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = variable, conflicts_with_all = ["url", "command", "builtin"])]
    fields: Vec<(String, String)>,
    /// As an agent, send its token along, which is asked, or read from stdin. Better left out: the owner can enter it
    /// unseen by agents. The owner is always asked for it
    #[arg(long, requires = "wanted")]
    token: bool,
    /// As an agent, wait for the owner's decision, at most so many seconds (0: as long as it takes), and then install
    #[arg(long, value_name = "SECONDS", requires = "wanted")]
    timeout: Option<u64>,
    #[command(flatten)]
    sign_in: SignInArgs,
    #[command(flatten)]
    key: AgentKey,
    /// Its id: lower-case letters, digits, - and single _ [default: made from its name]
    #[arg(long, value_name = "ID", requires = "target")]
    id: Option<IntegrationId>,
    /// What to call it [default: what the server calls itself; of a command with --id, the id]
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
    /// The URL of an MCP server (Streamable HTTP, or HTTP+SSE); {token} in its query is asked, or read from stdin
    #[arg(long)]
    url: Option<String>,
    /// A header for every request; {token} in it (or {token1}, {token2} …) is asked, or read from stdin
    #[arg(long, value_name = "NAME: VALUE", value_parser = header, conflicts_with_all = ["command", "builtin"])]
    header: Vec<(String, String)>,
    /// Add a part of this program that was removed, such as demo
    #[arg(long, value_name = "NAME")]
    builtin: Option<String>,
    /// A bundle of MCP (.mcpb or .dxt): it is unpacked, and removed with the integration
    #[arg(long, value_name = "FILE", conflicts_with_all = DIRECT_ONLY)]
    bundle: Option<PathBuf>,
    /// The description of a server in a registry (server.json)
    #[arg(long, value_name = "FILE", conflicts_with_all = DIRECT_ONLY)]
    server_json: Option<PathBuf>,
    /// Which way to install it, where a server.json has several [default: asked on a terminal]
    #[arg(long, value_name = "OPTION", requires = "server_json", conflicts_with_all = ["bundle", "url", "command", "builtin"])]
    option: Option<String>,
    /// Keep it even if it cannot be reached now
    #[arg(long)]
    keep_unreachable: bool,
    /// How long the command may be silent while it starts, 1 to 3600
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["url", "builtin"])]
    startup_timeout: Option<u32>,
    /// Do not ask before a command runs on this computer that is added
    #[arg(long, short)]
    yes: bool,
    /// The command and its arguments, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl AddArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        match &self.wanted {
            Some(wanted) => match context.owner_or_agent(&self.key).await? {
                CommandActor::Owner(owner) => {
                    let choice = available::InstallChoice {
                        auth: self.auth,
                        sign_in: &self.sign_in,
                        fields: &self.fields,
                        yes: self.yes,
                    };
                    available::install(&owner, context, wanted, &choice).await
                }
                CommandActor::Agent(agent) => {
                    installed::add(&agent, context, wanted, self.auth, self.token, self.timeout)
                        .await
                }
            },
            None if self.auth == Some(installed::AuthMethodArg::Oauth) => {
                self.sign_in_by_url(context).await
            }
            None => match self.bundle.as_ref().or(self.server_json.as_ref()) {
                Some(file) => self.import(context, file).await,
                None => self.add(context).await,
            },
        }
    }

    async fn import(&self, context: &Context, file: &Path) -> Result<ExitStatus> {
        let request = import::ImportRequest {
            file,
            option: self.option.as_deref(),
            id: self.id.as_ref(),
            name: self.name.as_deref(),
            fields: &self.fields,
            yes: self.yes,
        };
        import::install(&context.owner().await?, context, &request).await
    }

    /// Adds a server by URL that is signed in to in a browser.
    async fn sign_in_by_url(&self, context: &Context) -> Result<ExitStatus> {
        let Some(url) = &self.url else {
            bail!("only a server by URL, or one of the directory, is signed in to in a browser");
        };
        let Some(id) = &self.id else {
            bail!("give it an id: --id ID");
        };
        let owner = context.owner().await?;
        let address = Some((url.as_str(), self.name.as_deref()));
        let target = SignInTarget { integration: id, account: None, address };
        sign_in::run(&owner, context, target, &self.sign_in).await
    }

    async fn add(&self, context: &Context) -> Result<ExitStatus> {
        let here = std::env::current_dir().context("cannot tell the current folder")?;
        let mut connection = self.connection(&here)?;
        if !self.yes && confirm::on_a_terminal() && !agreed(&connection)? {
            bail!("not added");
        }
        // The password is read first: from stdin, it is the first line.
        let owner = context.owner().await?;
        let names = self.secret_names();
        let labels = names.iter().map(|name| secret_names::label(name, self.headers()));
        let values = secrets::read(&labels.collect::<Vec<_>>())?;
        let mut secrets: BTreeMap<String, Secret> = names.into_iter().zip(values).collect();
        let answer = match self.send(&owner, &connection, &secrets, context).await {
            Ok(answer) => answer,
            Err(error) => {
                let Some(place) = wanted_token(&error) else { return Err(error) };
                let token = ask_for_token(&place, &error)?;
                put_token(&mut connection, place)?;
                secrets.insert(TOKEN.to_owned(), token);
                self.send(&owner, &connection, &secrets, context).await?
            }
        };
        context.output.answer(&answer, |view: IntegrationView| show(view))?;
        Ok(ExitStatus::Done)
    }

    async fn send(
        &self,
        owner: &OwnerClient,
        connection: &Connection,
        secrets: &BTreeMap<String, Secret>,
        context: &Context,
    ) -> Result<SuccessBody> {
        let attempt = self.attempt();
        let secrets: BTreeMap<_, _> =
            secrets.iter().map(|(name, value)| (name, value.expose())).collect();
        let body = json!({
            "id": self.id,
            "name": self.name,
            "attempt": attempt,
            "tags": self.tags,
            "connection": connection,
            "secrets": secrets,
            "keep_unreachable": self.keep_unreachable,
        });
        let starting = StartingIntegration { owner, name: &attempt, connection, context };
        starting.add(paths::INTEGRATIONS, &body).await
    }

    /// What the addition is called while it is under way: this process adds one at a time.
    fn attempt(&self) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => format!("cli-{}", std::process::id()),
        }
    }

    fn connection(&self, here: &Path) -> Result<Connection> {
        if let Some(url) = &self.url {
            let mut headers = BTreeMap::new();
            for (name, value) in &self.header {
                if headers.insert(name.clone(), value.clone()).is_some() {
                    bail!("the header {name} is given twice");
                }
            }
            return Ok(Connection::RemoteMcp {
                url: url.clone(),
                headers,
                oauth: None,
                timeout_seconds: None,
            });
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
            secret_args: Vec::new(),
            timeout_seconds: None,
            startup_timeout_seconds: self.startup_timeout,
        })
    }

    /// The names of the secrets in the vault, in the order of the arguments.
    fn secret_names(&self) -> Vec<String> {
        secret_names::of(&self.secret_env, self.headers())
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let url = self.url.iter().map(|url| (secret_names::IN_URL, url.as_str()));
        self.header.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(url)
    }
}

/// The name of the one secret of a header.
const TOKEN: &str = "token";

/// Where the server wants a token, if that is what it said.
fn wanted_token(error: &anyhow::Error) -> Option<TokenPlace> {
    match error.downcast_ref::<ControlError<OwnerTransportError>>()? {
        ControlError::Refused { problem, .. } => problem.token.as_deref().cloned(),
        _ => None,
    }
}

/// Asks on a terminal; elsewhere says how to give it.
fn ask_for_token(place: &TokenPlace, refused: &anyhow::Error) -> Result<Secret> {
    let TokenPlace { header, format } = place;
    if confirm::on_a_terminal() {
        return secrets::ask("It wants a token: ");
    }
    bail!(
        "{refused}\nIt wants a token: add --header '{header}: {format}', and give the token on stdin"
    )
}

fn put_token(connection: &mut Connection, place: TokenPlace) -> Result<()> {
    let Some((_, headers)) = connection.remote_mut() else {
        bail!("a token was asked for by what has no headers");
    };
    headers.insert(place.header, place.format);
    Ok(())
}

/// Shows the whole command before it runs for the first time, and asks. A URL runs nothing on this computer.
fn agreed(connection: &Connection) -> Result<bool> {
    let Some(program) = connection.program() else {
        return Ok(true);
    };
    let mut question = format!(
        "This will run on this computer, with all that your account may do:\n\n  {}\n",
        format::command_line(program.command, program.args)
    );
    if let Some(cwd) = program.cwd {
        question += &format!("  in the folder {cwd}\n");
    }
    for (name, value) in program.env {
        question += &format!("  with {name}={value}\n");
    }
    for name in program.secret_env {
        question += &format!("  with the secret {name}\n");
    }
    confirm::yes(&format!("\n{question}\nAdd it?"))
}

/// A relative path is resolved from the current folder; a bare name is looked up on PATH later.
fn from_here(command: &str, here: &Path) -> String {
    let path = Path::new(command);
    if path.is_relative() && path.components().count() > 1 {
        let whole = here.join(path);
        std::path::absolute(&whole).unwrap_or(whole).to_string_lossy().into_owned()
    } else {
        command.to_owned()
    }
}

pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".into()),
    }
}

pub(super) fn secret_name(text: &str) -> Result<String, String> {
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
        commands::{Command, integrations::IntegrationsCommand},
    };

    fn add(words: &[&str]) -> AddArgs {
        parse(&[&["--id", "x"], words].concat()).unwrap_or_else(|refused| panic!("{refused}"))
    }

    fn parse(words: &[&str]) -> Result<AddArgs, clap::Error> {
        let words = ["agentport", "integrations", "add"].iter().chain(words);
        match args::CliArgs::try_parse_from(words)?.command {
            Command::Integrations(IntegrationsCommand::Add(add)) => Ok(*add),
            _ => unreachable!("add was parsed"),
        }
    }

    #[test]
    fn an_agent_gives_an_id_and_nothing_of_the_owners() {
        let asked = parse(&["exa", "--auth", "token", "--token", "--api-key-file", "k"]).unwrap();
        assert_eq!(asked.wanted.unwrap().as_str(), "exa");
        assert!(asked.token && asked.auth.is_some());
        for words in [
            &["exa", "--", "cmd"][..],
            &["exa", "--url", "https://example.com"],
            &["exa", "--name", "Exa"],
            &["exa", "--id", "exa"],
            &["exa", "--auth", "cookie"],
            &["--auth", "token"],
            &["--token", "--id", "x", "--", "cmd"],
            &["--id", "x", "--api-key-file", "k", "--", "cmd"],
            &["exa", "--startup-timeout", "60"],
            &["--field", "a=b", "--", "cmd"],
            &["--bundle", "x.mcpb", "--", "cmd"],
            &["--bundle", "x.mcpb", "--server-json", "x.json"],
            &["--bundle", "x.mcpb", "--option", "a"],
            &["exa", "--bundle", "x.mcpb"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_url_or_a_command_needs_no_id() {
        for words in [&["--url", "https://example.com"][..], &["--", "cmd", "-y"]] {
            let add = parse(words).unwrap();
            assert!(add.wanted.is_none() && add.id.is_none(), "{words:?}");
            assert!(add.attempt().starts_with("cli-"));
        }
        assert_eq!(add(&["--", "cmd"]).attempt(), "x");
        assert!(parse(&["--id", "x"]).is_err(), "nothing to add");
        let Connection::LocalMcp { startup_timeout_seconds, .. } =
            add(&["--startup-timeout", "60", "--", "cmd"]).connection(Path::new("/here")).unwrap()
        else {
            panic!("a command")
        };
        assert_eq!(startup_timeout_seconds, Some(60));
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
                secret_args: vec![],
                timeout_seconds: None,
                startup_timeout_seconds: None,
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
