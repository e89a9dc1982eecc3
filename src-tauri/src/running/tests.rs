use std::net::TcpListener;

use super::*;

fn running(home: &std::path::Path, port: Port) -> Running {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Running::new(Wanted { home: Some(home.to_owned()), vault: VaultChoice::KeyFile, port })
}

fn port(running: &Running) -> Option<u16> {
    running.up().map(|up| up.port)
}

#[tokio::test]
async fn starts_once_and_stops_for_good() {
    let home = tempfile::tempdir().unwrap();
    let running = running(home.path(), Port::Chosen(0));
    assert!(matches!(running.condition(), Condition::Starting));
    running.start().await;
    let first = port(&running).expect("it runs");
    running.start().await;
    assert_eq!(port(&running), Some(first));
    running.stop().await;
    assert!(matches!(running.condition(), Condition::Stopping));
    running.start().await;
    assert!(matches!(running.condition(), Condition::Stopping), "nothing starts after the end");
    assert!(is_free(first));
}

#[tokio::test]
async fn says_why_it_does_not_start_and_can_be_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    let running = running(home.path(), Port::Chosen(number));
    running.start().await;
    let Condition::Down(trouble) = running.condition() else { panic!("the port is taken") };
    assert_eq!(trouble.port, number);
    assert!(trouble.sentence.starts_with(&format!("Port {number} is in use")), "{trouble:?}");
    drop(taken);
    running.start().await;
    assert_eq!(port(&running), Some(number));
    running.stop().await;
}

#[tokio::test]
async fn a_home_in_use_is_named() {
    let home = tempfile::tempdir().unwrap();
    let other = DataDir::open(Some(home.path().to_owned())).unwrap();
    let lock = other.lock().unwrap();
    let running = running(home.path(), Port::Chosen(0));
    running.start().await;
    let Condition::Down(trouble) = running.condition() else { panic!("the home is locked") };
    assert!(trouble.sentence.contains("Another AgentPort"), "{trouble:?}");
    drop(lock);
    running.start().await;
    assert!(port(&running).is_some());
    running.stop().await;
}

#[tokio::test]
async fn moves_to_another_port_or_stays() {
    let home = tempfile::tempdir().unwrap();
    let running = running(home.path(), Port::Chosen(0));
    running.start().await;
    let first = port(&running).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    assert!(running.move_to(number).await.is_err());
    assert_eq!(port(&running), Some(first), "it went on where it was");
    drop(taken);
    running.move_to(number).await.unwrap();
    assert_eq!(port(&running), Some(number));
    assert!(is_free(first));
    running.move_to(number).await.unwrap();
    assert_eq!(port(&running), Some(number), "moving to where it is changes nothing");
    running.stop().await;
}

#[test]
fn troubles_are_whole_sentences() {
    assert_eq!(sentence("élan was lost: why"), "Élan was lost: why.");
    assert_eq!(sentence(""), ".");
}
