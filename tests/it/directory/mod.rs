//! The directory: listing, installing with a token, requests of agents; and categories of tools.

mod categories;
mod classification;
mod every_entry;
pub(crate) mod imports;
mod installing;
mod internet;
mod local;
mod requests;

use agentport_api::AvailableIntegration;
use agentport_tests::wire::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{cli, scene::Scene};

/// What the owner is offered for these words.
async fn offered(scene: &Scene, query: &str) -> Vec<AvailableIntegration> {
    let path = format!("/control/available{query}");
    let list: Value = scene.owner.ask(Method::GET, &path, None).await;
    serde_json::from_value(list["items"].clone()).expect("a list of integrations")
}

async fn install(scene: &Scene, id: &str, body: Value) -> Reply {
    scene.owner.send(Method::POST, &format!("/control/available/{id}/install"), Some(body)).await
}

async fn installed(scene: &Scene) -> Vec<String> {
    scene.owner.integrations().await.into_iter().map(|one| one.id.to_string()).collect()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect()
}

#[tokio::test]
async fn owner_and_agents_see_what_can_be_installed() {
    let scene = Scene::empty().await;
    let all = offered(&scene, "").await;
    assert!(all.len() > 20 && all.iter().all(|one| !one.installed && !one.auth.is_empty()));
    assert!(all.is_sorted_by_key(|one| one.name.to_lowercase()));
    let found = offered(&scene, "?q=ERROR%20applications").await;
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["sentry"]);
    assert!(offered(&scene, "?q=no%20such%20thing").await.is_empty());
    let exa: AvailableIntegration =
        scene.owner.ask(Method::GET, "/control/available/exa", None).await;
    assert!(all.contains(&exa) && exa.popular && !exa.categories.is_empty());
    for (id, why) in [("nowhere", "no integration"), ("resend", "REST"), ("slack", "REST")] {
        let path = format!("/control/available/{id}");
        for reply in [
            scene.owner.send(Method::GET, &path, None).await,
            install(&scene, id, json!({"method": "token", "secrets": {"token": "fake"}})).await,
        ] {
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{id}: {}", reply.text);
            assert!(reply.text.contains(why), "{id}: {}", reply.text);
        }
    }

    let list = "agentport__list_available_integrations";
    let seen = async |arguments: Value| {
        let answer = scene.wire.tool(list, arguments).await.ran();
        answer.structured.expect("a list")["items"].clone()
    };
    let everything = seen(json!({})).await;
    assert_eq!(ids(&everything).len(), all.len());
    let github = json!({"integration_id": "github"});
    let github = scene.wire.tool("agentport__get_integration", github).await.ran();
    let github = github.structured.expect("an integration");
    assert_eq!(
        (&github["type"], &github["auth_methods"]),
        (&json!("remote_mcp"), &json!(["token", "oauth"])),
        "a client of one's own is more work than a token"
    );
    assert_eq!(github["docs_url"], "https://github.com/github/github-mcp-server");
    assert_eq!(ids(&seen(json!({"query": "Hugging face"})).await), ["huggingface"]);
    let remote = seen(json!({"type": "remote_mcp"})).await;
    let local = seen(json!({"type": "local_mcp"})).await;
    assert_eq!(ids(&remote).len() + ids(&local).len(), all.len());
    assert!(ids(&remote).contains(&"exa") && ids(&local).contains(&"filesystem"));
    for none in [json!({"type": "custom"}), json!({"query": "exa", "type": "mail"})] {
        assert_eq!(seen(none).await, json!([]));
    }
    for (id, methods) in [("notion", json!(["oauth"])), ("linear", json!(["oauth", "token"]))] {
        let one = json!({"integration_id": id});
        let one = scene.wire.tool("agentport__get_integration", one).await.ran();
        assert_eq!(one.structured.expect("an integration")["auth_methods"], methods, "{id}");
    }
    let withheld = json!({"integration_id": "slack"});
    let withheld = scene.wire.tool("agentport__get_integration", withheld).await;
    assert!(withheld.refused().contains("REST"), "{}", withheld.text);

    let rest = scene.wire.get("/api/integrations?type=remote_mcp").await.json();
    assert_eq!(rest, remote);
    assert_eq!(scene.wire.get("/api/integrations/github").await.json(), github);
    let withheld = scene.wire.get("/api/integrations/slack").await;
    assert_eq!(withheld.status, StatusCode::NOT_FOUND);
    assert!(withheld.text.contains("REST"), "{}", withheld.text);

    let by_agent = cli::agent(&scene).json("integrations list --available").await;
    assert_eq!(ids(&by_agent), ids(&everything));
    let by_owner = cli::owner(&scene).json("integrations list --available").await;
    assert_eq!(ids(&by_owner), ids(&everything));
    scene.stop().await;
}
