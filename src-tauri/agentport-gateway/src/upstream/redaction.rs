//! Redacts the secrets a server was given in its output: log lines, messages to agents, errors.
//!
//! Deliberately absent: results, which the call pipeline scrubs with everything else that leaves.

use std::{borrow::Cow, sync::Arc};

use agentport_core::{Secret, redact, sanitize};
use rmcp::model::ErrorData;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Replaces the secrets of one upstream in texts.
#[derive(Clone, Default)]
pub(super) struct Redactor(Arc<[Secret]>);

impl Redactor {
    /// The secrets themselves, and what follows a scheme in them, as in `Bearer …`.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let all = secrets.into_iter().flat_map(|secret| {
            let bare = secret.expose().rsplit_once(' ').map(|(_, bare)| Secret::new(bare));
            std::iter::once(secret.clone()).chain(bare)
        });
        Self(all.collect())
    }

    /// `text` with every secret replaced.
    pub(super) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return text.into();
        }
        redact::scrub(text, &self.exposed()).map_or(text.into(), Cow::Owned)
    }

    /// A server's text, redacted and shortened for use inside a sentence.
    pub(super) fn quote(&self, text: &str, max_chars: usize) -> String {
        sanitize::sanitize_line(&self.redact(text), max_chars)
    }

    /// `message` with every secret replaced. `None` if it cannot be read afterwards.
    pub(super) fn redact_message<T: Serialize + DeserializeOwned>(&self, message: T) -> Option<T> {
        if self.0.is_empty() {
            return Some(message);
        }
        let mut value = serde_json::to_value(&message).ok()?;
        if redact::scrub_value(&mut value, &self.exposed()) {
            return serde_json::from_value(value).ok();
        }
        Some(message)
    }

    pub(super) fn redact_error(&self, mut error: ErrorData) -> ErrorData {
        if !self.0.is_empty() {
            error.message = self.redact(&error.message).into_owned().into();
            redact::scrub_value(error.data.as_mut().unwrap_or(&mut Value::Null), &self.exposed());
        }
        error
    }

    fn exposed(&self) -> Vec<&str> {
        self.0.iter().map(Secret::expose).collect()
    }
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
