use agentport_core::{RuleId, tool::ToolEffect};
use uuid::Uuid;

use self::fake::{Behaviour, Bench, Call};
use super::*;
use crate::{
    gateway::state::{PendingRequest, WaitingRequests},
    notify::{
        NotificationSettings,
        text::{pending_request, waiting_consent},
    },
};

mod fake;

fn on() -> NotificationSettings {
    NotificationSettings { on: true, ..NotificationSettings::default() }
}

fn waits(numbers: impl IntoIterator<Item = u128>) -> WaitingRequests {
    calls(numbers.into_iter().map(pending_request))
}

fn calls(calls: impl IntoIterator<Item = PendingRequest>) -> WaitingRequests {
    WaitingRequests { calls: calls.into_iter().collect(), ..WaitingRequests::default() }
}

fn key(number: u128) -> NotificationKey {
    NotificationKey::Request(pending_request(number).id.into())
}

#[tokio::test]
async fn a_press_becomes_an_intent() {
    let mut bench = Bench::ready().await;
    let id = |number| pending_request(number).id;
    for (number, button, want) in [
        (1, "approve", Intent::Approve(id(1))),
        (2, "deny", Intent::Deny(id(2))),
        (3, "always", Intent::Always(id(3))),
        (4, "default", Intent::Open(id(4).into())),
    ] {
        bench.notifications.show(waits([number]), on());
        assert_eq!(bench.shown().await.0, key(number));
        bench.press(key(number), button).await;
        assert_eq!(bench.intent().await, want);
        // What was answered is withdrawn, and a second press is ignored.
        assert_eq!(bench.call().await, Call::Withdraw(key(number)));
        bench.press(key(number), "approve").await;
        bench.nothing_else().await;
    }
}

#[tokio::test]
async fn only_what_was_offered_can_be_pressed() {
    let mut bench = Bench::ready().await;
    let destructive = PendingRequest { effect: ToolEffect::Destroys, ..pending_request(1) };
    bench.notifications.show(calls([destructive]), on());
    bench.shown().await;
    for (key, button) in [(key(1), "approve"), (key(1), "always"), (key(2), "approve")] {
        bench.press(key, button).await;
    }
    bench.nothing_else().await;
    bench.press(key(1), "review").await;
    assert_eq!(bench.intent().await, Intent::Open(pending_request(1).id.into()));
}

#[tokio::test]
async fn a_double_click_allows_one() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1, 2]), on());
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    bench.press(key(1), "approve").await;
    bench.press(key(2), "approve").await;
    assert_eq!(bench.intent().await, Intent::Approve(pending_request(1).id));
    assert_eq!(bench.intent().await, Intent::Open(pending_request(2).id.into()));
}

#[tokio::test]
async fn what_is_decided_elsewhere_is_withdrawn() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1, 2]), on());
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    bench.notifications.show(waits([2]), on());
    assert_eq!(bench.call().await, Call::Withdraw(key(1)));
    // A click on its way meanwhile is ignored.
    bench.press(key(1), "approve").await;
    bench.nothing_else().await;
}

#[tokio::test]
async fn closing_decides_nothing_and_lasts() {
    let mut bench = Bench::ready().await;
    for (number, by) in [(1, ClosedBy::Owner), (2, ClosedBy::Daemon)] {
        bench.notifications.show(waits([number]), on());
        bench.shown().await;
        bench.event(BackendEvent::Closed { key: key(number), by }).await;
        bench.nothing_else().await;
        bench.notifications.show(
            calls([PendingRequest {
                additional_info: Some("hurry".into()),
                ..pending_request(number)
            }]),
            on(),
        );
        bench.nothing_else().await;
    }
}

#[tokio::test]
async fn fifty_at_once_are_four() {
    let mut bench = Bench::ready().await;
    bench.behave(Behaviour::Hangs);
    for count in 1..=50 {
        bench.notifications.show(waits(1..=count), on());
    }
    // It was called for the first, or for what was pending by then, before it hung.
    let first = bench.shown().await.0;
    bench.behave(Behaviour::Fine);
    assert_eq!(first, key(1));
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(2), key(3)));
    let (summary, notification) = bench.shown().await;
    assert_eq!(
        (summary, &*notification.title),
        (NotificationKey::Summary, "47 more requests wait")
    );
    bench.nothing_else().await;
    bench.press(NotificationKey::Summary, "inbox").await;
    assert_eq!(bench.intent().await, Intent::OpenInbox);
}

#[tokio::test]
async fn silence_ends() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    let until = clock::now().plus(Duration::from_millis(200));
    bench
        .notifications
        .show(waits([1, 2]), NotificationSettings { silent_until: Some(until), ..on() });
    assert_eq!(bench.call().await, Call::Withdraw(key(1)));
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    assert!(clock::now() >= until);
}

#[tokio::test]
async fn off_is_off() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.notifications.show(waits([1]), NotificationSettings::default());
    assert_eq!(bench.call().await, Call::Withdraw(key(1)));
    bench.behave(Behaviour::Unavailable);
    bench.event(BackendEvent::Unavailable { activatable: false }).await;
    bench.notifications.show(waits([1, 2]), NotificationSettings::default());
    bench.behave(Behaviour::Fine);
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    bench.nothing_else().await;
}

#[tokio::test]
async fn settings_change_what_is_shown() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.notifications.show(waits([1]), NotificationSettings { second_factor: true, ..on() });
    let (again, notification) = bench.shown().await;
    assert_eq!((again, notification.buttons[0].label), (key(1), "Review…"));
    bench.press(key(1), "approve").await;
    bench.nothing_else().await;
}

#[tokio::test]
async fn without_buttons_the_window_opens() {
    let mut bench = Bench::new(NotifyTimeouts::default());
    bench.notifications.show(waits([1, 2]), on());
    bench.behave(Behaviour::WithoutButtons);
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    assert_eq!(bench.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    assert!(!bench.notifications.capabilities().await.buttons);
    bench.nothing_else().await;
    bench.notifications.show(waits([1, 2, 3]), on());
    assert_eq!(bench.intent().await, Intent::OpenWindow(pending_request(3).id.into()));
}

#[tokio::test]
async fn daemons_come_and_go() {
    let mut bench = Bench::new(NotifyTimeouts::default());
    bench.event(BackendEvent::Unavailable { activatable: false }).await;
    assert_eq!(bench.notifications.capabilities().await, Capabilities::default());
    bench.notifications.show(waits([1]), on());
    assert_eq!(bench.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    assert_eq!(bench.shown().await.0, key(1));
    bench.event(BackendEvent::Unavailable { activatable: false }).await;
    assert_eq!(bench.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
    bench.press(key(1), "approve").await;
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    assert_eq!(bench.shown().await.0, key(1));
    assert_eq!(bench.notifications.capabilities().await.server.as_deref(), Some("fake"));
    bench.nothing_else().await;
}

#[tokio::test]
async fn only_what_the_owner_closed_stays_closed_with_another_daemon() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1, 2]), on());
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    bench.event(BackendEvent::Closed { key: key(1), by: ClosedBy::Owner }).await;
    bench.event(BackendEvent::Closed { key: key(2), by: ClosedBy::Daemon }).await;
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    assert_eq!(bench.shown().await.0, key(2));
    bench.nothing_else().await;
}

#[tokio::test]
async fn a_sleeping_daemon_is_started_for_a_request() {
    let mut bench = Bench::ready().await;
    bench.nothing_else().await;
    bench.event(BackendEvent::Unavailable { activatable: true }).await;
    bench.notifications.show(waits([1]), on());
    assert_eq!(bench.call().await, Call::Probe);
    assert_eq!(bench.shown().await.0, key(1));
    bench.nothing_else().await;
}

#[tokio::test]
async fn a_failing_daemon_is_given_up_and_retried() {
    for behaviour in [Behaviour::Refuses, Behaviour::Hangs] {
        let timeouts =
            NotifyTimeouts { retry: Duration::from_millis(50), ..NotifyTimeouts::default() };
        let mut bench = Bench::new(timeouts);
        bench.event(BackendEvent::Available).await;
        assert_eq!(bench.call().await, Call::Probe);
        bench.behave(behaviour);
        bench.notifications.show(waits([1]), on());
        assert_eq!(bench.shown().await.0, key(1));
        if behaviour == Behaviour::Hangs {
            // The notifier has timeouts of its own. Until they are reached, all else goes on.
            bench.press(key(1), "deny").await;
            assert_eq!(bench.intent().await, Intent::Deny(pending_request(1).id));
            continue;
        }
        assert_eq!(bench.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
        bench.behave(Behaviour::Fine);
        while bench.call().await == Call::Probe {}
        // It is shown once more, and the window is not opened again.
        bench.nothing_else().await;
    }
}

#[tokio::test]
async fn a_result_of_a_previous_daemon_says_nothing_about_the_next() {
    let mut bench = Bench::ready().await;
    bench.behave(Behaviour::Hangs);
    bench.notifications.show(waits([1]), on());
    assert_eq!(bench.shown().await.0, key(1));
    bench.event(BackendEvent::Available).await;
    // Handled before what follows, or the press would yield an intent.
    bench.press(key(1), "approve").await;
    bench.behave(Behaviour::RefusesOnce);
    assert_eq!(bench.call().await, Call::Probe);
    assert_eq!(bench.shown().await.0, key(1));
    bench.nothing_else().await;
}

#[tokio::test]
async fn a_notification_whose_events_are_lost_is_none() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.event(BackendEvent::Lost { key: key(7) }).await;
    bench.nothing_else().await;
    bench.event(BackendEvent::Lost { key: key(1) }).await;
    assert_eq!(bench.intent().await, Intent::OpenWindow(pending_request(1).id.into()));
}

#[tokio::test]
async fn undo_is_there_for_a_while() {
    let timeouts =
        NotifyTimeouts { transient: Duration::from_millis(100), ..NotifyTimeouts::default() };
    let mut bench = Bench::new(timeouts);
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    let rule = |number| RuleId(Uuid::from_u128(number));
    bench.notifications.offer_undo(rule(1), "Claude may use add_note".to_owned(), 0);
    assert_eq!(bench.shown().await.0, NotificationKey::Undo(rule(1)));
    bench.press(NotificationKey::Undo(rule(1)), "undo").await;
    assert_eq!(bench.intent().await, Intent::Undo(rule(1)));
    assert_eq!(bench.call().await, Call::Withdraw(NotificationKey::Undo(rule(1))));

    bench.notifications.offer_undo(rule(2), "Claude may use add_note".to_owned(), 0);
    assert_eq!(bench.shown().await.0, NotificationKey::Undo(rule(2)));
    assert_eq!(bench.call().await, Call::Withdraw(NotificationKey::Undo(rule(2))));
    bench.press(NotificationKey::Undo(rule(2)), "undo").await;
    bench.nothing_else().await;
}

#[tokio::test]
async fn stopping_withdraws_all() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits(1..=5), on());
    let mut up = Vec::new();
    for _ in 0..4 {
        up.push(bench.shown().await.0);
    }
    bench.stop().await;
    let mut gone = Vec::new();
    for _ in 0..4 {
        match bench.call().await {
            Call::Withdraw(key) => gone.push(key),
            other => panic!("{other:?}"),
        }
    }
    assert!(up.iter().all(|key| gone.contains(key)), "{up:?} {gone:?}");
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_hanging_daemon() {
    let timeouts =
        NotifyTimeouts { withdraw: Duration::from_millis(50), ..NotifyTimeouts::default() };
    let mut bench = Bench::new(timeouts);
    bench.event(BackendEvent::Available).await;
    assert_eq!(bench.call().await, Call::Probe);
    bench.behave(Behaviour::Hangs);
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.stop().await;
}

#[tokio::test]
async fn it_ends_with_its_last_handle() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    let (mut calls, tasks) = bench.drop_handle();
    assert_eq!(calls.recv().await, Some(Call::Withdraw(key(1))));
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn an_agent_is_let_in_or_refused_by_its_notification() {
    let mut bench = Bench::ready().await;
    for (number, button, want) in [
        (1, "let-in", Intent::LetIn(waiting_consent(1).id, None)),
        (2, "refuse", Intent::Refuse(waiting_consent(2).id)),
        (3, "default", Intent::Open(waiting_consent(3).id.into())),
    ] {
        let consents = [waiting_consent(number)].into();
        bench.notifications.show(WaitingRequests { consents, ..waits([]) }, on());
        let key = NotificationKey::Request(waiting_consent(number).id.into());
        assert_eq!(bench.shown().await.0, key);
        bench.press(key, button).await;
        assert_eq!(bench.intent().await, want);
        assert_eq!(bench.call().await, Call::Withdraw(key));
        bench.press(key, "let-in").await;
        bench.nothing_else().await;
    }
}
