//! The page in the browser, which waits for the owner's consent and then goes on to the client. Read without a browser.

use http::StatusCode;
use serde::Deserialize;

use super::{Callback, FormClient};
use crate::wire::Reply;

/// An opened authorization request.
#[derive(Debug)]
pub struct AuthorizePage {
    pub reply: Reply,
    /// `http://127.0.0.1:PORT`.
    origin: String,
}

/// What the waiting page is answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WaitState {
    Waiting,
    Done {
        /// Absent once the code was used.
        redirect: Option<String>,
    },
    #[serde(other)]
    Other,
}

impl AuthorizePage {
    /// Opens an authorization request, as a browser would that is given the address.
    pub async fn open(url: &str) -> Self {
        let reply = FormClient::default().get(url).await;
        let origin = url::Url::parse(url).expect("a URL").origin().ascii_serialization();
        Self { reply, origin }
    }

    /// The id of the request, which only this page has.
    pub fn request(&self) -> Option<&str> {
        let (_, rest) = self.reply.text.split_once("data-request=\"")?;
        rest.split('"').next()
    }

    /// The page waits.
    #[track_caller]
    pub fn waits(&self) -> &str {
        assert_eq!(self.reply.status, StatusCode::OK, "{}", self.reply.text);
        self.request().unwrap_or_else(|| panic!("a page that does not wait: {}", self.reply.text))
    }

    /// The page explains, and leads nowhere.
    #[track_caller]
    pub fn explains(&self) -> &str {
        assert!(self.reply.status.is_client_error(), "{} {}", self.reply.status, self.reply.text);
        assert_eq!(self.reply.header("location"), None, "no redirect");
        let kind = self.reply.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{kind}: {}", self.reply.text);
        assert!(!self.reply.text.contains("data-request="), "{}", self.reply.text);
        assert!(!self.reply.text.to_lowercase().contains("http-equiv=\"refresh\""), "no redirect");
        &self.reply.text
    }

    /// The error the client is sent at once, where its redirect is known to be its own.
    #[track_caller]
    pub fn sent_back(&self) -> Callback {
        assert!(self.reply.status.is_redirection(), "{} {}", self.reply.status, self.reply.text);
        Callback::parse(self.reply.header("location").expect("an address"))
    }

    /// The address of the page's long poll.
    pub fn wait_url(&self) -> String {
        format!("{}/oauth/authorize/wait?request={}", self.origin, self.waits())
    }

    /// One long poll.
    pub async fn look(&self) -> WaitState {
        let reply = FormClient::default().get(&self.wait_url()).await;
        match reply.status {
            // Another request took its place.
            StatusCode::NOT_FOUND => WaitState::Other,
            _ => {
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
                crate::owner::typed(&reply)
            }
        }
    }

    /// Waits until the owner has decided.
    pub async fn callback(&self) -> Callback {
        loop {
            match self.look().await {
                WaitState::Waiting => {}
                WaitState::Done { redirect: Some(redirect) } => return Callback::parse(&redirect),
                WaitState::Done { redirect: None } | WaitState::Other => {
                    panic!("the request ended without an answer")
                }
            }
        }
    }
}
