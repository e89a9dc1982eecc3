//! The tokens of an account at one moment, and when they have to be renewed. Pure: the time is an argument.

use std::time::Duration;

use agentport_core::Timestamp;
use http::HeaderValue;

use super::oauth::OAuthRecord;

/// Longest time before its end at which a token is renewed …
const MAX_MARGIN: Duration = Duration::from_secs(60);
/// … and the part of its life that is, if that is shorter.
const MARGIN_PART: u32 = 5;
/// Part of its life after which a token is renewed without waiting for a request.
const RENEWED_AFTER: f64 = 0.8;

/// Tokens and whether they work. Replaced as a whole.
pub(super) struct AccountTokens {
    pub(super) record: OAuthRecord,
    /// `Authorization` with the access token.
    pub(super) header: HeaderValue,
    pub(super) condition: TokenCondition,
}

/// Whether the tokens of an account work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenCondition {
    /// As far as is known.
    Usable,
    /// Refused for good; only the owner can help.
    SignInNeeded { message: String },
    /// The provider could not be asked; the tokens are kept.
    Unreachable { message: String, retry_at: Timestamp },
}

impl AccountTokens {
    pub(super) fn new(record: OAuthRecord, condition: TokenCondition) -> Self {
        let bearer = format!("Bearer {}", record.access_token.expose());
        // A token of other characters can't be sent; the server refuses the empty one, which says so.
        let mut header =
            HeaderValue::from_str(&bearer).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        header.set_sensitive(true);
        Self { record, header, condition }
    }

    /// May requests go out with it, without renewing it first?
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        match &self.condition {
            TokenCondition::SignInNeeded { .. } => false,
            TokenCondition::Usable => !self.is_due(now),
            TokenCondition::Unreachable { retry_at, .. } => {
                !self.is_due(now) || (now < *retry_at && !self.is_expired(now))
            }
        }
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.record.expires_at.is_some_and(|end| end <= now)
    }

    /// Is it so near its end that it is renewed before it is used? One that cannot be renewed is used to its end, and
    /// one that does not say its end until it is refused.
    fn is_due(&self, now: Timestamp) -> bool {
        let Some(end) = self.record.expires_at.filter(|_| self.record.refresh_token.is_some())
        else {
            return false;
        };
        let life = end.since(self.record.received_at);
        let margin = MAX_MARGIN.min(life / MARGIN_PART);
        end.minus(margin) <= now
    }

    /// When it is renewed although no request needs it; `jitter` from 0 to 1 spreads accounts. `None`: never.
    pub(super) fn renewal_at(&self, jitter: f64) -> Option<Timestamp> {
        let received = self.record.received_at;
        let end = self.record.expires_at.filter(|_| self.record.refresh_token.is_some())?;
        match &self.condition {
            TokenCondition::SignInNeeded { .. } => None,
            TokenCondition::Unreachable { retry_at, .. } => Some(*retry_at),
            TokenCondition::Usable => {
                let part = RENEWED_AFTER + 0.05 * jitter.clamp(0.0, 1.0);
                Some(received.plus(end.since(received).mul_f64(part)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::record, *};

    const START: Timestamp = Timestamp(1_000_000);

    fn tokens(life: Option<u64>, renewable: bool) -> AccountTokens {
        let mut record = record("fake-access", renewable.then_some("fake-refresh"));
        record.received_at = START;
        record.expires_at = life.map(|life| START.plus(Duration::from_secs(life)));
        AccountTokens::new(record, TokenCondition::Usable)
    }

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_token_is_renewed_shortly_before_its_end() {
        for (life, renewable, fresh, due) in [
            (Some(3_600), true, 3_539, 3_541),
            (Some(300), true, 239, 241),
            (Some(40), true, 31, 33),
            (Some(0), true, u64::MAX, 0),
        ] {
            let tokens = tokens(life, renewable);
            assert!(fresh == u64::MAX || tokens.is_fresh(at(fresh)), "{life:?} at {fresh}");
            assert!(!tokens.is_fresh(at(due)), "{life:?} at {due}");
        }
        assert!(tokens(None, true).is_fresh(at(1_000_000)), "it is used until it is refused");
        assert!(tokens(Some(10), false).is_fresh(at(1_000)), "nothing could renew it");
        assert!(tokens(Some(10), false).is_expired(at(10)));
    }

    #[test]
    fn the_clock_renews_at_four_fifths_of_its_life() {
        assert_eq!(tokens(Some(1_000), true).renewal_at(0.0), Some(at(800)));
        assert_eq!(tokens(Some(1_000), true).renewal_at(1.0), Some(at(850)));
        assert_eq!(tokens(None, true).renewal_at(0.0), None);
        assert_eq!(tokens(Some(1_000), false).renewal_at(0.0), None);
        let mut refused = tokens(Some(1_000), true);
        refused.condition = TokenCondition::SignInNeeded { message: "refused".to_owned() };
        assert_eq!(refused.renewal_at(0.0), None, "no retry storm");
        assert!(!refused.is_fresh(at(0)));
        refused.condition =
            TokenCondition::Unreachable { message: "down".to_owned(), retry_at: at(990) };
        assert_eq!(refused.renewal_at(0.0), Some(at(990)));
        assert!(refused.is_fresh(at(980)), "it works until its end");
        assert!(!refused.is_fresh(at(995)));
    }
}
