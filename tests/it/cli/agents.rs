//! Agents on the command line: let in, refused, shown, renamed and shut out.

use agentport_tests::oauth_agent::{AuthorizePage, OAuthAgent, TokenSet};
use serde_json::json;

use super::{agent, items, owner};
use crate::scene::Scene;

#[tokio::test]
async fn the_owner_lets_agents_in_and_shuts_them_out_from_a_terminal() {
    let scene = Scene::new().await;
    let cli = owner(&scene);
    assert_eq!(cli.run("agents requests").await.stdout, "No agent wants in.\n");
    let client = OAuthAgent::register_named(&scene.gateway, "Odd\u{202e} client").await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    let waiting = items(&cli.json("agents requests").await);
    let code = waiting[0]["code"].as_str().expect("a code").to_owned();
    let table = cli.run("agents requests").await.stdout;
    for part in [&*code, "a program on this computer, port 33418", "this computer", "a new agent"] {
        assert!(table.contains(part), "{part:?} in {table}");
    }
    assert!(!table.contains('\u{202e}'), "{table}");

    let made = cli.run("profiles create quiet --integration fx").await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let wrong = cli.run(&format!("agents approve {code} --profile nothing")).await;
    assert_eq!(wrong.code, Some(1), "{}", wrong.stdout);
    let approve = cli.run(&format!("agents approve {code} --name Editor --profile quiet")).await;
    assert_eq!(approve.stdout, "Editor is let in, and sees quiet.\n", "{}", approve.stderr);
    let tokens = TokenSet::of(&client.exchange(&page.callback().await.code(), &request).await);
    let wire = tokens.wire(&scene.gateway);
    wire.call_tool("fx", "echo", json!({"text": "x"})).await.request();
    let twice = cli.run(&format!("agents approve {code}")).await;
    assert_eq!(twice.code, Some(1));
    assert!(twice.stderr.contains("`agentport agents requests`"), "{}", twice.stderr);

    // The same client is the same agent, without being named.
    let again = client.request();
    let page = AuthorizePage::open(&again.url()).await;
    let id = scene.owner.one_consent().await.id;
    let approve = cli.run(&format!("agents approve {id}")).await;
    assert_eq!(approve.stdout, "Editor is let in again, with its rules and profile.\n");
    TokenSet::of(&client.exchange(&page.callback().await.code(), &again).await);

    let list = cli.run("agents list").await.stdout;
    assert!(list.contains("Editor") && list.contains("OAuth"), "{list}");
    assert_eq!(list, cli.run("keys list").await.stdout, "one list");
    let shown = cli.run("agents show Editor").await.stdout;
    assert!(shown.contains("Sign-ins") && shown.contains("quiet"), "{shown}");
    assert_eq!(cli.json("agents show Editor").await["oauth"]["valid"], 2);
    assert_eq!(
        cli.run("agents rename Editor Writer").await.stdout,
        "Editor is now called Writer.\n"
    );
    assert_eq!(cli.run("agents set Writer --no-profile").await.code, Some(0));
    assert_eq!(cli.run("agents trust Writer --for 5m").await.code, Some(0));
    assert_eq!(cli.run("agents revoke Writer").await.stdout, "Writer is shut out.\n");
    assert_eq!(wire.get("/api/users/me").await.status, 401);

    let page = AuthorizePage::open(&client.request().url()).await;
    let code = scene.owner.one_consent().await.code;
    assert_eq!(cli.run(&format!("agents refuse {code}")).await.code, Some(0));
    assert_eq!(page.callback().await.get("error").as_deref(), Some("access_denied"));
    let refused = agent(&scene).run("agents requests").await;
    assert_eq!(refused.code, Some(1), "an agent is not the owner");
    scene.stop().await;
}

/// Which agent is signed in again is the owner's choice among those the client was.
#[tokio::test]
async fn an_agent_signs_in_only_as_one_it_was() {
    let scene = Scene::new().await;
    let cli = owner(&scene);
    let client = OAuthAgent::register_named(&scene.gateway, "Client").await;
    client.sign_in(&scene.owner).await;
    AuthorizePage::open(&client.request().url()).await.waits();
    let id = scene.owner.one_consent().await.id;
    let other = cli.run(&format!("agents approve {id} --as tester")).await;
    assert_eq!(other.code, Some(1), "{}", other.stdout);
    let own = cli.run(&format!("agents approve {id} --as Client")).await;
    assert_eq!(own.code, Some(0), "{}", own.stderr);
    scene.stop().await;
}
