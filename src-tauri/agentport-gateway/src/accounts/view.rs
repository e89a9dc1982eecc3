//! Accounts as the control API shows them: in words that are true, and without secrets.

use agentport_api::{AccountState, AccountView};

use super::{
    OAuthAccount, TokenAccount,
    tokens::{AccountTokens, TokenCondition},
};
use crate::store::AccountAuth;

impl OAuthAccount {
    pub(super) fn view(&self) -> AccountView {
        let row = self.identity.row();
        let tokens = self.tokens();
        let record = &tokens.record;
        AccountView {
            id: row.id,
            integration: row.integration,
            label: row.label,
            is_default: row.is_default,
            auth_method: AccountAuth::Oauth.as_str().to_owned(),
            state: state(&tokens),
            workspace: record.workspace.clone(),
            scopes: record.granted_scopes.clone(),
            wanted_scopes: self.wanted_scopes(),
            issuer: Some(record.issuer.clone()),
            client_id: Some(record.client.client_id.clone()),
            client_source: Some(record.client.source),
            created_at: row.created_at,
            refreshed_at: Some(record.received_at),
            expires_at: record.expires_at,
            renews_itself: record.refresh_token.is_some(),
        }
    }
}

impl TokenAccount {
    pub(super) fn view(&self) -> AccountView {
        let row = self.identity.row();
        AccountView {
            id: row.id,
            integration: row.integration,
            label: row.label,
            is_default: row.is_default,
            auth_method: AccountAuth::Token.as_str().to_owned(),
            state: self.state(),
            workspace: None,
            scopes: Vec::new(),
            wanted_scopes: Vec::new(),
            issuer: None,
            client_id: None,
            client_source: None,
            created_at: row.created_at,
            refreshed_at: None,
            expires_at: None,
            renews_itself: false,
        }
    }
}

fn state(tokens: &AccountTokens) -> AccountState {
    match &tokens.condition {
        TokenCondition::SignInNeeded { message } => {
            AccountState::SignInNeeded { message: message.clone() }
        }
        TokenCondition::Unreachable { message, retry_at } => {
            AccountState::Unreachable { message: message.clone(), retry_at: Some(*retry_at) }
        }
        TokenCondition::Usable => match tokens.record.expires_at {
            Some(at) if tokens.record.refresh_token.is_none() => AccountState::Expires { at },
            _ => AccountState::Connected,
        },
    }
}
