use super::*;

const KEY: NotificationKey = NotificationKey::Summary;
const OTHER: NotificationKey = NotificationKey::Message(1);

fn owner(name: &str) -> OwnedUniqueName {
    OwnedUniqueName::try_from(name).unwrap()
}

fn ids() -> NotificationIds {
    let mut ids = NotificationIds::default();
    ids.reset(Some(owner(":1.1")));
    ids
}

fn shown(ids: &mut NotificationIds, key: NotificationKey, number: u32) -> Vec<BackendEvent> {
    ids.begin_call(key);
    ids.finish_call(&owner(":1.1"), key, Some(number))
}

fn pressed() -> DaemonSignal {
    DaemonSignal::Pressed("approve".to_owned())
}

fn press_event(key: NotificationKey) -> BackendEvent {
    BackendEvent::Pressed { key, button: "approve".to_owned() }
}

#[test]
fn only_our_notifications_have_events() {
    let mut ids = ids();
    assert_eq!(shown(&mut ids, KEY, 7), []);
    assert_eq!(ids.on_signal(8, pressed()), None);
    assert_eq!(ids.on_signal(7, pressed()), Some(press_event(KEY)));
    let closed = BackendEvent::Closed { key: KEY, by: ClosedBy::Owner };
    assert_eq!(ids.on_signal(7, DaemonSignal::Closed(ClosedBy::Owner)), Some(closed));
    assert_eq!(ids.on_signal(7, pressed()), None, "closed");
}

#[test]
fn a_signal_may_come_before_its_id() {
    let mut ids = ids();
    ids.begin_call(KEY);
    assert_eq!(ids.on_signal(7, pressed()), None);
    assert_eq!(ids.on_signal(8, pressed()), None);
    assert_eq!(ids.finish_call(&owner(":1.1"), KEY, Some(7)), [press_event(KEY)]);
    assert_eq!(shown(&mut ids, OTHER, 8), [], "what was said of another before it was shown");
}

#[test]
fn what_comes_early_is_bounded() {
    let mut ids = ids();
    ids.begin_call(KEY);
    for number in 0..1000 {
        ids.on_signal(number, pressed());
    }
    assert_eq!(ids.early.len(), MAX_EARLY_SIGNALS);
    ids.finish_call(&owner(":1.1"), KEY, None);
    assert!(ids.early.is_empty());
}

#[test]
fn another_owner_has_none_of_ours() {
    let mut ids = ids();
    shown(&mut ids, KEY, 7);
    ids.begin_call(OTHER);
    ids.reset(Some(owner(":1.2")));
    assert_eq!(ids.on_signal(7, pressed()), None);
    assert_eq!(ids.finish_call(&owner(":1.1"), OTHER, Some(9)), [], "the answer of the one before");
    assert_eq!(ids.on_signal(9, pressed()), None);
    assert_eq!(ids.begin_call(KEY), 0);
}

#[test]
fn a_late_reply_of_the_previous_owner_delivers_nothing() {
    let mut ids = ids();
    ids.begin_call(OTHER);
    ids.reset(Some(owner(":1.2")));
    let answered = |ids: &mut NotificationIds, key, number| {
        ids.begin_call(key);
        ids.finish_call(&owner(":1.2"), key, Some(number))
    };
    ids.begin_call(KEY);
    assert_eq!(ids.on_signal(2, pressed()), None);
    assert_eq!(ids.finish_call(&owner(":1.2"), KEY, Some(1)), []);
    assert_eq!(answered(&mut ids, OTHER, 2), [], "said before it was shown");
    assert_eq!(ids.finish_call(&owner(":1.1"), OTHER, Some(9)), []);
    assert_eq!(ids.on_signal(2, pressed()), Some(press_event(OTHER)));
}

#[test]
fn a_notification_is_replaced_and_forgotten() {
    let mut ids = ids();
    assert_eq!(ids.begin_call(KEY), 0);
    ids.finish_call(&owner(":1.1"), KEY, Some(7));
    assert_eq!(ids.begin_call(KEY), 7);
    ids.finish_call(&owner(":1.1"), KEY, Some(8));
    assert_eq!(ids.on_signal(7, pressed()), None, "replaced under another number");
    assert_eq!(ids.forget(KEY), Some(8));
    assert_eq!(ids.forget(KEY), None);
    assert_eq!(ids.on_signal(8, pressed()), None);
}
