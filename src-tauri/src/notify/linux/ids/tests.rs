use super::*;

const KEY: Key = Key::Summary;
const OTHER: Key = Key::Tell(1);

fn owner(name: &str) -> OwnedUniqueName {
    OwnedUniqueName::try_from(name).unwrap()
}

fn ids() -> Ids {
    let mut ids = Ids::default();
    ids.belong_to(Some(owner(":1.1")));
    ids
}

fn shown(ids: &mut Ids, key: Key, number: u32) -> Vec<Heard> {
    ids.calling(key);
    ids.answered(&owner(":1.1"), key, Some(number))
}

fn pressed() -> Signal {
    Signal::Pressed("approve".to_owned())
}

fn heard(key: Key) -> Heard {
    Heard::Pressed { key, button: "approve".to_owned() }
}

#[test]
fn only_our_notices_are_heard_of() {
    let mut ids = ids();
    assert_eq!(shown(&mut ids, KEY, 7), []);
    assert_eq!(ids.hear(8, pressed()), None);
    assert_eq!(ids.hear(7, pressed()), Some(heard(KEY)));
    let closed = Heard::Closed { key: KEY, by: ClosedBy::Owner };
    assert_eq!(ids.hear(7, Signal::Closed(ClosedBy::Owner)), Some(closed));
    assert_eq!(ids.hear(7, pressed()), None, "closed");
}

#[test]
fn a_signal_may_come_before_its_number() {
    let mut ids = ids();
    ids.calling(KEY);
    assert_eq!(ids.hear(7, pressed()), None);
    assert_eq!(ids.hear(8, pressed()), None);
    assert_eq!(ids.answered(&owner(":1.1"), KEY, Some(7)), [heard(KEY)]);
    assert_eq!(shown(&mut ids, OTHER, 8), [], "what was said of another before it was shown");
}

#[test]
fn what_comes_early_is_bounded() {
    let mut ids = ids();
    ids.calling(KEY);
    for number in 0..1000 {
        ids.hear(number, pressed());
    }
    assert_eq!(ids.early.len(), EARLY);
    ids.answered(&owner(":1.1"), KEY, None);
    assert!(ids.early.is_empty());
}

#[test]
fn another_owner_has_none_of_ours() {
    let mut ids = ids();
    shown(&mut ids, KEY, 7);
    ids.calling(OTHER);
    ids.belong_to(Some(owner(":1.2")));
    assert_eq!(ids.hear(7, pressed()), None);
    assert_eq!(ids.answered(&owner(":1.1"), OTHER, Some(9)), [], "the answer of the one before");
    assert_eq!(ids.hear(9, pressed()), None);
    assert_eq!(ids.calling(KEY), 0);
}

#[test]
fn a_call_the_one_before_still_owes_keeps_no_ear_open() {
    let mut ids = ids();
    ids.calling(OTHER);
    ids.belong_to(Some(owner(":1.2")));
    let answered = |ids: &mut Ids, key, number| {
        ids.calling(key);
        ids.answered(&owner(":1.2"), key, Some(number))
    };
    ids.calling(KEY);
    assert_eq!(ids.hear(2, pressed()), None);
    assert_eq!(ids.answered(&owner(":1.2"), KEY, Some(1)), []);
    assert_eq!(answered(&mut ids, OTHER, 2), [], "said before it was shown");
    assert_eq!(ids.answered(&owner(":1.1"), OTHER, Some(9)), []);
    assert_eq!(ids.hear(2, pressed()), Some(heard(OTHER)));
}

#[test]
fn a_notice_is_replaced_and_forgotten() {
    let mut ids = ids();
    assert_eq!(ids.calling(KEY), 0);
    ids.answered(&owner(":1.1"), KEY, Some(7));
    assert_eq!(ids.calling(KEY), 7);
    ids.answered(&owner(":1.1"), KEY, Some(8));
    assert_eq!(ids.hear(7, pressed()), None, "replaced under another number");
    assert_eq!(ids.forget(KEY), Some(8));
    assert_eq!(ids.forget(KEY), None);
    assert_eq!(ids.hear(8, pressed()), None);
}
