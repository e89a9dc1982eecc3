//! Tokens an agent passed with a request to install something, held in memory until the request runs.
//!
//! An approval is stored and shown with its arguments, which must not contain the token. So the token is replaced by a mark
//! before the approval is created. The same token gives the same mark (HMAC), so that a repeated call equals the first.
//!
//! Invariants: tokens are only in memory, at most as long as their approval can live, and can be taken once. After a
//! restart the agent has to ask again.

use std::{collections::HashMap, time::Duration};

use agentport_core::{AgentId, IntegrationId, Secret, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::{Mutex, MutexGuard};
use rmcp::model::JsonObject;
use serde_json::Value;
use sha2::Sha256;

/// Name of the argument that holds the token.
pub(crate) const TOKEN: &str = "token";
/// Most tokens at once; beyond that the one that expires first is dropped.
const MAX_TOKENS: usize = 64;
/// Prefix of every mark …
const MARKED: &str = "[kept out of sight: ";
/// … and the number of bytes of HMAC in it.
const MARK: usize = 8;

pub(crate) struct PendingTokens {
    key: [u8; 32],
    tokens: Mutex<HashMap<String, (Secret, Timestamp)>>,
}

/// The agent and the integration a token was passed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenKey<'a> {
    pub(crate) agent: AgentId,
    pub(crate) integration: &'a IntegrationId,
}

impl PendingTokens {
    /// `key` makes the marks: with the same one they stay the same.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, tokens: Mutex::default() }
    }

    /// Replaces the token in the arguments by its mark, and holds it for `life`. An empty token is ignored.
    pub(crate) fn stash_from_agent(
        &self,
        hand: TokenKey<'_>,
        arguments: &mut JsonObject,
        now: Timestamp,
        life: Duration,
    ) {
        let mark = match arguments.get(TOKEN) {
            None => return,
            Some(Value::String(token)) if !token.trim().is_empty() => {
                self.keep(hand, token, now, life)
            }
            Some(_) => {
                arguments.remove(TOKEN);
                return;
            }
        };
        arguments.insert(TOKEN.to_owned(), mark.into());
    }

    /// The same for arguments the owner edited, in which a mark is kept.
    pub(crate) fn stash_from_owner(
        &self,
        hand: TokenKey<'_>,
        arguments: &mut JsonObject,
        now: Timestamp,
        life: Duration,
    ) {
        let token = arguments.get(TOKEN).and_then(Value::as_str).unwrap_or_default();
        if !token.starts_with(MARKED) {
            self.stash_from_agent(hand, arguments, now, life);
        }
    }

    /// Takes out the token of this mark, if it is still held.
    pub(crate) fn redeem(&self, mark: &str, now: Timestamp) -> Option<Secret> {
        let mut tokens = self.lock();
        tokens.retain(|_, (_, until)| now < *until);
        tokens.remove(mark).map(|(token, _)| token)
    }

    fn keep(&self, hand: TokenKey<'_>, token: &str, now: Timestamp, life: Duration) -> String {
        let mark = self.mark(hand, token);
        let mut tokens = self.lock();
        tokens.retain(|_, (_, until)| now < *until);
        if tokens.len() >= MAX_TOKENS
            && !tokens.contains_key(&mark)
            && let Some(first) =
                tokens.iter().min_by_key(|(_, (_, until))| *until).map(|(mark, _)| mark.clone())
        {
            tokens.remove(&first);
        }
        tokens.insert(mark.clone(), (Secret::new(token), now.plus(life)));
        mark
    }

    fn mark(&self, hand: TokenKey<'_>, token: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(hand.agent.0.as_bytes());
        // An id holds no zero, so no two hands and tokens read alike.
        mac.update(hand.integration.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(token.as_bytes());
        let code = mac.finalize().into_bytes();
        let digits: String = code[..MARK].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{MARKED}{digits}]")
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Secret, Timestamp)>> {
        self.tokens.lock()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const LIFE: Duration = Duration::from_secs(60);
    const NOW: Timestamp = Timestamp(1_000);

    struct Bench {
        pending_tokens: PendingTokens,
        agent: AgentId,
        integration: IntegrationId,
    }

    impl Bench {
        fn new() -> Self {
            let integration = IntegrationId::new("exa").unwrap();
            Self {
                pending_tokens: PendingTokens::new([7; 32]),
                agent: AgentId(Uuid::from_u128(1)),
                integration,
            }
        }

        fn hand(&self) -> TokenKey<'_> {
            TokenKey { agent: self.agent, integration: &self.integration }
        }

        fn agent_passes(&self, token: Value) -> Value {
            let mut arguments = JsonObject::new();
            arguments.insert(TOKEN.to_owned(), token);
            self.pending_tokens.stash_from_agent(self.hand(), &mut arguments, NOW, LIFE);
            Value::Object(arguments)
        }

        fn owner_passes(&self, token: &Value) -> Value {
            let mut arguments = JsonObject::new();
            arguments.insert(TOKEN.to_owned(), token.clone());
            self.pending_tokens.stash_from_owner(self.hand(), &mut arguments, NOW, LIFE);
            Value::Object(arguments)
        }

        fn given_out(&self, arguments: &Value, now: Timestamp) -> Option<String> {
            let mark = arguments[TOKEN].as_str()?;
            self.pending_tokens.redeem(mark, now).map(|token| token.expose().to_owned())
        }
    }

    #[test]
    fn a_token_leaves_a_mark_and_is_given_out_once() {
        let bench = Bench::new();
        let marked = bench.agent_passes(json!("fake-a"));
        assert!(!marked.to_string().contains("fake"), "{marked}");
        assert_eq!(bench.agent_passes(json!("fake-a")), marked, "the same call again");
        assert_ne!(bench.agent_passes(json!("fake-b")), marked);
        assert_eq!(bench.given_out(&marked, NOW).as_deref(), Some("fake-a"));
        assert_eq!(bench.given_out(&marked, NOW), None);
    }

    #[test]
    fn marks_are_for_one_agent_and_one_integration() {
        let mut bench = Bench::new();
        let marked = bench.agent_passes(json!("fake-a"));
        bench.agent = AgentId(Uuid::from_u128(2));
        assert_ne!(bench.agent_passes(json!("fake-a")), marked);
        // An agent that passes a mark as a token gets another mark, and with it the mark and no token.
        let stolen = bench.agent_passes(marked[TOKEN].clone());
        assert_eq!(bench.given_out(&stolen, NOW).as_deref(), marked[TOKEN].as_str());
        let other = PendingTokens::new([8; 32]);
        assert_ne!(
            other.mark(bench.hand(), "fake-a"),
            bench.pending_tokens.mark(bench.hand(), "fake-a")
        );
    }

    #[test]
    fn the_owner_keeps_a_mark_or_puts_a_token_in_its_place() {
        let bench = Bench::new();
        let marked = bench.agent_passes(json!("fake-a"));
        assert_eq!(bench.owner_passes(&marked[TOKEN]), marked);
        assert_eq!(Bench::new().owner_passes(&marked[TOKEN]), marked, "its token gone or not");
        let edited = bench.owner_passes(&json!("fake-owner"));
        assert!(!edited.to_string().contains("fake"), "{edited}");
        assert_eq!(bench.given_out(&edited, NOW).as_deref(), Some("fake-owner"));
        assert_eq!(bench.given_out(&marked, NOW).as_deref(), Some("fake-a"));
    }

    #[test]
    fn nothing_is_kept_for_ever() {
        let bench = Bench::new();
        let marked = bench.agent_passes(json!("fake-a"));
        assert_eq!(bench.given_out(&marked, NOW.plus(LIFE)), None);
        for at in 0..=MAX_TOKENS {
            bench.agent_passes(json!(format!("fake-{at}")));
        }
        assert_eq!(bench.pending_tokens.lock().len(), MAX_TOKENS);
    }

    #[test]
    fn what_is_no_token_is_taken_away() {
        let bench = Bench::new();
        for nothing in [json!(null), json!(""), json!("  "), json!(7)] {
            assert_eq!(bench.agent_passes(nothing), json!({}));
        }
    }
}
