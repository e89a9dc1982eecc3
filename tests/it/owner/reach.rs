//! On a desktop no port can decide anything until the owner sets a password.

use agentport_api::Event;
use agentport_gateway::{Port, control::owner_routes};
use agentport_tests::{Owner, Wire, gateway::PASSWORD, soon};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::window::Window;

/// Every route of the owner's, with something in the place of names, and those of the sign-in.
fn everything() -> Vec<(Method, String)> {
    let id = uuid::Uuid::nil().to_string();
    let named = owner_routes().into_iter().map(|(method, path)| {
        (method, path.replace("{id}", &id).replace("{name}", "x").replace("{digest}", "00"))
    });
    let sign_in = [
        (Method::GET, "/control/session"),
        (Method::POST, "/control/login"),
        (Method::POST, "/control/logout"),
        (Method::POST, "/control/password"),
        (Method::GET, "/control"),
        (Method::GET, "/control/"),
        (Method::GET, "/control/nothing"),
    ];
    named.chain(sign_in.map(|(method, path)| (method, path.to_owned()))).collect()
}

async fn knock(wire: &Wire, method: &Method, path: &str) -> (StatusCode, String) {
    let body = json!({ "password": PASSWORD, "new": PASSWORD, "minutes": 60, "name": "x" });
    let request = wire.request(method.clone(), path).header("accept", "text/html, */*");
    let reply = wire.send(request.json(&body)).await;
    (reply.status, reply.text)
}

#[tokio::test]
async fn no_port_has_the_control_api_until_a_password_is_set() {
    let window = Window::open().await;
    assert!(everything().len() > 50, "the walk is long");
    let nobody = window.wire();
    assert_eq!(window.gateway.announcement().dashboard_url, None);
    let closed = async || {
        for (method, path) in everything() {
            let (status, text) = knock(&nobody, &method, &path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {text}");
            assert!(text.contains("nothing here"), "{method} {path}: {text}");
        }
        for page in ["/", "/index.html", "/assets/app.js", "/anything"] {
            let (status, text) = knock(&nobody, &Method::GET, page).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{page}: {text}");
        }
    };
    closed().await;
    // Whoever is there at the port is let in as an agent only, and is served.
    let key = window.key("agent").await;
    assert_eq!(window.agent(&key).get("/api/users/me").await.status, StatusCode::OK);
    assert_eq!(nobody.get("/health").await.status, StatusCode::OK);

    let short = json!({ "new": "short" });
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    window.refused(Method::PUT, "/control/owner-password", short, refused).await;
    closed().await;
    let mut events = window.gateway.events();
    let password = Some(json!({ "new": PASSWORD }));
    window.done(Method::PUT, "/control/owner-password", password).await;
    assert_eq!(soon("the event", events.recv()).await.ok(), Some(Event::Owner));
    assert_eq!(window.read("/control/status").await["owner_password"], true);
    for (method, path) in everything() {
        let (status, text) = knock(&nobody, &method, &path).await;
        match path.as_str() {
            "/control/session" | "/control/login" => assert_eq!(status, StatusCode::OK, "{path}"),
            "/control/logout" => assert_eq!(status, StatusCode::NO_CONTENT),
            "/control/password" => assert_eq!(status, StatusCode::FORBIDDEN, "{text}"),
            // In process only, or nowhere.
            "/control/owner-password" | "/control" | "/control/" | "/control/nothing" => {
                assert!(status.is_client_error() || text.contains("the page"), "{path}: {status}");
                assert_ne!(status, StatusCode::NO_CONTENT);
            }
            _ => assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}: {text}"),
        }
    }
    assert!(nobody.get("/").await.text.contains("the page"));
    assert_eq!(nobody.get("/assets/app.js").await.status, StatusCode::OK);

    let owner = Owner::sign_in(&nobody.base, PASSWORD).await;
    let mut stream = owner.events().await;
    window.done(Method::DELETE, "/control/owner-password", None).await;
    while soon("the end of the stream", stream.next()).await.is_some() {}
    assert_eq!(owner.wire.get("/control/status").await.status, StatusCode::NOT_FOUND);
    closed().await;
    // Nor does an old sign-in count when the control API is open again.
    let password = Some(json!({ "new": "another password altogether" }));
    window.done(Method::PUT, "/control/owner-password", password).await;
    assert_eq!(owner.wire.get("/control/status").await.status, StatusCode::UNAUTHORIZED);
    let (status, _) = knock(&nobody, &Method::POST, "/control/login").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the password is another");

    let window = window.again().await;
    let (status, _) = knock(&window.wire(), &Method::GET, "/control/session").await;
    assert_eq!(status, StatusCode::OK, "it is still open after a restart");
    window.close().await;
}

#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_its_password() {
    const OTHER: &str = "another password altogether";
    let window = Window::open().await;
    let nobody = window.wire();
    let set = async |password: &str| {
        let body = Some(json!({ "new": password }));
        window.done(Method::PUT, "/control/owner-password", body).await;
    };
    set(PASSWORD).await;
    let begun = std::time::Instant::now();
    Owner::sign_in(&nobody.base, PASSWORD).await;
    let took = begun.elapsed();

    let sign_in = async {
        tokio::time::sleep(took / 2).await;
        nobody.post("/control/login", &json!({ "password": PASSWORD })).await
    };
    let ((), reply) = tokio::join!(set(OTHER), sign_in);
    if let Some(token) = reply.json()["token"].as_str() {
        let thief = nobody.clone().with("authorization", &format!("Bearer {token}"));
        let status = thief.get("/control/status").await.status;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "let in by a password that is gone");
    }

    // Nor does who knows the password keep the control API open by choosing another while it is removed.
    for halves in [1, 3] {
        set(PASSWORD).await;
        let remove = async {
            tokio::time::sleep(took * halves / 2).await;
            window.done(Method::DELETE, "/control/owner-password", None).await;
        };
        let choice = json!({ "current": PASSWORD, "new": OTHER });
        tokio::join!(remove, nobody.post("/control/password", &choice));
        let open = &window.read("/control/status").await["owner_password"];
        assert_eq!(*open, false, "{halves} halves of a look at a password later");
        assert_eq!(nobody.get("/control/session").await.status, StatusCode::NOT_FOUND);
    }
    window.close().await;
}

#[tokio::test]
async fn the_approval_page_raises_the_window_now_and_then() {
    let window = Window::open().await;
    let key = window.key("agent").await;
    let agent = window.agent(&key);
    let mut ids = Vec::new();
    for number in 0..5 {
        let arguments = json!({ "text": format!("note {number}") });
        ids.push(agent.call_tool("demo", "add_note", arguments).await.request());
    }
    let nobody = window.wire();
    let mut events = window.gateway.events();
    let mut shown = || {
        let mut found = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let Event::Shown { id } = event {
                found.push(id.to_string());
            }
        }
        found
    };
    let unknown = uuid::Uuid::new_v4();
    for path in [format!("/approve/{unknown}"), "/approve/nonsense".to_owned()] {
        nobody.get(&path).await;
    }
    assert!(shown().is_empty(), "only what waits is shown");
    let page = nobody.get(&format!("/approve/{}", ids[0])).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("window") && !page.text.contains("href"), "{}", page.text);
    assert!(!page.text.contains("note 0"), "it tells nothing");
    agent.get(&format!("/approve/{}", ids[0])).await;
    assert_eq!(shown(), [ids[0].to_string()], "the same once in ten seconds");
    window
        .done(Method::POST, &format!("/control/approvals/{}/deny", ids[1]), Some(json!({})))
        .await;
    nobody.get(&format!("/approve/{}", ids[1])).await;
    assert!(shown().is_empty(), "what is decided is not shown");
    for id in &ids[2..] {
        nobody.get(&format!("/approve/{id}")).await;
    }
    assert_eq!(shown().len(), 3);
    for number in 5..7 {
        let arguments = json!({ "text": format!("note {number}") });
        let id = agent.call_tool("demo", "add_note", arguments).await.request();
        nobody.get(&format!("/approve/{id}")).await;
        let expected = if number == 5 { 1 } else { 0 };
        assert_eq!(shown().len(), expected, "five a minute in all");
        window.done(Method::POST, &format!("/control/approvals/{id}/deny"), Some(json!({}))).await;
    }
    window.close().await;
}

#[tokio::test]
async fn the_port_is_the_one_in_the_settings() {
    let window = Window::open().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    let set =
        async |change: Value| window.send(Method::PATCH, "/control/settings", Some(change)).await;
    for bad in [json!(80), json!(0), json!(65_536), json!("4747"), json!(null)] {
        let reply = set(json!({ "port": bad })).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", reply.text);
    }
    assert_eq!(set(json!({ "port": port })).await.status, StatusCode::OK);
    let home = window.close().await;
    let taken = agentport_gateway::Gateway::start(agentport_gateway::Options {
        home: agentport_gateway::data_dir::DataDir::open(Some(home.path().join("home")))
            .expect("a home"),
        port: Port::FromSettings,
        vault: agentport_gateway::vault::VaultChoice::KeyFile,
        owner_password: None,
        ui: super::window::PAGES,
        control_access: agentport_gateway::ControlAccess::WindowOnly,
        external: None,
        extensions: Vec::new(),
    });
    let error = taken.await.err().expect("somebody else has the port").to_string();
    assert!(error.contains(&port.to_string()) && !error.contains("--port"), "{error}");
    drop(free);
    let window = Window::of(home, Port::FromSettings).await;
    assert_eq!(window.gateway.port(), port);
    window.close().await;
}

#[tokio::test]
async fn silence_lasts_a_day_at_most() {
    let window = Window::open().await;
    let set = async |until: Value| {
        let change = json!({ "notifications_silent_until": until });
        window.send(Method::PATCH, "/control/settings", Some(change)).await
    };
    let ahead = |hours: u64| {
        let now = agentport_gateway::clock::now();
        json!(now.plus(std::time::Duration::from_secs(hours * 3_600)).to_string())
    };
    assert_eq!(set(ahead(23)).await.status, StatusCode::OK);
    assert_eq!(set(ahead(25)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let reply = set(json!(null)).await;
    assert_eq!(reply.json()["notifications_silent_until"], Value::Null, "{}", reply.text);
    window.close().await;
}
