use agentport_core::RuleId;
use uuid::Uuid;

use super::*;
use crate::notify::{
    notifier::ClosedBy,
    text::{pending_request, waiting_consent},
};

const NOW: Timestamp = Timestamp(1_000_000);

/// One case. What is not said is as it mostly is: two wait, notifications are on and can be shown.
struct Case {
    consents: u128,
    waiting: u128,
    settings: NotificationSettings,
    reachability: Reachability,
    closed: &'static [u128],
    summed_up: u128,
    in_window: u128,
    undo: bool,
    attention: Attention,
    shown: &'static [u128],
}

impl Default for Case {
    fn default() -> Self {
        Self {
            consents: 0,
            waiting: 2,
            settings: NotificationSettings { on: true, ..NotificationSettings::default() },
            reachability: Reachability::WithButtons,
            closed: &[],
            summed_up: 0,
            in_window: 0,
            undo: false,
            attention: Attention::Elsewhere,
            shown: &[],
        }
    }
}

/// Consents are numbered from 101.
fn waits(consents: u128, calls: u128) -> WaitingRequests {
    WaitingRequests {
        consents: (101..=100 + consents).map(waiting_consent).collect(),
        calls: (1..=calls).map(pending_request).collect(),
    }
}

fn id(number: u128) -> RequestId {
    match number {
        101.. => waiting_consent(number).id.into(),
        _ => pending_request(number).id.into(),
    }
}

fn planned(case: &Case) -> NotificationPlan {
    let waiting = waits(case.consents, case.waiting);
    let mut dismissed = DismissedRequests::default();
    for number in case.closed {
        dismissed.request_closed(id(*number), ClosedBy::Owner);
    }
    dismissed.summary_closed(&waits(0, case.summed_up));
    dismissed.window_opened(&waits(0, case.in_window));
    let rule = RuleId(Uuid::from_u128(99));
    let undo = TransientNotification::Undo {
        rule,
        sentence: "Claude may use add_note".to_owned(),
        still_waiting: 0,
    };
    let transient = [(NotificationKey::Undo(rule), &undo)];
    plan(&PlanInput {
        pending: &waiting,
        settings: &case.settings,
        transient: if case.undo { &transient } else { &[] },
        transient_time: Duration::from_secs(10),
        reachability: case.reachability,
        dismissed: &dismissed,
        attention: case.attention,
        is_shown: &|shown| case.shown.iter().any(|number| id(*number) == shown),
        now: NOW,
    })
}

/// `want`: the titles of the notifications, with the number of the request for one that has buttons of its own.
fn check(what: &str, case: &Case, want: &[&str], open_window: Option<u128>) {
    let plan = planned(case);
    let got: Vec<String> = plan
        .notifications
        .iter()
        .map(|(key, notification)| match key {
            NotificationKey::Request(RequestId::Call(id)) => id.0.as_u128().to_string(),
            NotificationKey::Request(RequestId::Consent(id)) => id.0.as_u128().to_string(),
            NotificationKey::Summary
            | NotificationKey::Undo(_)
            | NotificationKey::Sample
            | NotificationKey::Message(_) => notification.title.clone(),
        })
        .collect();
    assert_eq!(got, want, "{what}");
    assert_eq!(plan.open_window, open_window.map(id), "{what}: open_window");
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
    let off = NotificationSettings::default();
    let silent = |until| NotificationSettings {
        on: true,
        silent_until: Some(Timestamp(until)),
        ..off.clone()
    };
    for (what, settings, quiet) in [
        ("off", off.clone(), true),
        ("silent", silent(NOW.0 + 1), true),
        ("silent until now", silent(NOW.0), false),
        ("silent once", silent(0), false),
    ] {
        let case = Case { settings, ..Case::default() };
        check(what, &case, if quiet { &[] } else { &["1", "2"] }, None);
        let nobody = Case { reachability: Reachability::Unreachable, ..case };
        check(what, &nobody, &[], (!quiet).then_some(1));
    }
}

#[test]
fn quiet_ends_by_itself() {
    let until = Timestamp(NOW.0 + 1);
    let settings = NotificationSettings {
        on: true,
        silent_until: Some(until),
        ..NotificationSettings::default()
    };
    for (waiting, on, want) in [(1, true, Some(until)), (0, true, None), (1, false, None)] {
        let settings = NotificationSettings { on, ..settings.clone() };
        assert_eq!(planned(&Case { waiting, settings, ..Case::default() }).silence_ends, want);
    }
}

#[test]
fn without_buttons_the_window_opens() {
    for reachability in [Reachability::Unreachable, Reachability::WithoutButtons] {
        for (what, in_window, closed, want) in [
            ("new", 0, &[][..], Some(1)),
            ("one more", 1, &[], Some(2)),
            ("nothing new", 2, &[], None),
            ("closed by the owner before", 0, &[1], Some(2)),
            ("all closed", 0, &[1, 2], None),
        ] {
            check(what, &Case { reachability, in_window, closed, ..Case::default() }, &[], want);
        }
    }
}

#[test]
fn nothing_is_done_before_anything_is_known() {
    check(
        "unknown",
        &Case { reachability: Reachability::Unknown, undo: true, ..Case::default() },
        &[],
        None,
    );
}

#[test]
fn short_notices_come_last_and_in_quiet_too() {
    let undo = "Allowed from now on";
    let case = Case { undo: true, ..Case::default() };
    check("beside requests", &case, &["1", "2", undo], None);
    check("off", &Case { settings: NotificationSettings::default(), ..case }, &[undo], None);
    let without = Case {
        reachability: Reachability::WithoutButtons,
        waiting: 0,
        undo: true,
        ..Case::default()
    };
    check("without buttons", &without, &[undo], None);
    assert!(planned(&without).notifications[0].1.buttons.is_empty());
    check("nobody", &Case { reachability: Reachability::Unreachable, ..without }, &[], None);
}

#[test]
fn nothing_new_is_put_over_a_window_that_shows_it() {
    let one = Attention::Request(id(1));
    for (what, waiting, attention, shown, want) in [
        ("in the inbox", 2, Attention::Inbox, &[][..], &[][..]),
        ("one came before", 2, Attention::Inbox, &[1], &["1"]),
        ("many", 5, Attention::Inbox, &[1, 2], &["1", "2"]),
        ("another page", 2, Attention::Elsewhere, &[], &["1", "2"]),
        ("one request's own window", 2, one, &[], &["2"]),
        ("beyond the first three", 5, one, &[], &["2", "3", "2 more requests wait"]),
    ] {
        check(what, &Case { waiting, attention, shown, ..Case::default() }, want, None);
    }
    for (attention, want) in [(Attention::Inbox, None), (one, Some(2))] {
        let case = Case { reachability: Reachability::Unreachable, attention, ..Case::default() };
        check("without notifications", &case, &[], want);
    }
}

#[test]
fn agents_that_want_in_come_first_and_take_no_place_of_a_call() {
    for (what, consents, waiting, closed, attention, want) in [
        ("alone", 1, 0, &[][..], Attention::Elsewhere, &["101"][..]),
        ("beside calls", 1, 3, &[], Attention::Elsewhere, &["101", "1", "2", "3"]),
        ("many", 4, 1, &[], Attention::Elsewhere, &["101", "102", "1", "2 more requests wait"]),
        ("dismissed", 3, 0, &[101], Attention::Elsewhere, &["102", "1 more request waits"]),
        ("in the inbox", 3, 0, &[], Attention::Inbox, &[]),
        ("on its own page", 1, 1, &[], Attention::Request(id(101)), &["1"]),
    ] {
        let case = Case { consents, waiting, closed, attention, ..Case::default() };
        check(what, &case, want, None);
    }
    let case = Case { consents: 1, waiting: 1, ..Case::default() };
    let without = Case { reachability: Reachability::WithoutButtons, ..case };
    check("without buttons the window opens", &without, &[], Some(101));
    let silent = NotificationSettings {
        on: true,
        silent_until: Some(Timestamp(NOW.0 + 1)),
        ..NotificationSettings::default()
    };
    check("in silence", &Case { settings: silent, ..without }, &[], None);
}
