//! One account of an integration, however it is let in.

use std::sync::Arc;

use agentport_api::AccountView;
use agentport_core::{AccountId, IntegrationId};

use super::{OAuthAccount, TokenAccount, identity::AccountIdentity};
use crate::{store::AccountRow, vault::ChangingSecrets};

/// An account by what lets it in. Cheap to clone.
#[derive(Clone)]
pub(crate) enum IntegrationAccount {
    OAuth(Arc<OAuthAccount>),
    Token(Arc<TokenAccount>),
}

impl IntegrationAccount {
    pub(super) fn identity(&self) -> &AccountIdentity {
        match self {
            Self::OAuth(account) => &account.identity,
            Self::Token(account) => &account.identity,
        }
    }

    pub(crate) fn id(&self) -> AccountId {
        self.identity().id()
    }

    pub(crate) fn integration(&self) -> &IntegrationId {
        self.identity().integration()
    }

    pub(crate) fn label(&self) -> String {
        self.identity().label()
    }

    pub(crate) fn is_default(&self) -> bool {
        self.identity().is_default()
    }

    pub(crate) fn view(&self) -> AccountView {
        match self {
            Self::OAuth(account) => account.view(),
            Self::Token(account) => account.view(),
        }
    }

    /// The row with the credentials of this moment, sealed.
    pub(crate) fn sealed_row(&self) -> AccountRow {
        match self {
            Self::OAuth(account) => account.sealed_row(),
            Self::Token(account) => account.sealed_row(),
        }
    }

    pub(crate) fn oauth(&self) -> Option<&Arc<OAuthAccount>> {
        match self {
            Self::OAuth(account) => Some(account),
            Self::Token(_) => None,
        }
    }

    pub(crate) fn token(&self) -> Option<&Arc<TokenAccount>> {
        match self {
            Self::OAuth(_) => None,
            Self::Token(account) => Some(account),
        }
    }

    /// Its secrets that change while it is connected.
    pub(crate) fn changing_secrets(&self) -> Option<Arc<dyn ChangingSecrets>> {
        self.oauth().map(|account| account.clone() as Arc<dyn ChangingSecrets>)
    }
}
