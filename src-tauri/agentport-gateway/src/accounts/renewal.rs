//! Renewing the tokens of an account: one at a time, stored before used, and no more often than helps.

use std::{sync::Arc, time::Duration};

use agentport_core::{AccountId, ErrorChain, Secret, Timestamp};
use http::{HeaderValue, StatusCode};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{
    SignInNeeded,
    oauth::{AuthChallenge, OAuthClient, OAuthRecord},
};
use crate::{
    events::Events,
    store::{AccountRow, Store},
    upstream::TokenRefusal,
    vault::Vault,
};

/// Shortest time between two renewals that the clock, not a refusal, asks for; and the time in which a second refusal
/// means that renewing does not help.
pub(super) const MIN_RENEWAL_INTERVAL: Duration = Duration::from_secs(30);
/// Shortest time between two renewals because a server failed.
const MIN_SUSPICION_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Wait after the first failure to reach the provider; doubles with each …
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// … up to this.
const MAX_RETRY: Duration = Duration::from_secs(15 * 60);
/// Longest that a provider's `Retry-After` is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);
/// Times in a row that more scopes are asked for.
pub(super) const MAX_STEP_UPS: u32 = 3;

/// Why the credentials of a stored account cannot be used.
pub(super) type UnreadableAccount = Box<dyn std::error::Error + Send + Sync>;

/// What accounts work with.
pub(super) struct AccountServices {
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) events: Events,
    pub(super) oauth: OAuthClient,
    pub(super) tasks: TaskTracker,
    pub(super) needy: mpsc::UnboundedSender<SignInNeeded>,
}

/// Why an account may have to be renewed.
pub(super) enum RenewalRequest {
    /// A request is to go out.
    Needed,
    /// The clock says so, before any request does.
    Scheduled,
    /// The server refused a request.
    Refused(TokenRefusal),
    /// The server failed at a request with this header.
    ServerFailed { sent: Option<HeaderValue> },
}

/// What renewing an account has come to. Behind the lock that lets one task renew.
#[derive(Default)]
pub(super) struct RenewalState {
    /// When the tokens were renewed last, and whether a refusal asked for it.
    pub(super) last: Option<(Timestamp, RenewalCause)>,
    /// Failures in a row to reach the provider.
    pub(super) failures: u32,
    /// When the tokens were renewed last because the server failed.
    pub(super) suspected_at: Option<Timestamp>,
    /// Times in a row that the server wanted more scopes than were granted.
    pub(super) step_ups: u32,
}

/// Why tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RenewalCause {
    /// Their end is near.
    Age,
    /// The server refused them.
    Refusal,
    /// The server failed, which can be its way of refusing them.
    Suspicion,
}

impl RenewalState {
    pub(super) fn renewed(&mut self, now: Timestamp, cause: RenewalCause) {
        self.last = Some((now, cause));
        self.failures = 0;
    }

    /// May a failure of the server be laid to the tokens? If so, the next ones are its own.
    pub(super) fn may_suspect(&mut self, now: Timestamp) -> bool {
        let may = self.suspected_at.is_none_or(|at| now.since(at) >= MIN_SUSPICION_INTERVAL);
        if may {
            self.suspected_at = Some(now);
        }
        may
    }

    /// Was it renewed so lately that doing it again can't help?
    pub(super) fn is_recent(&self, now: Timestamp, cause: RenewalCause) -> bool {
        self.last.is_some_and(|(at, last)| {
            now.since(at) < MIN_RENEWAL_INTERVAL
                && (cause != RenewalCause::Refusal || last == RenewalCause::Refusal)
        })
    }

    /// When to try again after the provider could not be asked. `jitter` from 0 to 1.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Timestamp {
        let backoff = FIRST_RETRY.saturating_mul(1 << self.failures.min(16)).min(MAX_RETRY);
        self.failures = self.failures.saturating_add(1);
        let spread = backoff.mul_f64(1.0 + 0.25 * jitter.clamp(0.0, 1.0));
        let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        now.plus(spread.max(asked))
    }
}

impl AccountServices {
    /// The credentials of a stored account, in JSON.
    pub(super) fn unsealed(&self, row: &AccountRow) -> Result<Secret, UnreadableAccount> {
        let plain = self.vault.open(&seal_of(row.id), &row.sealed)?;
        Ok(Secret::new(String::from_utf8_lossy(&plain).into_owned()))
    }

    /// Credentials, in JSON, as they are stored.
    pub(super) fn sealed(&self, id: AccountId, json: &Secret) -> Vec<u8> {
        self.vault.seal(&seal_of(id), json.expose().as_bytes())
    }

    /// Revokes tokens at the provider in the background.
    pub(super) fn revoke(self: &Arc<Self>, record: OAuthRecord) {
        let services = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = services.oauth.revoke(&record).await {
                tracing::info!(error = %ErrorChain(&error), "tokens were not revoked at their provider");
            }
        });
    }
}

/// Does the server want more than was granted (RFC 6750, section 3.1)?
pub(super) fn is_insufficient_scope(refusal: &TokenRefusal) -> bool {
    refusal.status == StatusCode::FORBIDDEN
        || AuthChallenge::parse(&refusal.challenge).is_insufficient_scope()
}

/// What seals credentials to their account.
fn seal_of(id: AccountId) -> String {
    format!("account/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_wait_grows_with_every_failure() {
        let mut state = RenewalState::default();
        let waits: Vec<u64> =
            (0..9).map(|_| state.failed(NOW, None, 0.0).since(NOW).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900]);
        assert_eq!(state.failed(NOW, Some(Duration::from_secs(1_000)), 0.0), after(1_000));
        assert_eq!(state.failed(NOW, Some(Duration::MAX), 0.0), after(3_600));
        state.renewed(NOW, RenewalCause::Age);
        assert_eq!(state.failed(NOW, None, 0.0), after(5), "a success starts over");
    }

    #[test]
    fn a_second_refusal_in_a_row_is_final() {
        let mut state = RenewalState::default();
        assert!(!state.is_recent(NOW, RenewalCause::Refusal));
        state.renewed(NOW, RenewalCause::Age);
        assert!(state.is_recent(after(29), RenewalCause::Age));
        assert!(!state.is_recent(after(1), RenewalCause::Refusal), "it may be revoked early");
        state.renewed(after(1), RenewalCause::Refusal);
        assert!(state.is_recent(after(2), RenewalCause::Refusal));
        assert!(!state.is_recent(after(40), RenewalCause::Refusal));
    }

    #[test]
    fn a_server_that_goes_on_failing_is_not_cured_by_new_tokens() {
        let mut state = RenewalState::default();
        assert!(state.may_suspect(NOW));
        assert!(!state.may_suspect(after(1)) && !state.may_suspect(after(599)));
        assert!(state.may_suspect(after(600)));
    }
}
