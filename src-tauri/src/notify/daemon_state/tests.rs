use super::*;

const FIRST: Duration = Duration::from_secs(2);

fn daemon() -> DaemonState {
    DaemonState::new(watch::Sender::new(None), FIRST)
}

fn with_buttons() -> Capabilities {
    Capabilities { reachable: true, buttons: true, server: None }
}

fn awake() -> DaemonState {
    let mut daemon = daemon();
    daemon.on_available();
    daemon.on_probed(with_buttons());
    daemon
}

#[test]
fn is_probed_before_it_is_used() {
    let mut daemon = daemon();
    assert_eq!((daemon.reachability(), daemon.needs_probe(true)), (Reachability::Unknown, false));
    daemon.on_available();
    assert_eq!((daemon.reachability(), daemon.needs_probe(false)), (Reachability::Unknown, true));
    daemon.on_probed(with_buttons());
    assert_eq!(
        (daemon.reachability(), daemon.needs_probe(true)),
        (Reachability::WithButtons, false)
    );
    daemon.on_probed(Capabilities { buttons: false, ..with_buttons() });
    assert_eq!(daemon.reachability(), Reachability::WithoutButtons);
}

#[test]
fn is_started_when_needed() {
    let mut daemon = awake();
    daemon.on_gone(Instant::now(), true, false);
    assert_eq!(daemon.reachability(), Reachability::WithButtons);
    assert!(!daemon.needs_probe(false) && daemon.needs_probe(true));
}

#[test]
fn is_started_once_if_our_notifications_crash_it() {
    let (mut daemon, now) = (awake(), Instant::now());
    daemon.on_gone(now, true, true);
    assert!(daemon.needs_probe(true));
    daemon.on_available();
    daemon.on_probed(with_buttons());
    daemon.on_gone(now, true, true);
    assert_eq!(
        (daemon.reachability(), daemon.needs_probe(true)),
        (Reachability::Unreachable, false)
    );
    assert_eq!(daemon.retries_at(), Some(now + 2 * FIRST));
}

#[test]
fn is_retried_with_growing_delays() {
    let (mut daemon, mut now) = (awake(), Instant::now());
    let mut waits = Vec::new();
    for _ in 0..10 {
        daemon.on_failure(now, false);
        assert_eq!(daemon.reachability(), Reachability::Unreachable);
        let at = daemon.retries_at().unwrap();
        waits.push((at - now).as_secs());
        daemon.retry(at - Duration::from_millis(1));
        assert!(!daemon.needs_probe(true));
        daemon.retry(at);
        // Unreachable until it has answered.
        assert_eq!(
            (daemon.reachability(), daemon.needs_probe(true)),
            (Reachability::Unreachable, true)
        );
        assert_eq!(daemon.retries_at(), None);
        now = at;
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    daemon.on_probed(with_buttons());
    let later = now + MAX_RETRY_DELAY + FAILURE_RESET;
    daemon.on_failure(later, false);
    assert_eq!(daemon.retries_at(), Some(later + FIRST), "after a while without failures");
}

#[test]
fn without_a_daemon_there_are_no_retries() {
    let mut daemon = awake();
    daemon.on_gone(Instant::now(), false, true);
    assert_eq!((daemon.reachability(), daemon.retries_at()), (Reachability::Unreachable, None));
    daemon.on_available();
    daemon.on_failure(Instant::now(), true);
    assert_eq!((daemon.reachability(), daemon.retries_at()), (Reachability::Unreachable, None));
}

#[test]
fn capabilities_are_published() {
    let (published, known) = watch::channel(None);
    let mut daemon = DaemonState::new(published, FIRST);
    assert_eq!(*known.borrow(), None);
    daemon.on_probed(with_buttons());
    assert_eq!(*known.borrow(), Some(with_buttons()));
    daemon.on_failure(Instant::now(), false);
    assert_eq!(*known.borrow(), Some(Capabilities::default()));
}
