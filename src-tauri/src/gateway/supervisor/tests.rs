use std::net::TcpListener;

use crate::gateway::supervisor::*;

fn supervisor(home: &std::path::Path, port: Port) -> GatewaySupervisor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    GatewaySupervisor::new(LaunchOptions {
        home: Some(home.to_owned()),
        vault: VaultChoice::KeyFile,
        port,
    })
}

fn port(supervisor: &GatewaySupervisor) -> Option<u16> {
    supervisor.running().map(|gateway| gateway.port)
}

#[tokio::test]
async fn starts_once_and_stops_for_good() {
    let home = tempfile::tempdir().unwrap();
    let supervisor = supervisor(home.path(), Port::Chosen(0));
    assert!(matches!(supervisor.status(), GatewayStatus::Starting));
    supervisor.start().await;
    let first = port(&supervisor).expect("it runs");
    supervisor.start().await;
    assert_eq!(port(&supervisor), Some(first));
    supervisor.stop().await;
    assert!(matches!(supervisor.status(), GatewayStatus::Stopping));
    supervisor.start().await;
    assert!(matches!(supervisor.status(), GatewayStatus::Stopping), "nothing starts after the end");
    assert!(is_free(first));
}

#[tokio::test]
async fn says_why_it_does_not_start_and_can_be_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    let supervisor = supervisor(home.path(), Port::Chosen(number));
    supervisor.start().await;
    let GatewayStatus::Failed(failure) = supervisor.status() else { panic!("the port is taken") };
    assert_eq!(failure.port, number);
    assert!(failure.sentence.starts_with(&format!("Port {number} is in use")), "{failure:?}");
    drop(taken);
    supervisor.start().await;
    assert_eq!(port(&supervisor), Some(number));
    supervisor.stop().await;
}

#[tokio::test]
async fn a_home_in_use_is_named() {
    let home = tempfile::tempdir().unwrap();
    let other = DataDir::open(Some(home.path().to_owned())).unwrap();
    let lock = other.lock().unwrap();
    let supervisor = supervisor(home.path(), Port::Chosen(0));
    supervisor.start().await;
    let GatewayStatus::Failed(failure) = supervisor.status() else { panic!("the home is locked") };
    assert!(failure.sentence.contains("Another AgentPort"), "{failure:?}");
    drop(lock);
    supervisor.start().await;
    assert!(port(&supervisor).is_some());
    supervisor.stop().await;
}

#[tokio::test]
async fn moves_to_another_port_or_stays() {
    let home = tempfile::tempdir().unwrap();
    let supervisor = supervisor(home.path(), Port::Chosen(0));
    supervisor.start().await;
    let first = port(&supervisor).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    assert!(supervisor.move_to(number).await.is_err());
    assert_eq!(port(&supervisor), Some(first), "it went on where it was");
    drop(taken);
    supervisor.move_to(number).await.unwrap();
    assert_eq!(port(&supervisor), Some(number));
    assert!(is_free(first));
    supervisor.move_to(number).await.unwrap();
    assert_eq!(port(&supervisor), Some(number), "moving to where it is changes nothing");
    supervisor.stop().await;
}

#[test]
fn troubles_are_whole_sentences() {
    assert_eq!(sentence("élan was lost: why"), "Élan was lost: why.");
    assert_eq!(sentence(""), ".");
}

#[test]
fn a_dismissed_keyring_prompt_is_said_plainly() {
    let error = "the keychain cannot be used (SS error: prompt dismissed)";
    let sentence = plain_sentence(error);
    assert!(sentence.starts_with("Your keyring is locked"), "{sentence}");
    assert!(!sentence.contains("SS error"), "{sentence}");
}
