use super::*;

const FIRST: Duration = Duration::from_secs(2);

fn server() -> Server {
    Server::new(watch::Sender::new(None), FIRST)
}

fn with_buttons() -> Capabilities {
    Capabilities { reachable: true, buttons: true, server: None }
}

fn awake() -> Server {
    let mut server = server();
    server.is_here();
    server.is_awake(with_buttons());
    server
}

#[test]
fn is_looked_at_before_it_is_used() {
    let mut server = server();
    assert_eq!((server.reach(), server.to_be_looked_at(true)), (Reach::Unknown, false));
    server.is_here();
    assert_eq!((server.reach(), server.to_be_looked_at(false)), (Reach::Unknown, true));
    server.is_awake(with_buttons());
    assert_eq!((server.reach(), server.to_be_looked_at(true)), (Reach::WithButtons, false));
    server.is_awake(Capabilities { buttons: false, ..with_buttons() });
    assert_eq!(server.reach(), Reach::WithoutButtons);
}

#[test]
fn is_woken_when_needed() {
    let mut server = awake();
    server.is_gone(Instant::now(), true, false);
    assert_eq!(server.reach(), Reach::WithButtons);
    assert!(!server.to_be_looked_at(false) && server.to_be_looked_at(true));
}

#[test]
fn is_woken_once_if_it_dies_of_what_we_show() {
    let (mut server, now) = (awake(), Instant::now());
    server.is_gone(now, true, true);
    assert!(server.to_be_looked_at(true));
    server.is_here();
    server.is_awake(with_buttons());
    server.is_gone(now, true, true);
    assert_eq!((server.reach(), server.to_be_looked_at(true)), (Reach::Nobody, false));
    assert_eq!(server.retries_at(), Some(now + 2 * FIRST));
}

#[test]
fn is_tried_again_ever_more_seldom() {
    let (mut server, mut now) = (awake(), Instant::now());
    let mut waits = Vec::new();
    for _ in 0..10 {
        server.failed(now, false);
        assert_eq!(server.reach(), Reach::Nobody);
        let at = server.retries_at().unwrap();
        waits.push((at - now).as_secs());
        server.retry(at - Duration::from_millis(1));
        assert!(!server.to_be_looked_at(true));
        server.retry(at);
        // It counts as gone until it has answered.
        assert_eq!((server.reach(), server.to_be_looked_at(true)), (Reach::Nobody, true));
        assert_eq!(server.retries_at(), None);
        now = at;
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    server.is_awake(with_buttons());
    let later = now + LONGEST_RETRY + FORGIVEN;
    server.failed(later, false);
    assert_eq!(server.retries_at(), Some(later + FIRST), "after it did well for a while");
}

#[test]
fn nobody_is_waited_for_in_silence() {
    let mut server = awake();
    server.is_gone(Instant::now(), false, true);
    assert_eq!((server.reach(), server.retries_at()), (Reach::Nobody, None));
    server.is_here();
    server.failed(Instant::now(), true);
    assert_eq!((server.reach(), server.retries_at()), (Reach::Nobody, None));
}

#[test]
fn whoever_asks_is_told() {
    let (told, known) = watch::channel(None);
    let mut server = Server::new(told, FIRST);
    assert_eq!(*known.borrow(), None);
    server.is_awake(with_buttons());
    assert_eq!(*known.borrow(), Some(with_buttons()));
    server.failed(Instant::now(), false);
    assert_eq!(*known.borrow(), Some(Capabilities::default()));
}
