//! The access token of an account, as its connections ask for it.

use agentport_core::Secret;
use futures::future::{BoxFuture, FutureExt as _};
use http::HeaderValue;

use super::{oauth_account::OAuthAccount, renewal::RenewalRequest};
use crate::{
    clock,
    upstream::{TokenRefusal, TokenSource, UpstreamError},
    vault::ChangingSecrets,
};

impl TokenSource for OAuthAccount {
    fn fresh(&self) -> Option<HeaderValue> {
        let tokens = self.tokens();
        tokens.is_fresh(clock::now()).then(|| tokens.header.clone())
    }

    fn authorization(&self) -> BoxFuture<'_, Result<HeaderValue, UpstreamError>> {
        self.renewed(RenewalRequest::Needed).boxed()
    }

    fn refused(&self, refusal: TokenRefusal) -> BoxFuture<'_, Result<HeaderValue, UpstreamError>> {
        self.renewed(RenewalRequest::Refused(refusal)).boxed()
    }

    fn server_failed(&self, sent: Option<HeaderValue>) -> BoxFuture<'_, ()> {
        let sent = sent.filter(|sent| *sent == self.tokens().header);
        async move {
            if sent.is_some() {
                // What goes wrong is in the account's state.
                let _ = self.renewed(RenewalRequest::ServerFailed { sent }).await;
            }
        }
        .boxed()
    }

    fn secrets(&self) -> Vec<Secret> {
        ChangingSecrets::secrets(self)
    }
}

impl ChangingSecrets for OAuthAccount {
    fn secrets(&self) -> Vec<Secret> {
        let tokens = self.tokens();
        let record = &tokens.record;
        let client = record.client.client_secret.clone();
        std::iter::once(record.access_token.clone())
            .chain(record.refresh_token.clone())
            .chain(client)
            .collect()
    }
}
