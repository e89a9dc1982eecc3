//! Answers of the gateway: a success with its body as it came, or a refusal with the gateway's own sentence.

use agentport_api::Items;
use anyhow::{Context as _, Result, anyhow};
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

/// An answer of any status.
pub(crate) struct HttpReply {
    pub status: StatusCode,
    pub(super) text: String,
}

impl HttpReply {
    /// The body of a success; a refusal is an error with the gateway's sentence.
    pub(crate) fn into_answer(self) -> Result<SuccessBody> {
        if self.status.is_success() {
            Ok(SuccessBody { text: self.text })
        } else {
            Err(self.refusal())
        }
    }

    /// The body, if it has this form.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.text).ok()
    }

    /// The gateway's own sentence: `detail` of both APIs, or `message` of a call that was denied.
    pub(super) fn refusal(&self) -> anyhow::Error {
        #[derive(Default, Deserialize)]
        struct ProblemBody {
            detail: Option<String>,
            message: Option<String>,
        }
        let refusal = self.read::<ProblemBody>().unwrap_or_default();
        match refusal.detail.or(refusal.message) {
            Some(sentence) => anyhow!(sentence),
            None => anyhow!("the gateway answered {}", self.status),
        }
    }
}

/// The body of a success.
#[derive(Debug)]
pub(crate) struct SuccessBody {
    pub(super) text: String,
}

impl SuccessBody {
    pub(super) fn from_body(body: &[u8]) -> Self {
        Self { text: String::from_utf8_lossy(body).into_owned() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.text)
            .context("the gateway's answer is not what this version expects")
    }

    /// The items of `{"items": […]}`, or of an array.
    pub(crate) fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        if self.text.trim_start().starts_with('[') {
            self.read()
        } else {
            Ok(self.read::<Items<T>>()?.items)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_speak_for_themselves() {
        for (text, want) in [
            (r#"{"detail": "no such key"}"#, "no such key"),
            (r#"{"error": "denied", "message": "blocked"}"#, "blocked"),
            (r#"{"error": "paused", "detail": "paused", "message": "paused"}"#, "paused"),
            ("<html>", "the gateway answered 404 Not Found"),
        ] {
            let reply = HttpReply { status: StatusCode::NOT_FOUND, text: text.into() };
            assert_eq!(reply.into_answer().unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn lists_come_in_two_forms() {
        for text in ["[1,2]", r#"{"items": [1, 2]}"#] {
            assert_eq!(SuccessBody { text: text.into() }.items::<u8>().unwrap(), [1, 2]);
        }
    }
}
