//! What every command needs: the data directory, the output format, and the credentials it acts with.

use std::{cell::OnceCell, env, fs, path::PathBuf};

use agentport_core::{Secret, key::Key};
use agentport_gateway::data_dir::DataDir;
use anyhow::{Context as _, Result, anyhow, bail};

use crate::{
    args::{AgentKey, CommonArgs},
    client::{AgentClient, GatewayEndpoint, OwnerClient},
    output::Output,
    password::PasswordSource,
    secrets,
};

const STORED_KEY: &str = "agent-key";
const KEY_VARIABLE: &str = "AGENTPORT_API_KEY";

pub(crate) struct Context {
    pub output: Output,
    pub password: PasswordSource,
    home: Option<PathBuf>,
    signed_in: OnceCell<OwnerClient>,
}

/// Who a command acts as, where both are possible.
pub(crate) enum CommandActor {
    Owner(OwnerClient),
    Agent(AgentClient),
}

impl Context {
    pub(crate) fn new(common: CommonArgs) -> Self {
        Self {
            output: Output { format: common.output },
            password: PasswordSource { file: common.owner_password_file },
            home: common.home,
            signed_in: OnceCell::new(),
        }
    }

    pub(crate) fn home(&self) -> Result<DataDir> {
        DataDir::open(self.home.clone()).context("cannot use the data directory")
    }

    /// The data directory that was named, if one was.
    pub(crate) fn home_asked_for(&self) -> Option<PathBuf> {
        self.home.clone()
    }

    /// The running gateway, as its owner.
    pub(crate) async fn owner(&self) -> Result<OwnerClient> {
        let gateway = GatewayEndpoint::find(&self.home()?)?;
        let owner = gateway.sign_in(&self.password.read()?, secrets::one_time_code).await?;
        Ok(self.signed_in.get_or_init(|| owner).clone())
    }

    /// Ends the owner's sign-in, if there was one. To be called when the command has ended, also after an error.
    pub(crate) async fn sign_out(&self) {
        if let Some(owner) = self.signed_in.get() {
            owner.sign_out().await;
        }
    }

    /// The running gateway's REST API, as an agent.
    pub(crate) fn agent(&self, key: &AgentKey) -> Result<AgentClient> {
        let home = self.home()?;
        let Some(key) = agent_key(key, &home)? else {
            bail!(
                "this needs an agent's key: store one with `agentport auth login`, set {KEY_VARIABLE}, \
                 or give --api-key-file FILE"
            );
        };
        GatewayEndpoint::find(&home)?.with_key(&key)
    }

    /// As the owner where the owner's password is given; otherwise as an agent, with the key that is given or stored;
    /// otherwise as the owner, asking for the password (`src-tauri/docs/contract.md` §7).
    pub(crate) async fn owner_or_agent(&self, key: &AgentKey) -> Result<CommandActor> {
        if !self.password.is_given() {
            let home = self.home()?;
            if let Some(key) = agent_key(key, &home)? {
                return GatewayEndpoint::find(&home)?.with_key(&key).map(CommandActor::Agent);
            }
        }
        self.owner().await.map(CommandActor::Owner)
    }
}

/// The agent's key: from the file named, the environment, or what `auth login` stored, in this order.
pub(crate) fn agent_key(from: &AgentKey, home: &DataDir) -> Result<Option<Secret>> {
    if let Some(path) = &from.api_key_file {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the key file {}", path.display()))?;
        return parse_key(&text)
            .with_context(|| format!("in the key file {}", path.display()))
            .map(Some);
    }
    match env::var(KEY_VARIABLE) {
        Ok(text) if !text.is_empty() => return parse_key(&text).context(KEY_VARIABLE).map(Some),
        Ok(_) | Err(env::VarError::NotPresent) => {}
        Err(env::VarError::NotUnicode(_)) => bail!("{KEY_VARIABLE} is not text"),
    }
    let path = stored_key(home);
    match fs::read_to_string(&path) {
        Ok(text) => parse_key(&text).with_context(|| format!("in {}", path.display())).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The file in which `auth login` keeps the key, for this account only.
pub(crate) fn stored_key(home: &DataDir) -> PathBuf {
    home.root().join(STORED_KEY)
}

/// Parses a key. The error does not repeat the text, which may be a mistyped key.
pub(crate) fn parse_key(text: &str) -> Result<Secret> {
    Key::parse(text.trim()).map(|key| key.secret().clone()).ok_or_else(|| {
        anyhow!("this is not an agent's key; keys begin with ap_ and have 35 characters")
    })
}
