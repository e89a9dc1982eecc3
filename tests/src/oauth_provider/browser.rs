//! The owner's browser without a window: opens the authorization URL, answers the page, follows redirects.

use http::{Method, StatusCode, header};
use url::Url;

use super::authorize::{DEFAULT_ACCOUNT, consent_of, decision_form};
use crate::soon;

/// Redirects that are followed in a row.
const MAX_REDIRECTS: usize = 10;

/// What the browser shows at the end.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: String,
    pub status: StatusCode,
    pub text: String,
    /// Where a redirect points; such a page has not been followed.
    pub location: Option<String>,
}

/// A browser that keeps no cookies.
#[derive(Debug, Clone)]
pub struct ConsentBrowser {
    client: reqwest::Client,
}

impl Default for ConsentBrowser {
    fn default() -> Self {
        Self::new()
    }
}

impl ConsentBrowser {
    pub fn new() -> Self {
        Self::with_client(crate::http_client())
    }

    /// A browser that reaches pages as this client does. It must follow no redirects.
    pub fn with_client(client: reqwest::Client) -> Self {
        Self { client }
    }

    /// Opens the authorization URL, presses *Approve*, and follows the way back to the client's page.
    pub async fn approve(&self, authorization_url: &str) -> Page {
        self.approve_as(authorization_url, DEFAULT_ACCOUNT).await
    }

    /// The same with another account of the provider.
    pub async fn approve_as(&self, authorization_url: &str, account: &str) -> Page {
        let callback = self.callback(authorization_url, account).await;
        self.follow(&callback).await
    }

    /// Presses *Deny*.
    pub async fn deny(&self, authorization_url: &str) -> Page {
        let back = self.answer(authorization_url, DEFAULT_ACCOUNT, "deny").await;
        self.follow(&back).await
    }

    /// Presses *Approve* and gives the address the browser is sent to, without opening it.
    pub async fn callback(&self, authorization_url: &str, account: &str) -> String {
        self.answer(authorization_url, account, "approve").await
    }

    async fn answer(&self, authorization_url: &str, account: &str, decision: &str) -> String {
        let page = self.open(authorization_url).await;
        let consent = consent_of(&page.text);
        let consent = consent.unwrap_or_else(|| panic!("no consent page but {page:?}"));
        let endpoint = Url::parse(authorization_url).expect("a URL");
        let target = endpoint.join(super::DECISION_PATH).expect("a URL");
        let body = decision_form(&consent, account, decision);
        let request = self.client.request(Method::POST, target);
        let request =
            request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let page = self.load(request, authorization_url).await;
        page.location.clone().unwrap_or_else(|| panic!("no way back but {page:?}"))
    }

    /// Opens one address and follows nothing.
    pub async fn open(&self, url: &str) -> Page {
        self.load(self.client.get(url), url).await
    }

    /// Opens an address and follows redirects.
    pub async fn follow(&self, url: &str) -> Page {
        let mut page = self.open(url).await;
        for _ in 0..MAX_REDIRECTS {
            let Some(location) = &page.location else { return page };
            let base = Url::parse(&page.url).expect("a URL");
            let next = base.join(location).expect("a redirect to a URL");
            page = self.open(next.as_str()).await;
        }
        panic!("more than {MAX_REDIRECTS} redirects, last to {page:?}")
    }

    async fn load(&self, request: reqwest::RequestBuilder, url: &str) -> Page {
        let loading = async {
            let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
            let status = response.status();
            let location = response.headers().get(header::LOCATION);
            let location = location.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
            let text = response.text().await.expect("a page is text");
            Page { url: url.to_owned(), status, text, location }
        };
        soon("a page", loading).await
    }
}
