use agentport_core::RuleId;
use uuid::Uuid;

use super::*;
use crate::notify::{Waiting, Wishes, words::waiting};
use fake::{Bench, Call, Mood};

mod fake;

fn on() -> Wishes {
    Wishes { on: true, ..Wishes::default() }
}

fn waits(numbers: impl IntoIterator<Item = u128>) -> Vec<Waiting> {
    numbers.into_iter().map(waiting).collect()
}

fn key(number: u128) -> Key {
    Key::Request(waiting(number).id)
}

#[tokio::test]
async fn what_the_owner_presses_is_meant() {
    let mut bench = Bench::ready().await;
    let id = |number| waiting(number).id;
    for (number, button, want) in [
        (1, "approve", Intent::Approve(id(1))),
        (2, "deny", Intent::Deny(id(2))),
        (3, "always", Intent::Always(id(3))),
        (4, "default", Intent::Open(id(4))),
    ] {
        bench.notifications.show(waits([number]), on());
        assert_eq!(bench.shown().await.0, key(number));
        bench.press(key(number), button).await;
        assert_eq!(bench.intent().await, want);
        // What was answered goes, and a second press is none.
        assert_eq!(bench.call().await, Call::Withdraw(key(number)));
        bench.press(key(number), "approve").await;
        bench.nothing_else().await;
    }
}

#[tokio::test]
async fn only_what_was_offered_can_be_pressed() {
    let mut bench = Bench::ready().await;
    let destructive = Waiting { destructive: true, ..waiting(1) };
    bench.notifications.show(vec![destructive], on());
    bench.shown().await;
    for (key, button) in [(key(1), "approve"), (key(1), "always"), (key(2), "approve")] {
        bench.press(key, button).await;
    }
    bench.nothing_else().await;
    bench.press(key(1), "review").await;
    assert_eq!(bench.intent().await, Intent::Open(waiting(1).id));
}

#[tokio::test]
async fn a_double_click_allows_one() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1, 2]), on());
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    bench.press(key(1), "approve").await;
    bench.press(key(2), "approve").await;
    assert_eq!(bench.intent().await, Intent::Approve(waiting(1).id));
    assert_eq!(bench.intent().await, Intent::Open(waiting(2).id));
}

#[tokio::test]
async fn what_is_decided_elsewhere_is_withdrawn() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1, 2]), on());
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    bench.notifications.show(waits([2]), on());
    assert_eq!(bench.call().await, Call::Withdraw(key(1)));
    // A click on its way meanwhile comes to nothing.
    bench.press(key(1), "approve").await;
    bench.nothing_else().await;
}

#[tokio::test]
async fn closing_decides_nothing_and_lasts() {
    let mut bench = Bench::ready().await;
    for (number, by) in [(1, ClosedBy::Owner), (2, ClosedBy::Server)] {
        bench.notifications.show(waits([number]), on());
        bench.shown().await;
        bench.hear(Heard::Closed { key: key(number), by }).await;
        bench.nothing_else().await;
        bench
            .notifications
            .show(vec![Waiting { note: Some("hurry".into()), ..waiting(number) }], on());
        bench.nothing_else().await;
    }
}

#[tokio::test]
async fn fifty_at_once_are_four() {
    let mut bench = Bench::ready().await;
    bench.mood(Mood::Hangs);
    for count in 1..=50 {
        bench.notifications.show(waits(1..=count), on());
    }
    // It had been asked for the first, or for what there was by then, before it hung.
    let first = bench.shown().await.0;
    bench.mood(Mood::Fine);
    assert_eq!(first, key(1));
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(2), key(3)));
    let (summary, notice) = bench.shown().await;
    assert_eq!((summary, &*notice.title), (Key::Summary, "47 more requests wait"));
    bench.nothing_else().await;
    bench.press(Key::Summary, "inbox").await;
    assert_eq!(bench.intent().await, Intent::OpenInbox);
}

#[tokio::test]
async fn silence_ends() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    let until = clock::now().plus(Duration::from_millis(200));
    bench.notifications.show(waits([1, 2]), Wishes { silent_until: Some(until), ..on() });
    assert_eq!(bench.call().await, Call::Withdraw(key(1)));
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    assert!(clock::now() >= until);
}

#[tokio::test]
async fn off_is_off() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.notifications.show(waits([1]), Wishes::default());
    assert_eq!(bench.call().await, Call::Withdraw(key(1)));
    bench.mood(Mood::Nobody);
    bench.hear(Heard::Gone { wakes: false }).await;
    bench.notifications.show(waits([1, 2]), Wishes::default());
    bench.mood(Mood::Fine);
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    bench.nothing_else().await;
}

#[tokio::test]
async fn wishes_change_what_is_up() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.notifications.show(waits([1]), Wishes { second_factor: true, ..on() });
    let (again, notice) = bench.shown().await;
    assert_eq!((again, notice.buttons[0].label), (key(1), "Review…"));
    bench.press(key(1), "approve").await;
    bench.nothing_else().await;
}

#[tokio::test]
async fn without_buttons_the_window_opens() {
    let mut bench = Bench::new(Limits::default());
    bench.notifications.show(waits([1, 2]), on());
    bench.mood(Mood::WithoutButtons);
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    assert_eq!(bench.intent().await, Intent::Surface(waiting(1).id));
    assert!(!bench.notifications.capabilities().await.buttons);
    bench.nothing_else().await;
    bench.notifications.show(waits([1, 2, 3]), on());
    assert_eq!(bench.intent().await, Intent::Surface(waiting(3).id));
}

#[tokio::test]
async fn whoever_shows_notices_comes_and_goes() {
    let mut bench = Bench::new(Limits::default());
    bench.hear(Heard::Gone { wakes: false }).await;
    assert_eq!(bench.notifications.capabilities().await, Capabilities::default());
    bench.notifications.show(waits([1]), on());
    assert_eq!(bench.intent().await, Intent::Surface(waiting(1).id));
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    assert_eq!(bench.shown().await.0, key(1));
    bench.hear(Heard::Gone { wakes: false }).await;
    assert_eq!(bench.intent().await, Intent::Surface(waiting(1).id));
    bench.press(key(1), "approve").await;
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    assert_eq!(bench.shown().await.0, key(1));
    assert_eq!(bench.notifications.capabilities().await.server.as_deref(), Some("fake"));
    bench.nothing_else().await;
}

#[tokio::test]
async fn only_what_the_owner_closed_stays_closed_when_another_comes() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1, 2]), on());
    assert_eq!((bench.shown().await.0, bench.shown().await.0), (key(1), key(2)));
    bench.hear(Heard::Closed { key: key(1), by: ClosedBy::Owner }).await;
    bench.hear(Heard::Closed { key: key(2), by: ClosedBy::Server }).await;
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    assert_eq!(bench.shown().await.0, key(2));
    bench.nothing_else().await;
}

#[tokio::test]
async fn one_who_sleeps_is_woken_for_a_request() {
    let mut bench = Bench::ready().await;
    bench.nothing_else().await;
    bench.hear(Heard::Gone { wakes: true }).await;
    bench.notifications.show(waits([1]), on());
    assert_eq!(bench.call().await, Call::Look);
    assert_eq!(bench.shown().await.0, key(1));
    bench.nothing_else().await;
}

#[tokio::test]
async fn one_who_fails_is_given_up_and_tried_again() {
    for mood in [Mood::Refuses, Mood::Hangs] {
        let limits = Limits { retry: Duration::from_millis(50), ..Limits::default() };
        let mut bench = Bench::new(limits);
        bench.hear(Heard::Here).await;
        assert_eq!(bench.call().await, Call::Look);
        bench.mood(mood);
        bench.notifications.show(waits([1]), on());
        assert_eq!(bench.shown().await.0, key(1));
        if mood == Mood::Hangs {
            // The notifier has limits of its own. Until they are reached, all else goes on.
            bench.press(key(1), "deny").await;
            assert_eq!(bench.intent().await, Intent::Deny(waiting(1).id));
            continue;
        }
        assert_eq!(bench.intent().await, Intent::Surface(waiting(1).id));
        bench.mood(Mood::Fine);
        while bench.call().await == Call::Look {}
        // It is shown once more, and the window is not opened again.
        bench.nothing_else().await;
    }
}

#[tokio::test]
async fn what_one_did_who_has_gone_says_nothing_of_the_next() {
    let mut bench = Bench::ready().await;
    bench.mood(Mood::Hangs);
    bench.notifications.show(waits([1]), on());
    assert_eq!(bench.shown().await.0, key(1));
    bench.hear(Heard::Here).await;
    // Taken in before what follows, or the press would mean something.
    bench.press(key(1), "approve").await;
    bench.mood(Mood::RefusesOnce);
    assert_eq!(bench.call().await, Call::Look);
    assert_eq!(bench.shown().await.0, key(1));
    bench.nothing_else().await;
}

#[tokio::test]
async fn a_notice_nobody_hears_of_is_none() {
    let mut bench = Bench::ready().await;
    bench.notifications.show(waits([1]), on());
    bench.shown().await;
    bench.hear(Heard::Lost { key: key(7) }).await;
    bench.nothing_else().await;
    bench.hear(Heard::Lost { key: key(1) }).await;
    assert_eq!(bench.intent().await, Intent::Surface(waiting(1).id));
}

#[tokio::test]
async fn undo_is_there_for_a_while() {
    let limits = Limits { passing: Duration::from_millis(100), ..Limits::default() };
    let mut bench = Bench::new(limits);
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    let rule = |number| RuleId(Uuid::from_u128(number));
    bench.notifications.undo(rule(1), "Claude may use add_note".to_owned());
    assert_eq!(bench.shown().await.0, Key::Undo(rule(1)));
    bench.press(Key::Undo(rule(1)), "undo").await;
    assert_eq!(bench.intent().await, Intent::Undo(rule(1)));
    assert_eq!(bench.call().await, Call::Withdraw(Key::Undo(rule(1))));

    bench.notifications.undo(rule(2), "Claude may use add_note".to_owned());
    assert_eq!(bench.shown().await.0, Key::Undo(rule(2)));
    assert_eq!(bench.call().await, Call::Withdraw(Key::Undo(rule(2))));
    bench.press(Key::Undo(rule(2)), "undo").await;
    bench.nothing_else().await;
}

#[tokio::test]
async fn stopping_takes_all_away() {
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
async fn stopping_waits_for_nobody() {
    let limits = Limits { leaving: Duration::from_millis(50), ..Limits::default() };
    let mut bench = Bench::new(limits);
    bench.hear(Heard::Here).await;
    assert_eq!(bench.call().await, Call::Look);
    bench.mood(Mood::Hangs);
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
