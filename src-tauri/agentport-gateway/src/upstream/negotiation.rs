//! Protocol version negotiation: which handshake is tried next, over every transport alike.
//!
//! `server/discover` (2026-07-28) comes first, with `initialize` where a server does not know it; a server last spoken
//! to in an older revision is met with `initialize` at once. `initialize` names 2025-11-25, the newest revision that has
//! it. A server that refuses a version instead of answering with its own is asked for the versions its refusal names,
//! then for the older ones.

use http::StatusCode;
use rmcp::model::ProtocolVersion;

/// Revisions with `initialize`, newest first.
const WITH_INITIALIZE: [ProtocolVersion; 4] = [
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2024_11_05,
];

/// One way to begin a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Handshake {
    /// `server/discover`, then `initialize` with 2025-11-25 if the server does not know it or keeps silent.
    DiscoverFirst,
    /// `server/discover` alone, however long it takes.
    Discover,
    Initialize(ProtocolVersion),
}

impl Handshake {
    /// The version named in `initialize`, if it comes to that.
    pub(super) fn version(&self) -> ProtocolVersion {
        match self {
            Self::DiscoverFirst | Self::Discover => ProtocolVersion::LATEST_WITH_INITIALIZE,
            Self::Initialize(version) => version.clone(),
        }
    }
}

/// Why a handshake failed, as far as it decides what is tried next.
#[derive(Debug, Default, Clone)]
pub(super) struct HandshakeRefusal {
    /// What the server said: message and data of its error, or the body of its answer.
    pub(super) said: String,
    /// The HTTP status with which it refused `initialize`.
    pub(super) status: Option<StatusCode>,
    /// It answered `server/discover` after all, when it had been asked to `initialize` already.
    pub(super) discovered_late: bool,
}

impl HandshakeRefusal {
    /// Whether the server may be one of HTTP+SSE, of which a POST to this address knows nothing (MCP 2025-11-25,
    /// Transports, Backwards Compatibility).
    pub(super) fn suggests_other_transport(&self) -> bool {
        let statuses =
            [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
        self.status.is_some_and(|status| statuses.contains(&status))
    }
}

/// The handshakes tried so far on the way to one connection.
#[derive(Debug)]
pub(super) struct Negotiation {
    tried: Vec<Handshake>,
    current: Handshake,
}

impl Negotiation {
    /// Begins with what worked last.
    pub(super) fn new(last: Option<&ProtocolVersion>) -> Self {
        let current = match last {
            Some(version) if version.has_initialize() => {
                Handshake::Initialize(ProtocolVersion::LATEST_WITH_INITIALIZE)
            }
            _ => Handshake::DiscoverFirst,
        };
        Self { tried: Vec::new(), current }
    }

    /// Tries `initialize` alone, where no server can know `server/discover`.
    pub(super) fn with_initialize() -> Self {
        Self {
            tried: vec![Handshake::DiscoverFirst, Handshake::Discover],
            current: Handshake::Initialize(ProtocolVersion::LATEST_WITH_INITIALIZE),
        }
    }

    pub(super) fn current(&self) -> &Handshake {
        &self.current
    }

    /// Moves on to the next handshake; `false` if none is left to try.
    pub(super) fn advance(&mut self, refusal: &HandshakeRefusal) -> bool {
        if self.current == Handshake::DiscoverFirst && is_version_refusal(&refusal.said) {
            // It came as far as `initialize`.
            self.tried.push(Handshake::Initialize(self.current.version()));
        }
        self.tried.push(self.current.clone());
        let next = self.candidates(refusal).into_iter().find(|next| !self.tried.contains(next));
        if let Some(next) = next {
            self.current = next;
            return true;
        }
        false
    }

    fn candidates(&self, refusal: &HandshakeRefusal) -> Vec<Handshake> {
        let mut candidates = Vec::new();
        if refusal.discovered_late {
            candidates.push(Handshake::Discover);
        }
        if is_version_refusal(&refusal.said) {
            let named =
                WITH_INITIALIZE.iter().filter(|known| refusal.said.contains(known.as_str()));
            candidates.extend(named.cloned().map(Handshake::Initialize));
            candidates.extend(WITH_INITIALIZE.map(Handshake::Initialize));
        } else {
            candidates.push(Handshake::Initialize(ProtocolVersion::LATEST_WITH_INITIALIZE));
        }
        candidates.push(Handshake::DiscoverFirst);
        candidates
    }
}

/// Whether a refusal is about the version: it names one, or says so.
fn is_version_refusal(said: &str) -> bool {
    let lower = said.to_ascii_lowercase();
    (lower.contains("version") && (lower.contains("protocol") || lower.contains("support")))
        || ProtocolVersion::KNOWN_VERSIONS.iter().any(|known| said.contains(known.as_str()))
        || lower.contains("-32602")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The handshakes tried with a server that always says `said`.
    fn tried(last: Option<&ProtocolVersion>, said: &str) -> Vec<String> {
        tried_from(Negotiation::new(last), said)
    }

    fn tried_from(mut negotiation: Negotiation, said: &str) -> Vec<String> {
        let refusal = HandshakeRefusal { said: said.to_owned(), ..HandshakeRefusal::default() };
        let mut all = Vec::new();
        loop {
            all.push(match negotiation.current() {
                Handshake::DiscoverFirst => "discover first".to_owned(),
                Handshake::Discover => "discover".to_owned(),
                Handshake::Initialize(version) => version.to_string(),
            });
            if !negotiation.advance(&refusal) {
                return all;
            }
        }
    }

    #[test]
    fn a_refused_version_is_followed_by_those_named_and_then_the_older() {
        let said = "Unsupported protocol version: 2025-11-25 (supported: 2025-03-26)";
        let expected = ["discover first", "2025-03-26", "2025-06-18", "2024-11-05"];
        assert_eq!(tried(None, said), expected);
        let expected = ["discover first", "2025-06-18", "2025-03-26", "2024-11-05"];
        assert_eq!(tried(None, "-32602 Invalid params"), expected);
        let older = ProtocolVersion::V_2025_03_26;
        let expected = ["2025-11-25", "2025-03-26", "2025-06-18", "2024-11-05", "discover first"];
        assert_eq!(tried(Some(&older), said), expected);
    }

    #[test]
    fn a_server_that_fails_for_another_reason_is_not_started_again_and_again() {
        assert_eq!(tried(None, "API_KEY is not set"), ["discover first", "2025-11-25"]);
        let older = ProtocolVersion::V_2025_06_18;
        assert_eq!(tried(Some(&older), ""), ["2025-11-25", "discover first"]);
    }

    #[test]
    fn a_server_of_the_older_transport_is_never_asked_to_discover() {
        assert_eq!(tried_from(Negotiation::with_initialize(), ""), ["2025-11-25"]);
        let said = "unsupported protocol version";
        let expected = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
        assert_eq!(tried_from(Negotiation::with_initialize(), said), expected);
    }

    #[test]
    fn a_late_answer_to_discover_is_believed() {
        let mut negotiation = Negotiation::new(None);
        let late = HandshakeRefusal { discovered_late: true, ..HandshakeRefusal::default() };
        assert!(negotiation.advance(&late));
        assert_eq!(negotiation.current(), &Handshake::Discover);
    }
}
