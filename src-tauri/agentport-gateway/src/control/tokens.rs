//! Random tokens that allow something for a time. In memory, and there only as SHA-256: a restart ends them
//! all.

use std::{collections::HashMap, time::Duration};

use agentport_core::Timestamp;
use base64::Engine as _;
use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// Most tokens at once; the oldest is dropped first.
const MAX_TOKENS: usize = 1_000;

/// Valid tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    life: Duration,
    kept: Mutex<LiveTokens>,
}

#[derive(Debug, Default)]
struct LiveTokens {
    given: HashMap<[u8; 32], Given>,
    round: RevocationRound,
}

/// Number of revocations of all tokens so far. A token is issued only in the round its request began in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct RevocationRound(u64);

#[derive(Debug)]
struct Given {
    until: Timestamp,
    ended: CancellationToken,
}

/// Validity of a token: until that moment, or until it is revoked.
#[derive(Debug, Clone)]
pub(super) struct TokenTerm {
    pub(super) until: Timestamp,
    pub(super) ended: CancellationToken,
}

impl Drop for Given {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl Tokens {
    pub(super) fn new(life: Duration) -> Self {
        Self { life, kept: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, LiveTokens> {
        self.kept.lock()
    }

    /// The present round, to be read before a password or code is checked.
    pub(super) fn round(&self) -> RevocationRound {
        self.lock().round
    }

    /// Issues a token; returns it with its end. `None`: all tokens were revoked since `round`, so the password or code that
    /// was checked may no longer be valid.
    pub(super) fn give(
        &self,
        round: RevocationRound,
        now: Timestamp,
    ) -> Option<(String, Timestamp)> {
        let token = random();
        let until = now.plus(self.life);
        let mut kept = self.lock();
        if kept.round != round {
            return None;
        }
        let given = &mut kept.given;
        given.retain(|_, other| now < other.until);
        if given.len() >= MAX_TOKENS
            && let Some(oldest) = given.iter().min_by_key(|(_, g)| g.until).map(|(t, _)| *t)
        {
            given.remove(&oldest);
        }
        given.insert(digest(&token), Given { until, ended: CancellationToken::new() });
        Some((token, until))
    }

    pub(super) fn find(&self, token: &str, now: Timestamp) -> Option<TokenTerm> {
        let kept = self.lock();
        let found = kept.given.get(&digest(token)).filter(|found| now < found.until)?;
        Some(TokenTerm { until: found.until, ended: found.ended.clone() })
    }

    pub(super) fn take_back(&self, token: &str) {
        self.lock().given.remove(&digest(token));
    }

    pub(super) fn take_back_all(&self) {
        let mut kept = self.lock();
        kept.given.clear();
        kept.round.0 += 1;
    }
}

/// 256 bits.
pub(super) fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(tokens: &Tokens, now: i64) -> (String, Timestamp) {
        tokens.give(tokens.round(), Timestamp(now)).unwrap()
    }

    #[test]
    fn a_sign_in_begun_before_a_revocation_gets_no_token() {
        let tokens = Tokens::new(Duration::from_secs(60));
        let round = tokens.round();
        assert!(tokens.give(round, Timestamp(0)).is_some());
        tokens.take_back_all();
        assert!(tokens.give(round, Timestamp(0)).is_none());
        assert!(tokens.give(tokens.round(), Timestamp(0)).is_some());
    }

    #[test]
    fn tokens_end() {
        let tokens = Tokens::new(Duration::from_secs(60));
        let (token, until) = give(&tokens, 0);
        assert_eq!(until, Timestamp(60_000));
        assert!(tokens.find("wrong", Timestamp(0)).is_none());
        let term = tokens.find(&token, Timestamp(59_999)).unwrap();
        assert!(tokens.find(&token, Timestamp(60_000)).is_none());
        assert!(!term.ended.is_cancelled());
        tokens.take_back(&token);
        assert!(term.ended.is_cancelled() && tokens.find(&token, Timestamp(0)).is_none());
        let (token, _) = give(&tokens, 0);
        let term = tokens.find(&token, Timestamp(0)).unwrap();
        tokens.take_back_all();
        assert!(term.ended.is_cancelled() && tokens.find(&token, Timestamp(0)).is_none());
    }

    #[test]
    fn the_oldest_goes_first() {
        let tokens = Tokens::new(Duration::from_secs(3_600));
        let (first, _) = give(&tokens, 0);
        let (second, _) = give(&tokens, 1);
        for later in 2..=MAX_TOKENS {
            give(&tokens, i64::try_from(later).unwrap());
        }
        assert!(tokens.find(&first, Timestamp(2_000)).is_none());
        assert!(tokens.find(&second, Timestamp(2_000)).is_some());
    }
}
