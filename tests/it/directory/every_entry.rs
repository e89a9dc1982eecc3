//! Every remote server of the directory, installed by every method its entry lists, against a provider that behaves as
//! the entry's own does. The list is the gateway's, so that no entry is left out; how providers depart from the
//! specifications is what is known of them by their users.

use std::{collections::BTreeMap, time::Duration};

use agentport_api::{AuthMethod, AvailableIntegration, SignInState, SignInView, TokenField};
use agentport_tests::{
    OAuthProvider,
    oauth_provider::{
        CannedAnswer, CannedReply, ClientAuth, ConsentBrowser, ExpiresIn, IssParameter,
        McpTransport, ProviderBehaviour, ProviderSite, PublicAddresses, RegistrationRule,
        ResourceName, ResourceRule, RotationRule, ScopeRule, TokenShape,
    },
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    install, installed,
    internet::{Internet, Service},
    offered,
};
use crate::scene::Scene;

/// Remote servers the directory has had for long; it only grows.
const MIN_REMOTE_ENTRIES: usize = 45;
const HOUR: Duration = Duration::from_secs(3_600);

/// A change of the provider for one entry.
type Quirk = fn(&mut ProviderBehaviour);

/// Entries whose provider departs from the specifications, or asks for something of its own.
const QUIRKS: [(&str, Quirk); 17] = [
    ("asana", |provider| provider.authorization.scopes = only(&["default"])),
    ("atlassian", |provider| {
        provider.discovery.claimed_issuer = Some("https://cf.mcp.atlassian.com".to_owned());
        provider.exchange = shape(|shape| shape.expires_in = ExpiresIn::Missing);
        provider.refresh = shape(|shape| shape.expires_in = ExpiresIn::Missing);
    }),
    ("attio", |provider| {
        let page = CannedAnswer::new(ProviderSite::Resource, "/", CannedReply::Html);
        provider.canned.push(page);
    }),
    ("cloudflare", |provider| {
        provider.authorization.iss = IssParameter::Unsupported;
        provider.authorization.scopes = ScopeRule::Absent;
    }),
    ("datadog", |provider| {
        provider.discovery.token_endpoint =
            Some("https://tokens.datadog.example/oauth/token".to_owned());
    }),
    ("egnyte", |provider| provider.mcp.transport = McpTransport::Sse),
    ("github", |provider| {
        provider.discovery.issuer_path = "/login/oauth".to_owned();
        let name = "https://api.githubcopilot.com/mcp".to_owned();
        provider.discovery.resource_name = ResourceName::Other(name);
    }),
    ("huggingface", |provider| provider.authorization.scopes = ScopeRule::Absent),
    ("intercom", |provider| {
        provider.registration.rule = RegistrationRule::OnlyHost("localhost".to_owned());
    }),
    ("linear", |provider| {
        provider.exchange = TokenShape::living(HOUR * 24).into();
        provider.refresh = TokenShape::living(HOUR * 24).into();
    }),
    ("monday", |provider| provider.mcp.transport = McpTransport::Sse),
    ("notion", |provider| {
        provider.rotation = RotationRule::EndOldAccessTokens;
        provider.exchange = TokenShape::living(HOUR * 8).into();
    }),
    ("posthog", |provider| {
        provider.discovery.resource_scopes = strings(&["read", "write", "unknown:scope"]);
        provider.authorization.scopes = only(&["read", "write"]);
        provider.authorization.granted_scopes = Some(strings(&["read", "write"]));
    }),
    ("sentry", |provider| provider.resource_rule = ResourceRule::Required),
    ("stripe", |provider| {
        provider.discovery.resource_name = ResourceName::Origin;
        provider.resource_rule = ResourceRule::Required;
        provider.authorization.scopes = only(&["mcp"]);
    }),
    ("supabase", |provider| {
        provider.registration.rule = RegistrationRule::RefusesScope;
        provider.registration.secret = Some(ClientAuth::Post);
        provider.exchange = shape(|shape| shape.status = 201);
        provider.refresh = shape(|shape| shape.status = 201);
    }),
    ("vercel", |provider| {
        provider.registration.rule = RegistrationRule::OnlyHost("127.0.0.1".to_owned());
        provider.authorization.scopes = only(&["openid", "offline_access"]);
    }),
];

fn only(scopes: &[&str]) -> ScopeRule {
    ScopeRule::Only(strings(scopes))
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn shape(change: impl FnOnce(&mut TokenShape)) -> agentport_tests::oauth_provider::TokenReply {
    let mut shape = TokenShape::default();
    change(&mut shape);
    shape.into()
}

/// A gateway, a provider that stands at whatever names an entry has, and the owner's browser.
struct DirectoryScene {
    scene: Scene,
    internet: Internet,
    provider: OAuthProvider,
    browser: ConsentBrowser,
}

impl DirectoryScene {
    async fn new() -> Self {
        let internet = Internet::with([]).await;
        let scene = Scene::with(internet.setup().env("RUST_LOG", "warn")).await;
        let browser = ConsentBrowser::with_client(internet.browser_client());
        Self { scene, internet, provider: OAuthProvider::start().await, browser }
    }

    /// The provider takes the place of the one of this entry, whose server is at this address.
    fn become_provider_of(&self, entry: &AvailableIntegration, url: &str) {
        let id = entry.id.as_str();
        let authorization = format!("auth.{id}.example");
        let at = |site| Service::Site(self.provider.address(site));
        self.internet.add(host_of(url), at(ProviderSite::Resource));
        self.internet.add(&authorization, at(ProviderSite::Authorization));
        self.internet.add(&format!("tokens.{id}.example"), at(ProviderSite::Authorization));
        let mut behaviour = ProviderBehaviour {
            public: PublicAddresses {
                mcp_url: Some(url.to_owned()),
                authorization: Some(format!("https://{authorization}")),
            },
            ..ProviderBehaviour::default()
        };
        if entry.auth.iter().any(wants_own_client) {
            behaviour.registration.rule = RegistrationRule::Absent;
        }
        for (_, quirk) in QUIRKS.iter().filter(|(of, _)| *of == id) {
            quirk(&mut behaviour);
        }
        self.provider.change(|now| *now = behaviour);
        self.provider.clear_log();
    }

    /// A page to consent on, after a client was registered by hand where the provider wants that.
    async fn until_consent(&self, mut body: Value) -> (SignInView, String) {
        let mut view = self.scene.owner.begin_sign_in(body.clone()).await;
        view = self.scene.owner.sign_in_settled(view.id).await;
        if let SignInState::ClientNeeded { .. } = view.state {
            let redirect = view.redirect_uri.clone().expect("the redirect to register");
            body["client_secret"] = json!(self.provider.add_client("own-client", &redirect));
            body["client_id"] = json!("own-client");
            view = self.scene.owner.begin_sign_in(body).await;
            view = self.scene.owner.sign_in_settled(view.id).await;
        }
        match view.state.clone() {
            SignInState::WaitingForConsent { authorization_url } => (view, authorization_url),
            other => panic!("{}: no page to consent on but {other:?}, {:?}", view.name, view.notes),
        }
    }

    async fn by_oauth(&self, entry: &AvailableIntegration, variant: Option<&str>) {
        let id = entry.id.as_str();
        let (view, url) = self.until_consent(json!({"integration": id, "variant": variant})).await;
        // The way to the page leads over our callback where the provider refuses a scope.
        let page = self.browser.follow(&url).await;
        self.browser.approve(&page.url).await;
        let end = self.scene.owner.sign_in_end(view.id).await;
        assert!(matches!(end.state, SignInState::Done { .. }), "{id}: {end:?}");
        self.is_used_as(id, "ada").await;
        // What was kept of the sign-in renews the tokens.
        self.provider.end_access_tokens();
        self.is_used_as(id, "ada").await;
        let log = self.provider.log();
        assert_eq!((log.exchanges().len(), log.refreshes().len()), (1, 1), "{id}");
        assert!(log.registrations().len() <= 2, "{id}");
    }

    async fn by_token(
        &self,
        entry: &AvailableIntegration,
        variant: Option<&str>,
        fields: &[TokenField],
    ) {
        let id = entry.id.as_str();
        let secrets: BTreeMap<&str, String> = fields
            .iter()
            .map(|field| (&*field.name, format!("fake-{id}-{}", field.name)))
            .collect();
        let keys = fields.iter().map(|field| {
            let secret = &secrets[&*field.name];
            let value = match field.header.as_str() {
                "Authorization" => format!("Bearer {secret}"),
                _ => secret.clone(),
            };
            (field.header.clone(), value)
        });
        let keys = keys.collect();
        self.provider.change(|behaviour| behaviour.mcp.keys = keys);
        let wrong: BTreeMap<&str, &str> =
            fields.iter().map(|field| (&*field.name, "fake-wrong")).collect();
        let body = json!({"method": "token", "variant": variant, "secrets": wrong});
        let refused = install(&self.scene, id, body).await;
        assert_eq!(refused.status, StatusCode::BAD_GATEWAY, "{id}: {}", refused.text);
        let body = json!({"method": "token", "variant": variant, "secrets": secrets});
        let done = install(&self.scene, id, body).await;
        assert_eq!(done.status, StatusCode::CREATED, "{id}: {}", done.text);
        self.is_used_as(id, "keyholder").await;
    }

    /// Its tools were listed, and a call is made as this account of the provider.
    async fn is_used_as(&self, id: &str, account: &str) {
        self.scene.owner.allow_all(id).await;
        let answer = self.scene.wire.call_tool(id, "whoami", json!({})).await;
        assert!(!answer.is_error, "{id}: {}", answer.text);
        assert!(answer.text.contains(&format!("account={account} ")), "{id}: {}", answer.text);
    }

    /// Installs an entry at an address by one method, uses it, and removes it.
    async fn install_by(
        &self,
        entry: &AvailableIntegration,
        variant: Option<&str>,
        way: &AuthMethod,
    ) {
        let id = entry.id.as_str();
        let chosen = entry.variants.iter().find(|one| Some(one.id.as_str()) == variant);
        let url = chosen.map_or(entry.url.as_str(), |one| one.url.as_str());
        self.become_provider_of(entry, url);
        match way {
            AuthMethod::Oauth { .. } => self.by_oauth(entry, variant).await,
            AuthMethod::Token { fields } => self.by_token(entry, variant, fields).await,
            AuthMethod::None => {
                let body = json!({"method": "none", "variant": variant});
                let done = install(&self.scene, id, body).await;
                assert_eq!(done.status, StatusCode::CREATED, "{id}: {}", done.text);
            }
        }
        let view = self.scene.owner.integration(id).await;
        let shown = serde_json::to_value(&view.connection).expect("a connection");
        assert_eq!(shown["url"], url, "{id}");
        let path = format!("/control/integrations/{id}");
        let removed = self.scene.owner.send(Method::DELETE, &path, None).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT, "{id}: {}", removed.text);
        assert_eq!(self.scene.owner.accounts().await, [], "{id}");
    }
}

fn wants_own_client(way: &AuthMethod) -> bool {
    matches!(way, AuthMethod::Oauth { own_client_required: true, .. })
}

fn host_of(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a URL");
    rest.split('/').next().unwrap_or_default()
}

#[tokio::test]
async fn every_remote_entry_installs_by_every_method_it_lists() {
    let scene = DirectoryScene::new().await;
    let entries: Vec<_> = offered(&scene.scene, "")
        .await
        .into_iter()
        .filter(|entry| entry.launch.is_none() && !entry.url.is_empty())
        .collect();
    assert!(entries.len() >= MIN_REMOTE_ENTRIES, "{} entries", entries.len());
    for (id, _) in QUIRKS {
        assert!(entries.iter().any(|entry| entry.id.as_str() == id), "{id} is no entry any more");
    }
    for entry in &entries {
        assert!(!entry.auth.is_empty(), "{}", entry.id);
        for way in &entry.auth {
            scene.install_by(entry, None, way).await;
            for variant in &entry.variants {
                scene.install_by(entry, Some(&variant.id), way).await;
            }
        }
    }
    assert_eq!(installed(&scene.scene).await, ["demo"]);
    scene.scene.stop().await;
}

/// Atlassian's metadata name another issuer than its server does.
#[tokio::test]
async fn of_other_issuers_only_the_one_that_the_entry_pins_is_believed() {
    const PINNED: &str = "https://cf.mcp.atlassian.com";
    let scene = DirectoryScene::new().await;
    let entries = offered(&scene.scene, "").await;
    let entry = entries.iter().find(|entry| entry.id.as_str() == "atlassian").expect("an entry");
    scene.become_provider_of(entry, &entry.url);
    let other = "https://elsewhere.example";
    scene.provider.change(|now| now.discovery.claimed_issuer = Some(other.to_owned()));
    let begun = scene.scene.owner.begin_sign_in(json!({"integration": "atlassian"})).await;
    let end = scene.scene.owner.sign_in_end(begun.id).await;
    let SignInState::Failed { message } = end.state else { panic!("{end:?}") };
    assert!(message.contains(PINNED) && message.contains(other), "{message}");
    assert!(scene.provider.log().registrations().is_empty(), "the server was not believed");
    assert_eq!(installed(&scene.scene).await, ["demo"]);

    scene.become_provider_of(entry, &entry.url);
    scene.by_oauth(entry, None).await;
    let accounts = scene.scene.owner.accounts().await;
    assert_eq!(accounts[0].issuer.as_deref(), Some(PINNED), "{accounts:?}");
    scene.scene.stop().await;
}
