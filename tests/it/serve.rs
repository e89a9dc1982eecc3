//! Starting, stopping, the owner's sign-in, and the audit's chain.

use agentport_api::{AuditVerdict, Health};
use agentport_tests::{
    Owner, SOON, Wire,
    external_program::ExternalProgram,
    gateway::{PASSWORD, Setup, private_file},
    process::alive,
    programs, within,
};
use http::{Method, StatusCode};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn one_gateway_per_home() {
    let scene = Scene::empty().await;
    let second = Setup { place: scene.gateway.setup.place.clone(), ..Setup::default() };
    let (code, said) = second.fail_to_start().await;
    assert_eq!(code, Some(1));
    assert!(said.contains(&scene.gateway.pid().to_string()), "it names the one that runs: {said}");
    assert_eq!(scene.owner.status().await.pid, scene.gateway.pid());
    scene.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let (code, said) = Setup { port, ..Setup::default() }.fail_to_start().await;
    assert_eq!(code, Some(1));
    assert!(said.contains(&port.to_string()) && !said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_newer_database_is_refused_untouched() {
    let setup = Scene::empty().await.gateway.stop().await;
    let database = setup.place.home().join("agentport.sqlite");
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        db.execute(\"INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (99999999, 'from the future', 1, x'00', 0)\")\n\
        db.commit()";
    let changed = ExternalProgram::new(&programs::python())
        .args(["-c", script])
        .args([&database])
        .run()
        .await;
    changed.ok();
    let before = std::fs::read(&database).expect("the database");
    let place = setup.place.clone();
    let (code, said) = setup.fail_to_start().await;
    assert_eq!(code, Some(1));
    assert!(said.contains("newer"), "{said}");
    assert_eq!(std::fs::read(place.home().join("agentport.sqlite")).expect("the database"), before);
}

#[tokio::test]
async fn an_interrupt_stops_it_as_well() {
    let scene = Scene::open().await;
    let child =
        scene.call("inspect", json!({})).await.ran().structured.expect("an object")["pid"].as_u64();
    let child = u32::try_from(child.expect("a pid")).expect("a pid");
    let runtime = scene.gateway.place().home().join("runtime.json");
    assert!(runtime.exists());
    let pid = i32::try_from(scene.gateway.pid()).expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGINT).expect("it is there");
    assert!(agentport_tests::process::gone(scene.gateway.pid(), SOON).await);
    let setup = scene.gateway.stop().await;
    assert!(!alive(child) && !setup.place.home().join("runtime.json").exists());
}

#[tokio::test]
async fn the_first_start_without_a_password_leads_to_choosing_one() {
    let gateway = Setup { with_password: false, ..Setup::default() }.start().await;
    let wire = Wire::new(gateway.base());
    let session = wire.get("/control/session").await.json();
    assert_eq!((&session["signed_in"], &session["needs_password"]), (&json!(false), &json!(true)));
    let code = gateway.said.dashboard_url.split("code=").nth(1).expect("a sign-in code").to_owned();
    let choose = async |code: &str, new: &str| {
        wire.post("/control/password", &json!({"new": new, "code": code})).await.status
    };
    assert!(choose("WRONG-CODE", PASSWORD).await.is_client_error());
    assert!(choose(&code, "x").await.is_client_error(), "too short");
    assert_eq!(choose(&code, PASSWORD).await, StatusCode::OK);
    assert!(choose(&code, "another password altogether").await.is_client_error(), "one use");
    let owner = Owner::sign_in(gateway.base(), PASSWORD).await;
    assert_eq!(owner.wire.get("/control/session").await.json()["signed_in"], true);
    let setup = gateway.stop().await;
    let gateway = setup.start().await;
    assert!(
        !gateway.said.dashboard_url.contains("code="),
        "a password exists: {}",
        gateway.said.dashboard_url
    );
    Owner::sign_in(gateway.base(), PASSWORD).await;
    gateway.stop().await;
}

#[tokio::test]
async fn failed_logins_are_limited_and_good_ones_are_not() {
    let scene = Scene::empty().await;
    for _ in 0..12 {
        Owner::sign_in(scene.gateway.base(), PASSWORD).await;
    }
    let wire = Wire::new(scene.gateway.base());
    let wrong = json!({"password": "wrong"});
    let begun = std::time::Instant::now();
    for _ in 0..7 {
        let reply = wire.post("/control/login", &wrong).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{}", reply.text);
    }
    assert!(begun.elapsed() >= std::time::Duration::from_secs(3), "guessing is slowed down");
    // Guessing in parallel gains nothing: most are sent away, and the owner gets a turn among the rest.
    let guesses = futures::future::join_all((0..30).map(|_| wire.post("/control/login", &wrong)));
    let sent_away = async {
        let replies = guesses.await;
        replies.iter().filter(|reply| reply.status == StatusCode::TOO_MANY_REQUESTS).count()
    };
    assert!(sent_away.await >= 15);
    Owner::sign_in(scene.gateway.base(), PASSWORD).await;
    assert_eq!(
        scene.owner.wire.get("/control/status").await.status,
        StatusCode::OK,
        "who is in stays in"
    );
    scene.stop().await;
}

#[tokio::test]
async fn vaults() {
    let setup = Setup::default();
    let file = setup.place.files().join("passphrase");
    private_file(&file, "a passphrase of some length\n");
    let vault = format!("passphrase-file:{}", file.display());
    let scene = Scene::with(Setup { vault, ..setup }).await;
    assert_eq!(scene.owner.status().await.vault, "passphrase-file");
    let connection =
        json!({"type": "local_mcp", "command": programs::fixture(), "secret_env": ["HIDDEN"]});
    scene
        .owner
        .add(json!({"id": "fx", "connection": connection, "secrets": {"HIDDEN": "fake-sealed"}}))
        .await;
    scene.owner.allow_all("fx").await;
    let scene = scene.restart().await;
    let seen =
        scene.call("env", json!({"name": "HIDDEN"})).await.ran().structured.expect("an object");
    assert_eq!(seen["sha256"], agentport_tests::upstream::fingerprint("fake-sealed"));
    let setup = scene.gateway.stop().await;

    private_file(&file, "another passphrase\n");
    let place = setup.place.clone();
    let database = || std::fs::read(place.home().join("agentport.sqlite")).expect("the database");
    let before = database();
    let (code, said) = setup.fail_to_start().await;
    assert_eq!(code, Some(1));
    assert!(said.contains("passphrase"), "{said}");
    assert!(database() == before, "nothing is touched");
}

#[tokio::test]
async fn the_audit_detects_tampering() {
    // What is done, to a chain of a dozen rows or more.
    for (what, statement) in [
        ("changed", "UPDATE audit SET subject = 'somebody else' WHERE seq = 3"),
        ("missing", "DELETE FROM audit WHERE seq = 3"),
        ("cut off", "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"),
        (
            "reordered",
            "UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = -1",
        ),
        ("emptied", "DELETE FROM audit"),
    ] {
        let scene = Scene::empty().await;
        for number in 0..5 {
            scene.owner.create_key(&format!("agent {number}")).await;
        }
        assert!(
            matches!(scene.owner.audit_verdict().await, AuditVerdict::Intact { rows } if rows >= 6)
        );
        let setup = scene.gateway.stop().await;
        let script = "import sqlite3, sys\n\
            db = sqlite3.connect(sys.argv[1])\n\
            db.executescript(sys.argv[2])\n\
            db.commit()";
        let database = setup.place.home().join("agentport.sqlite");
        let database = database.to_str().expect("a path in Unicode");
        ExternalProgram::new(&programs::python())
            .args(["-c", script, database, statement])
            .run()
            .await
            .ok();
        let gateway = setup.start().await;
        let verdict = gateway.owner().await.audit_verdict().await;
        assert!(matches!(verdict, AuditVerdict::Broken { .. }), "{what}: {verdict:?}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn it_listens_before_any_upstream_has_answered() {
    let scene = Scene::empty().await;
    for number in 0..2 {
        let body = json!({
            "id": format!("sick{number}"),
            "connection": {"type": "local_mcp", "command": programs::fixture(), "args": ["--delay-start", "600000"]},
            "keep_unreachable": true,
        });
        let adding = scene.owner.send(Method::POST, "/control/integrations", Some(body));
        let added = within(SOON * 2, "it is kept", adding).await;
        assert!(added.status.is_success(), "{}", added.text);
    }
    let begun = std::time::Instant::now();
    let scene = scene.restart().await;
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
    let views = scene.owner.integrations().await;
    assert!(views.iter().any(|view| view.id.as_str() == "sick1" && view.health != Health::Ready));
    scene.stop().await;
}
