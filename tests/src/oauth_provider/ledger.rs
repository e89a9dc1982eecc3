//! The provider's clients, codes and tokens. A token family is everything that one consent led to.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::behaviour::ClientAuth;

#[derive(Debug, Clone)]
pub(super) struct RegisteredClient {
    pub(super) secret: Option<String>,
    /// The one method it has to use. Absent: either method that shows the secret.
    pub(super) method: Option<ClientAuth>,
    pub(super) redirect_uris: Vec<String>,
}

/// An authorization request that waits for its page to be answered.
#[derive(Debug, Clone)]
pub(super) struct PendingConsent {
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) scopes: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct IssuedCode {
    pub(super) consent: PendingConsent,
    pub(super) account: String,
}

/// What one consent granted.
#[derive(Debug, Clone)]
pub(super) struct TokenFamily {
    pub(super) client: String,
    pub(super) account: String,
    pub(super) scopes: Vec<String>,
    pub(super) alive: bool,
}

#[derive(Debug, Clone)]
struct AccessToken {
    family: usize,
    ends: Instant,
    alive: bool,
}

#[derive(Debug, Clone)]
struct RefreshToken {
    family: usize,
    used: bool,
}

/// What a refresh token turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshCheck {
    Valid {
        family: usize,
    },
    /// It was used before; its family has just ended.
    Reused,
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct TokenLedger {
    pub(super) clients: HashMap<String, RegisteredClient>,
    pub(super) consents: HashMap<String, PendingConsent>,
    pub(super) codes: HashMap<String, IssuedCode>,
    families: Vec<TokenFamily>,
    access: HashMap<String, AccessToken>,
    refresh: HashMap<String, RefreshToken>,
    /// Every secret that was ever issued: tokens, codes, client secrets.
    pub(super) secrets: Vec<String>,
}

impl TokenLedger {
    /// A new random value with a prefix that says what it is; kept among the secrets.
    pub(super) fn secret(&mut self, prefix: &str) -> String {
        let value = format!("{prefix}-{}", uuid::Uuid::new_v4().simple());
        self.secrets.push(value.clone());
        value
    }

    pub(super) fn begin_family(&mut self, family: TokenFamily) -> usize {
        self.families.push(family);
        self.families.len() - 1
    }

    pub(super) fn family(&self, family: usize) -> &TokenFamily {
        &self.families[family]
    }

    pub(super) fn issue_access(&mut self, family: usize, life: Duration) -> String {
        let token = self.secret("access");
        let issued = AccessToken { family, ends: Instant::now() + life, alive: true };
        self.access.insert(token.clone(), issued);
        token
    }

    pub(super) fn issue_refresh(&mut self, family: usize) -> String {
        let token = self.secret("refresh");
        self.refresh.insert(token.clone(), RefreshToken { family, used: false });
        token
    }

    /// The family of an access token that works now.
    pub(super) fn holder(&self, access: &str) -> Option<&TokenFamily> {
        let token = self.access.get(access)?;
        let family = &self.families[token.family];
        (token.alive && family.alive && token.ends > Instant::now()).then_some(family)
    }

    /// Looks up a refresh token. A reused one ends its family.
    pub(super) fn check_refresh(&mut self, token: &str, client: &str) -> RefreshCheck {
        let Some(found) = self.refresh.get(token) else { return RefreshCheck::Unknown };
        let family = found.family;
        if self.families[family].client != client || !self.families[family].alive {
            return RefreshCheck::Unknown;
        }
        if found.used {
            self.families[family].alive = false;
            return RefreshCheck::Reused;
        }
        RefreshCheck::Valid { family }
    }

    pub(super) fn use_up(&mut self, refresh: &str) {
        if let Some(token) = self.refresh.get_mut(refresh) {
            token.used = true;
        }
    }

    pub(super) fn end_access_tokens(&mut self, of: Option<usize>) {
        for token in self.access.values_mut() {
            if of.is_none_or(|family| token.family == family) {
                token.alive = false;
            }
        }
    }

    /// When the last of the access tokens ends.
    pub(super) fn last_end(&self) -> Instant {
        let ends = self.access.values().map(|token| token.ends);
        ends.max().unwrap_or_else(Instant::now)
    }

    /// RFC 7009. A refresh token takes its family with it.
    pub(super) fn revoke(&mut self, token: &str) {
        if let Some(found) = self.refresh.get(token) {
            self.families[found.family].alive = false;
        } else if let Some(found) = self.access.get_mut(token) {
            found.alive = false;
        }
    }

    pub(super) fn end_families(&mut self) {
        for family in &mut self.families {
            family.alive = false;
        }
    }

    pub(super) fn live_accounts(&self) -> Vec<String> {
        let live = self.families.iter().filter(|family| family.alive);
        live.map(|family| family.account.clone()).collect()
    }
}
