//! Accounts of integrations, and signing in to them.

use std::collections::BTreeMap;

use agentport_core::{AccountId, IntegrationId, Secret, SignInId, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::OAuthSettings;

/// `GET /control/accounts` → Items<AccountView>, by integration and label, and `GET /control/accounts/{id}`. One set of
/// credentials of an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// The integration it belongs to.
    pub integration: IntegrationId,
    /// The name the owner gave it, unique in its integration.
    pub label: String,
    /// It is used where nothing else was chosen.
    pub is_default: bool,
    /// `oauth`, `token` or `none`.
    pub auth_method: String,
    /// Whether it works.
    pub state: AccountState,
    /// The workspace or site it belongs to, where the provider said so.
    pub workspace: Option<String>,
    /// The scopes the provider granted; empty where it named none.
    pub scopes: Vec<String>,
    /// Scopes its server asked for beyond those; the next sign-in asks for them.
    pub wanted_scopes: Vec<String>,
    /// The issuer of its tokens.
    pub issuer: Option<String>,
    /// The client id it signs in with.
    pub client_id: Option<String>,
    /// How the client came to be.
    pub client_source: Option<ClientSource>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its access token was last renewed.
    pub refreshed_at: Option<Timestamp>,
    /// When its access token ends; absent where the provider does not say.
    pub expires_at: Option<Timestamp>,
    /// It is renewed without the owner (a refresh token is there).
    pub renews_itself: bool,
}

/// Whether an account works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum AccountState {
    /// Its credentials were accepted last.
    Connected,
    /// It works until then, and cannot be renewed without the owner.
    Expires {
        /// When.
        at: Timestamp,
    },
    /// The owner has to sign in again.
    SignInNeeded {
        /// Why, as a sentence.
        message: String,
    },
    /// The provider cannot be reached; its tokens are kept and tried again.
    Unreachable {
        /// What went wrong.
        message: String,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
}

/// Where an OAuth client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ClientSource {
    /// The owner registered it with the provider.
    Own,
    /// A client-id metadata document.
    MetadataDocument,
    /// Registered by AgentPort (RFC 7591).
    Registered,
}

/// `POST /control/sign-ins` answers 201 and [`SignInView`]: begins to sign in. Nothing of a new integration is kept
/// until it has succeeded.
#[derive(Debug, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct StartSignIn {
    /// An installed integration, or one of the directory that is to be installed.
    pub integration: IntegrationId,
    /// An address to add as a new integration with that id. Absent: installed, or from the directory.
    #[serde(default)]
    pub url: Option<String>,
    /// The name of a new integration.
    #[serde(default)]
    pub name: Option<String>,
    /// The account to sign in again. Absent: a new one.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The label of a new account. Absent: `default`, or the next free one.
    #[serde(default)]
    pub label: Option<String>,
    /// The owner's own client. Absent: as the integration says.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The secret of that client.
    #[serde(default)]
    #[ts(as = "Option<String>")]
    pub client_secret: Option<Secret>,
    /// The variant of a directory entry, such as a region.
    #[serde(default)]
    pub variant: Option<String>,
    /// Other settings than the integration's own.
    #[serde(default)]
    pub settings: Option<OAuthSettings>,
}

impl StartSignIn {
    /// To an integration, with nothing else said.
    pub fn of(integration: IntegrationId) -> Self {
        Self {
            integration,
            url: None,
            name: None,
            account: None,
            label: None,
            client_id: None,
            client_secret: None,
            variant: None,
            settings: None,
        }
    }
}

/// `GET /control/sign-ins/{id}`: where a sign-in is. `DELETE` (204) ends it. `GET /control/sign-ins` lists those under
/// way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignInView {
    /// Its id.
    pub id: SignInId,
    /// What it signs in to.
    pub integration: IntegrationId,
    /// The name of that, for people.
    pub name: String,
    /// The account it signs in, once there is one.
    pub account: Option<AccountId>,
    /// Where it is.
    pub state: SignInState,
    /// The redirect URI to register with the provider, where the owner's own client is used.
    pub redirect_uri: Option<String>,
    /// Lines on what was skipped or is odd, oldest first.
    pub notes: Vec<String>,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// Where a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum SignInState {
    /// The server and its provider are asked how to sign in.
    Discovering,
    /// AgentPort registers itself with the provider.
    Registering,
    /// The provider takes only clients that the owner registered: client id (and secret) are to be given, by
    /// `POST /control/sign-ins` again.
    ClientNeeded {
        /// What to do, as a sentence.
        message: String,
    },
    /// The owner has to consent in a browser.
    WaitingForConsent {
        /// The address to open. It holds no secret of ours, but whoever opens it can finish this sign-in.
        authorization_url: String,
    },
    /// The provider's code is exchanged for tokens.
    Exchanging,
    /// The integration is connected with the new account.
    Connecting,
    /// It has succeeded.
    Done {
        /// The account.
        account: AccountId,
    },
    /// It has failed; nothing of it is kept.
    Failed {
        /// What happened and what to do, as a sentence.
        message: String,
    },
}

impl SignInState {
    /// Has it ended, well or not?
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed { .. } | Self::ClientNeeded { .. })
    }
}

/// `POST /control/sign-ins/{id}/callback` answers [`SignInView`]: the address the browser was sent to, for a browser on
/// another computer.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct PastedCallback {
    /// The whole address, or its query.
    #[ts(type = "string")]
    pub url: Secret,
}

/// `POST /control/integrations/{id}/accounts` answers 201 and [`AccountView`]: one more account of a remote server that
/// is given a token. It is tried before it counts: 502 if the server cannot be used with it, and nothing is kept.
#[derive(Debug, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct AddAccount {
    /// Its label. Absent: `default`, or the next free one.
    #[serde(default)]
    pub label: Option<String>,
    /// Each secret that the connection has a place for, by its name (`token`, `token1` …).
    #[ts(type = "Record<string, string>")]
    pub secrets: BTreeMap<String, Secret>,
}

/// `PATCH /control/accounts/{id}` answers [`AccountView`]. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct ChangeAccount {
    /// Its new label.
    pub label: Option<String>,
    /// True: it is used where nothing else was chosen.
    pub is_default: Option<bool>,
}

/// `PUT /control/integrations/{id}/accounts/chosen` answers [`ChosenAccounts`]: which account an agent or a profile
/// uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChosenAccounts {
    /// By the agent's id.
    #[serde(default)]
    pub agents: BTreeMap<String, AccountId>,
    /// By the profile's name. What is chosen for an agent counts more.
    #[serde(default)]
    pub profiles: BTreeMap<String, AccountId>,
}

// `PUT /control/accounts/{id}/credentials` replaces the tokens of an account, as
// `PUT /control/integrations/{id}/credentials` those of the default one, and answers `AccountView`.
// `DELETE /control/accounts/{id}` (204) revokes its tokens at the provider where that is offered, and forgets them.
// `POST /control/accounts/{id}/forget-registration` (204) makes the next sign-in register anew.
