use agentport_core::RuleId;
use uuid::Uuid;

use super::*;
use crate::notify::{notifier::ClosedBy, words::waiting};

const NOW: Timestamp = Timestamp(1_000_000);

/// One case. What is not said is as it mostly is: two wait, notifications are on and can be shown.
struct Case {
    waiting: u128,
    wishes: Wishes,
    reach: Reach,
    closed: &'static [u128],
    summed_up: u128,
    surfaced: u128,
    undo: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            waiting: 2,
            wishes: Wishes { on: true, ..Wishes::default() },
            reach: Reach::WithButtons,
            closed: &[],
            summed_up: 0,
            surfaced: 0,
            undo: false,
        }
    }
}

fn waits(count: u128) -> Vec<Waiting> {
    (1..=count).map(waiting).collect()
}

fn planned(case: &Case) -> Plan {
    let waiting = waits(case.waiting);
    let mut memory = Memory::default();
    for number in case.closed {
        memory.close(crate::notify::words::waiting(*number).id, ClosedBy::Owner);
    }
    memory.close_summary(&waits(case.summed_up));
    memory.surface(&waits(case.surfaced));
    let rule = RuleId(Uuid::from_u128(99));
    let undo = Passing::Undo { rule, sentence: "Claude may use add_note".to_owned() };
    let passing = [(Key::Undo(rule), &undo)];
    plan(&Situation {
        waiting: &waiting,
        wishes: &case.wishes,
        passing: if case.undo { &passing } else { &[] },
        lasts: Duration::from_secs(10),
        reach: case.reach,
        memory: &memory,
        now: NOW,
    })
}

/// `want`: the titles of the notices, with the number of the request for one that has buttons of its own.
fn check(what: &str, case: &Case, want: &[&str], surface: Option<u128>) {
    let plan = planned(case);
    let got: Vec<String> = plan
        .notices
        .iter()
        .map(|(key, notice)| match key {
            Key::Request(id) => id.0.as_u128().to_string(),
            Key::Summary | Key::Undo(_) | Key::Tell(_) => notice.title.clone(),
        })
        .collect();
    assert_eq!(got, want, "{what}");
    assert_eq!(plan.surface, surface.map(|number| waiting(number).id), "{what}: surface");
}

#[test]
fn three_have_notices_and_the_others_one() {
    for (count, want) in [
        (0, &[][..]),
        (1, &["1"]),
        (3, &["1", "2", "3"]),
        (4, &["1", "2", "3", "1 more request waits"]),
        (5, &["1", "2", "3", "2 more requests wait"]),
        (50, &["1", "2", "3", "47 more requests wait"]),
    ] {
        check(&count.to_string(), &Case { waiting: count, ..Case::default() }, want, None);
    }
}

#[test]
fn what_was_closed_stays_closed() {
    for (what, closed, summed_up, want) in [
        ("one of two", &[1][..], 0, &["2"][..]),
        ("its place stays taken", &[1], 4, &["2", "3"]),
        ("the summary, and nothing new", &[], 5, &["1", "2", "3"]),
        ("the summary, and one more", &[], 4, &["1", "2", "3", "2 more requests wait"]),
        ("all but one more", &[1, 2, 3], 4, &["5 requests wait for you"]),
        ("all", &[1, 2, 3], 5, &[]),
    ] {
        let waiting = match what {
            "one of two" => 2,
            "its place stays taken" => 4,
            _ => 5,
        };
        check(what, &Case { waiting, closed, summed_up, ..Case::default() }, want, None);
    }
}

#[test]
fn the_owner_may_want_quiet() {
    let off = Wishes::default();
    let silent = |until| Wishes { on: true, silent_until: Some(Timestamp(until)), ..off.clone() };
    for (what, wishes, quiet) in [
        ("off", off.clone(), true),
        ("silent", silent(NOW.0 + 1), true),
        ("silent until now", silent(NOW.0), false),
        ("silent once", silent(0), false),
    ] {
        let case = Case { wishes, ..Case::default() };
        check(what, &case, if quiet { &[] } else { &["1", "2"] }, None);
        let nobody = Case { reach: Reach::Nobody, ..case };
        check(what, &nobody, &[], (!quiet).then_some(1));
    }
}

#[test]
fn quiet_ends_by_itself() {
    let until = Timestamp(NOW.0 + 1);
    let wishes = Wishes { on: true, silent_until: Some(until), ..Wishes::default() };
    for (waiting, on, want) in [(1, true, Some(until)), (0, true, None), (1, false, None)] {
        let wishes = Wishes { on, ..wishes.clone() };
        assert_eq!(planned(&Case { waiting, wishes, ..Case::default() }).again, want);
    }
}

#[test]
fn without_buttons_the_window_opens() {
    for reach in [Reach::Nobody, Reach::WithoutButtons] {
        for (what, surfaced, closed, want) in [
            ("new", 0, &[][..], Some(1)),
            ("one more", 1, &[], Some(2)),
            ("nothing new", 2, &[], None),
            ("closed by the owner before", 0, &[1], Some(2)),
            ("all closed", 0, &[1, 2], None),
        ] {
            check(what, &Case { reach, surfaced, closed, ..Case::default() }, &[], want);
        }
    }
}

#[test]
fn nothing_is_done_before_anything_is_known() {
    check("unknown", &Case { reach: Reach::Unknown, undo: true, ..Case::default() }, &[], None);
}

#[test]
fn short_notices_come_last_and_in_quiet_too() {
    let undo = "Allowed from now on";
    let case = Case { undo: true, ..Case::default() };
    check("beside requests", &case, &["1", "2", undo], None);
    check("off", &Case { wishes: Wishes::default(), ..case }, &[undo], None);
    let without = Case { reach: Reach::WithoutButtons, waiting: 0, undo: true, ..Case::default() };
    check("without buttons", &without, &[undo], None);
    assert!(planned(&without).notices[0].1.buttons.is_empty());
    check("nobody", &Case { reach: Reach::Nobody, ..without }, &[], None);
}
