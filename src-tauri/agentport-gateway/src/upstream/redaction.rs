//! Redacts the secrets a server was given in its output: log lines, messages to agents, errors.
//!
//! Deliberately absent: results, which the call pipeline scrubs with everything else that leaves.

use std::{borrow::Cow, sync::Arc};

use agentport_core::{Secret, redact, sanitize};
use rmcp::model::ErrorData;
use serde::{Serialize, de::DeserializeOwned};

use super::token_source::TokenSource;

/// Replaces the secrets of one upstream in texts.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    fixed: Arc<[Secret]>,
    /// Access tokens, which change while the upstream is connected.
    tokens: Option<Arc<dyn TokenSource>>,
}

impl Redactor {
    /// The secrets themselves, and what follows a scheme in them, as in `Bearer …`.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let all = secrets.into_iter().flat_map(|secret| {
            let bare = secret.expose().rsplit_once(' ').map(|(_, bare)| Secret::new(bare));
            std::iter::once(secret.clone()).chain(bare)
        });
        Self { fixed: all.collect(), tokens: None }
    }

    /// The same with the access tokens in force at the time.
    pub(super) fn with_tokens(self, tokens: Option<Arc<dyn TokenSource>>) -> Self {
        Self { tokens, ..self }
    }

    fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.tokens.is_none()
    }

    fn secrets(&self) -> Vec<Secret> {
        let tokens = self.tokens.iter().flat_map(|tokens| tokens.secrets());
        self.fixed.iter().cloned().chain(tokens).collect()
    }

    /// `text` with every secret replaced.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return text.into();
        }
        redact::scrub(text, &exposed(&self.secrets())).map_or(text.into(), Cow::Owned)
    }

    /// A server's text, redacted and shortened for use inside a sentence.
    pub(super) fn quote(&self, text: &str, max_chars: usize) -> String {
        sanitize::sanitize_line(&self.redact(text), max_chars)
    }

    /// `message` with every secret replaced. `None` if it cannot be read afterwards.
    pub(super) fn redact_message<T: Serialize + DeserializeOwned>(&self, message: T) -> Option<T> {
        if self.is_empty() {
            return Some(message);
        }
        let mut value = serde_json::to_value(&message).ok()?;
        if redact::scrub_value(&mut value, &exposed(&self.secrets())) {
            return serde_json::from_value(value).ok();
        }
        Some(message)
    }

    pub(super) fn redact_error(&self, mut error: ErrorData) -> ErrorData {
        if !self.is_empty() {
            error.message = self.redact(&error.message).into_owned().into();
            let secrets = self.secrets();
            if let Some(data) = &mut error.data {
                redact::scrub_value(data, &exposed(&secrets));
            }
        }
        error
    }
}

fn exposed(secrets: &[Secret]) -> Vec<&str> {
    secrets.iter().map(Secret::expose).collect()
}

#[cfg(test)]
mod tests {
    use rmcp::model::{ErrorCode, LoggingLevel, LoggingMessageNotificationParam};
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_do_not_get_out() {
        let redactor = Redactor::new(&[Secret::new("Bearer obviously-fake")]);
        let data = json!({"sent": ["Bearer obviously-fake", 1]});
        let error = ErrorData::new(ErrorCode(-1), "obviously-fake is no key", Some(data.clone()));
        let log = LoggingMessageNotificationParam::new(LoggingLevel::Info, data);
        let said = format!(
            "{} {:?} {:?}",
            redactor.redact("using obviously-fake"),
            redactor.redact_error(error),
            redactor.redact_message(log).unwrap(),
        );
        assert!(said.contains("is no key") && !said.contains("fake"), "{said}");
    }

    #[test]
    fn without_secrets_nothing_changes() {
        assert_eq!(Redactor::default().redact("text"), "text");
        assert_eq!(Redactor::default().quote("a\nb", 10), "a b");
    }
}
