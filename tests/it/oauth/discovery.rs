//! Finding the authorization server: RFC 9728, RFC 8414, and what providers make of them.

use agentport_api::SignInState;
use agentport_tests::oauth_provider::{
    AUTHORIZATION_PATH, CannedAnswer, CannedReply, ChallengeForm, DiscoveryBehaviour, MetadataForm,
    ProviderBehaviour, ProviderSite, ResourceDocument, ResourceName,
};
use serde_json::json;

use super::{OAuthScene, PROVIDER};

const PATH_FORM: &str = "/.well-known/oauth-protected-resource/mcp";

fn discovering(discovery: DiscoveryBehaviour) -> ProviderBehaviour {
    ProviderBehaviour { discovery, ..Default::default() }
}

#[tokio::test]
async fn a_401_without_a_challenge_leads_to_the_server_that_the_metadata_at_the_path_form_name() {
    let behaviour =
        discovering(DiscoveryBehaviour { challenge: ChallengeForm::Absent, ..Default::default() });
    let scene = OAuthScene::with(behaviour).await;
    let view = scene.begin(scene.addition()).await;
    let url = scene.consent_url(&view.id).await;
    let endpoint = scene.provider.url(ProviderSite::Authorization, AUTHORIZATION_PATH);
    assert!(url.starts_with(&endpoint), "{url}");
    scene.browser.approve(&url).await;
    let account = scene.account(&scene.done(&view.id).await).await;
    assert_eq!(account.issuer, Some(scene.provider.issuer()));
    scene.scene.owner.allow_all(PROVIDER).await;
    assert!(scene.whoami().await.ran().text.contains("account=ada"));
    scene.stop().await;
}

#[tokio::test]
async fn challenges_and_documents_in_other_places_lead_there_too() {
    let plain = DiscoveryBehaviour::default;
    let cases = [
        DiscoveryBehaviour { challenge: ChallengeForm::WithoutMetadata, ..plain() },
        DiscoveryBehaviour { challenge: ChallengeForm::BareUrl, ..plain() },
        DiscoveryBehaviour { resource_document: ResourceDocument::Root, ..plain() },
        DiscoveryBehaviour { resource_document: ResourceDocument::Foreign, ..plain() },
        DiscoveryBehaviour {
            challenge: ChallengeForm::Absent,
            resource_document: ResourceDocument::Root,
            ..plain()
        },
        DiscoveryBehaviour { issuer_path: "/tenant".to_owned(), ..plain() },
        DiscoveryBehaviour {
            issuer_path: "/tenant".to_owned(),
            metadata_form: MetadataForm::OidcInserted,
            ..plain()
        },
        DiscoveryBehaviour {
            issuer_path: "/tenant".to_owned(),
            metadata_form: MetadataForm::OidcAppended,
            ..plain()
        },
        DiscoveryBehaviour { resource_name: ResourceName::Origin, ..plain() },
    ];
    let scene = OAuthScene::new().await;
    for (index, discovery) in cases.into_iter().enumerate() {
        scene.provider.change(|behaviour| behaviour.discovery = discovery.clone());
        let id = format!("case{index}");
        let body = json!({"integration": id, "url": scene.provider.mcp_url()});
        let view = scene.begin(body).await;
        let at_consent = scene.scene.owner.sign_in_settled(view.id).await;
        let SignInState::WaitingForConsent { authorization_url } = at_consent.state else {
            panic!("{discovery:?}: {at_consent:?}");
        };
        scene.browser.approve(&authorization_url).await;
        scene.done(&view.id).await;
    }
    scene.stop().await;
}

#[tokio::test]
async fn guessed_addresses_that_answer_nonsense_are_skipped_and_named() {
    let scene = OAuthScene::new().await;
    let elsewhere = scene.provider.url(ProviderSite::Elsewhere, "/metadata");
    let replies = [
        CannedReply::Status(500),
        CannedReply::Html,
        CannedReply::Redirect(elsewhere.clone()),
        CannedReply::TooMany(1),
    ];
    for (index, reply) in replies.into_iter().enumerate() {
        scene.provider.change(|behaviour| {
            behaviour.discovery.challenge = ChallengeForm::Absent;
            behaviour.discovery.resource_document = ResourceDocument::Root;
            behaviour.canned =
                vec![CannedAnswer::new(ProviderSite::Resource, PATH_FORM, reply.clone())];
        });
        let body = json!({"integration": format!("prm{index}"), "url": scene.provider.mcp_url()});
        let view = scene.begin(body).await;
        scene.browser.approve(&scene.consent_url(&view.id).await).await;
        scene.done(&view.id).await;
        let notes = scene.scene.owner.sign_in_view(view.id).await.notes;
        assert!(notes.iter().any(|note| note.contains(PATH_FORM)), "{reply:?}: {notes:?}");
    }
    let log = scene.provider.log();
    assert!(log.0.iter().all(|request| request.site != ProviderSite::Elsewhere), "not followed");
    scene.stop().await;
}

#[tokio::test]
async fn a_guessed_document_of_a_foreign_issuer_gives_way_to_the_right_one() {
    let behaviour = discovering(DiscoveryBehaviour {
        issuer_path: "/tenant".to_owned(),
        metadata_form: MetadataForm::OidcAppended,
        ..Default::default()
    });
    let scene = OAuthScene::with(behaviour).await;
    let foreign = scene.provider.url(ProviderSite::Elsewhere, "");
    let document = json!({
        "issuer": foreign,
        "authorization_endpoint": format!("{foreign}/authorize"),
        "token_endpoint": format!("{foreign}/token"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    });
    let path = "/.well-known/oauth-authorization-server/tenant";
    scene.provider.change(|behaviour| {
        let reply = CannedReply::Json(document);
        behaviour.canned = vec![CannedAnswer::new(ProviderSite::Authorization, path, reply)];
    });
    let account = scene.account(&scene.sign_in().await).await;
    assert_eq!(account.issuer, Some(scene.provider.issuer()));
    let log = scene.provider.log();
    assert!(log.0.iter().all(|request| request.site != ProviderSite::Elsewhere));
    scene.stop().await;
}

#[tokio::test]
async fn a_document_of_another_issuer_is_refused_with_both_names() {
    let scene = OAuthScene::new().await;
    let other = scene.provider.url(ProviderSite::Elsewhere, "");
    scene.provider.change(|behaviour| behaviour.discovery.claimed_issuer = Some(other.clone()));
    let view = scene.begin(scene.addition()).await;
    let message = scene.failure(&view.id).await;
    assert!(message.contains(&scene.provider.issuer()) && message.contains(&other), "{message}");
    assert!(!scene.is_installed(PROVIDER).await, "nothing remains");
    assert!(scene.scene.owner.accounts().await.is_empty());
    assert!(scene.provider.log().registrations().is_empty(), "the server was not believed");

    // Whoever begins the sign-in cannot pin it.
    let mut body = scene.addition();
    body["settings"] = json!({"issuer": other});
    let view = scene.begin(body).await;
    scene.failure(&view.id).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_resource_of_another_origin_is_refused() {
    let scene = OAuthScene::new().await;
    let other = scene.provider.url(ProviderSite::Elsewhere, "/mcp");
    scene.provider.change(|behaviour| {
        behaviour.discovery.resource_name = ResourceName::Other(other.clone());
    });
    let view = scene.begin(scene.addition()).await;
    let message = scene.failure(&view.id).await;
    assert!(message.contains(&other), "{message}");
    assert!(!scene.is_installed(PROVIDER).await);
    scene.stop().await;
}

#[tokio::test]
async fn endpoints_without_https_or_of_another_scheme_are_never_used_or_opened() {
    let plain = DiscoveryBehaviour::default;
    let cases = [
        DiscoveryBehaviour {
            token_endpoint: Some("http://auth.example.test/token".to_owned()),
            ..plain()
        },
        DiscoveryBehaviour {
            authorization_endpoint: Some("http://auth.example.test/authorize".to_owned()),
            ..plain()
        },
        DiscoveryBehaviour {
            authorization_endpoint: Some("ftp://127.0.0.1/authorize".to_owned()),
            ..plain()
        },
        DiscoveryBehaviour {
            authorization_endpoint: Some("javascript:alert(1)".to_owned()),
            ..plain()
        },
        DiscoveryBehaviour {
            registration_endpoint: Some("http://auth.example.test/register".to_owned()),
            ..plain()
        },
    ];
    let scene = OAuthScene::new().await;
    for discovery in cases {
        scene.provider.change(|behaviour| behaviour.discovery = discovery.clone());
        let view = scene.begin(scene.addition()).await;
        let end = scene.scene.owner.sign_in_settled(view.id).await;
        assert!(end.state.is_over(), "{discovery:?}: {end:?}");
        let log = scene.provider.log();
        assert!(log.registrations().is_empty() && log.exchanges().is_empty(), "{discovery:?}");
        assert!(!scene.is_installed(PROVIDER).await);
    }
    scene.stop().await;
}
