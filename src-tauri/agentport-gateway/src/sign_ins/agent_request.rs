//! A sign-in an agent asked for. The agent gets an address to show the owner; no browser opens by itself, and the
//! tokens never reach the agent.

use std::{sync::Arc, time::Duration};

use agentport_api::{SignInState, StartSignIn};
use agentport_core::{AgentId, IntegrationId, audit::Actor};
use tokio::time::timeout;

use super::{SignInAttempt, SignIns};

/// Time an agent waits for the address at which the owner consents.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(25);

/// What an agent is told of a sign-in that waits for the owner.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationOffer {
    pub(crate) authorization_url: String,
    /// A sentence.
    pub(crate) message: String,
    /// Names the sign-in, as the REST API's `state`.
    pub(crate) id: agentport_core::SignInId,
}

impl SignIns {
    /// Starts to sign in to an integration that is installed and has to be signed in to. Asked again, it is the same
    /// sign-in. `Err` is a sentence for the agent.
    pub(crate) async fn sign_in_for_agent(
        self: &Arc<Self>,
        integration: &IntegrationId,
        agent: AgentId,
    ) -> Result<AuthorizationOffer, String> {
        let default = self.accounts.default_of(integration);
        let account = default.and_then(|account| account.oauth().cloned());
        if let Some(account) = &account
            && !account.needs_sign_in()
            && self.pending_for(integration).is_none()
        {
            return Err(format!(
                "The integration {:?} is signed in to already; there is nothing to start.",
                integration.as_str()
            ));
        }
        let wanted = StartSignIn {
            account: account.map(|account| account.id()),
            ..StartSignIn::of(integration.clone())
        };
        self.offer(wanted, agent).await
    }

    /// Starts to sign in to an integration of the directory, whose install the owner has approved.
    pub(crate) async fn install_for_agent(
        self: &Arc<Self>,
        integration: &IntegrationId,
        agent: AgentId,
    ) -> Result<AuthorizationOffer, String> {
        self.offer(StartSignIn::of(integration.clone()), agent).await
    }

    async fn offer(
        self: &Arc<Self>,
        wanted: StartSignIn,
        agent: AgentId,
    ) -> Result<AuthorizationOffer, String> {
        let attempt = match self.pending_for(&wanted.integration) {
            Some(attempt) => attempt,
            None => self
                .start(wanted, Actor::Agent(agent))
                .map_err(|error| format!("Not started: {error}."))?,
        };
        offer_of(&attempt).await
    }
}

async fn offer_of(attempt: &SignInAttempt) -> Result<AuthorizationOffer, String> {
    let name = &attempt.name;
    match timeout(ADDRESS_TIMEOUT, attempt.settled()).await.unwrap_or_else(|_| attempt.state()) {
        SignInState::WaitingForConsent { authorization_url } => Ok(AuthorizationOffer {
            message: format!(
                "Show the owner this address: they open it in a browser on this computer and let AgentPort in to {name}. \
                 agentport__get_auth_status(integration_id=\"{}\") says when it is done.",
                attempt.integration
            ),
            authorization_url,
            id: attempt.id,
        }),
        SignInState::ClientNeeded { message } | SignInState::Failed { message } => {
            Err(format!("{message} The owner can go on in AgentPort."))
        }
        SignInState::Done { .. } => Err(format!("{name} is signed in to already.")),
        SignInState::Discovering
        | SignInState::Registering
        | SignInState::Exchanging
        | SignInState::Connecting => {
            Err(format!("{name} takes its time to say how to sign in. Ask again in a moment."))
        }
    }
}
