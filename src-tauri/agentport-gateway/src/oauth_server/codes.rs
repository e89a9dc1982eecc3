//! Authorization codes (RFC 6749, section 4.1.2), in memory: they live for a minute, and a client whose code was lost in
//! a restart asks again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use agentport_core::{
    Timestamp,
    oauth_token::{OAuthToken, TokenHash, TokenKind},
};
use parking_lot::Mutex;

use super::consents::Approval;
use crate::store::{GrantId, Transition};

/// Time from the consent to the exchange.
pub(super) const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// Time a code is remembered, so that a second use is noticed (RFC 9700, section 2.1.1).
const REMEMBERED: Duration = Duration::from_secs(600);
/// Codes that are remembered; the owner consents to each.
const MAX_CODES: usize = 200;

#[derive(Default)]
pub(super) struct AuthorizationCodes(Mutex<HashMap<TokenHash, CodeEntry>>);

struct CodeEntry {
    issued_at: Timestamp,
    approval: Arc<Approval>,
    state: CodeState,
}

#[derive(Clone, Copy)]
enum CodeState {
    Fresh,
    /// Claimed; nothing was issued for it yet, or ever.
    Claimed,
    /// Came again while its tokens were being issued: they are revoked as soon as they are there.
    ClaimedTwice,
    Issued(GrantId),
}

/// What became of claiming a code.
pub(super) enum ClaimedCode {
    /// It was fresh, and is used up now.
    Now(Arc<Approval>),
    /// It was used before. If the same client shows it again, what was issued for it has to be revoked.
    Before {
        approval: Arc<Approval>,
        grant: Option<GrantId>,
    },
    Unknown,
}

impl AuthorizationCodes {
    pub(super) fn issue(&self, approval: Approval, now: Timestamp) -> OAuthToken {
        let code = OAuthToken::from_random(TokenKind::Code, rand::random());
        let mut codes = self.0.lock();
        codes.retain(|_, entry| now.since(entry.issued_at) < REMEMBERED);
        if codes.len() >= MAX_CODES
            && let Some(oldest) =
                codes.iter().min_by_key(|(_, entry)| entry.issued_at).map(|(hash, _)| *hash)
        {
            codes.remove(&oldest);
        }
        let (approval, state) = (Arc::new(approval), CodeState::Fresh);
        codes.insert(code.hash(), CodeEntry { issued_at: now, approval, state });
        code
    }

    /// Uses a code up, whatever else is wrong with the request.
    pub(super) fn claim(&self, code: TokenHash, now: Timestamp) -> ClaimedCode {
        let mut codes = self.0.lock();
        let Some(entry) = codes.get_mut(&code) else { return ClaimedCode::Unknown };
        let approval = entry.approval.clone();
        match entry.state {
            CodeState::Fresh if now.since(entry.issued_at) < CODE_LIFETIME => {
                entry.state = CodeState::Claimed;
                ClaimedCode::Now(approval)
            }
            CodeState::Fresh => {
                codes.remove(&code);
                ClaimedCode::Unknown
            }
            CodeState::Claimed | CodeState::ClaimedTwice => {
                entry.state = CodeState::ClaimedTwice;
                ClaimedCode::Before { approval, grant: None }
            }
            CodeState::Issued(grant) => ClaimedCode::Before { approval, grant: Some(grant) },
        }
    }

    /// Notes what was issued for a claimed code. [`Transition::LostRace`]: it came again meanwhile, and the grant has to
    /// be revoked.
    pub(super) fn issued(&self, code: TokenHash, grant: GrantId) -> Transition {
        let mut codes = self.0.lock();
        let Some(entry) = codes.get_mut(&code) else { return Transition::Applied };
        let once = !matches!(entry.state, CodeState::ClaimedTwice);
        entry.state = CodeState::Issued(grant);
        Transition::applied_if(once)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::oauth_server::consents::testing::approval;

    #[test]
    fn a_code_is_used_once_and_its_second_use_is_noticed() {
        let codes = AuthorizationCodes::default();
        let code = codes.issue(approval(), Timestamp(0)).hash();
        assert!(matches!(codes.claim(code, Timestamp(59_999)), ClaimedCode::Now(_)));
        assert!(matches!(
            codes.claim(code, Timestamp(59_999)),
            ClaimedCode::Before { grant: None, .. }
        ));
        let grant = GrantId(Uuid::from_u128(1));
        let issued = codes.issued(code, grant);
        assert_eq!(issued, Transition::LostRace, "it came again before the tokens were there");
        let again = codes.claim(code, Timestamp(60_000));
        assert!(matches!(again, ClaimedCode::Before { grant: Some(id), .. } if id == grant));
        assert!(matches!(codes.claim(TokenHash([0; 32]), Timestamp(0)), ClaimedCode::Unknown));
    }

    #[test]
    fn a_code_lives_for_a_minute() {
        let codes = AuthorizationCodes::default();
        let code = codes.issue(approval(), Timestamp(0)).hash();
        assert!(matches!(codes.claim(code, Timestamp(60_000)), ClaimedCode::Unknown));
    }

    #[test]
    fn the_number_of_codes_is_bounded() {
        let codes = AuthorizationCodes::default();
        let first = codes.issue(approval(), Timestamp(0)).hash();
        for _ in 0..MAX_CODES {
            codes.issue(approval(), Timestamp(1));
        }
        assert_eq!(codes.0.lock().len(), MAX_CODES);
        assert!(matches!(codes.claim(first, Timestamp(2)), ClaimedCode::Unknown));
    }
}
