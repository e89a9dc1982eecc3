use std::sync::Arc;

use agentport_api::{ApprovalView, ConsentState, ConsentView, NewKey};
use agentport_core::approval::StateName;

use super::*;
use crate::{
    notify::NotificationKey,
    testing::{Lab, Machine},
};

struct Bench {
    lab: Lab,
    machine: Arc<Machine>,
    actions: NotificationActions,
    agent: NewKey,
    _intents: mpsc::Receiver<Intent>,
}

async fn bench() -> Bench {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let (context, intents) = lab.context(&machine);
    let agent = lab.agent("Claude").await;
    Bench { lab, machine, actions: NotificationActions(context), agent, _intents: intents }
}

impl Bench {
    async fn state(&self, id: ApprovalId) -> StateName {
        let path = format!("/control/approvals/{id}");
        let view: ApprovalView = self.lab.control.get(&path).await.unwrap();
        view.state.name()
    }

    async fn rules(&self) -> Vec<RuleView> {
        let rules: Vec<RuleView> = self.lab.control.list("/control/policy").await.unwrap();
        rules.into_iter().filter(|view| view.rule.agent == Some(self.agent.id)).collect()
    }
}

#[tokio::test]
async fn approve_and_deny_decide_this_request() {
    let bench = bench().await;
    let (one, other) =
        (bench.lab.call(&bench.agent, "a").await, bench.lab.call(&bench.agent, "b").await);
    bench.actions.carry_out(Intent::Approve(one)).await;
    assert_eq!(bench.state(one).await, StateName::Approved);
    bench.actions.carry_out(Intent::Deny(other)).await;
    assert_eq!(bench.state(other).await, StateName::Denied);
    assert!(bench.rules().await.is_empty(), "nothing lasting came of it");
    assert!(bench.machine.done().is_empty());
    bench.lab.supervisor.stop().await;
}

#[tokio::test]
async fn always_makes_a_rule_that_undo_takes_back() {
    let bench = bench().await;
    let id = bench.lab.call(&bench.agent, "a").await;
    bench.actions.carry_out(Intent::Always(id)).await;
    let rules = bench.rules().await;
    assert_eq!(rules.len(), 1);
    let sentence = &rules[0].sentence;
    bench.machine.shows(&format!("Allowed from now on: {sentence}")).await;
    let undo = NotificationKey::Undo(rules[0].rule.id);
    assert!(bench.machine.shown.borrow().contains_key(&undo));
    bench.actions.carry_out(Intent::Undo(rules[0].rule.id)).await;
    assert!(bench.rules().await.is_empty());
    bench.machine.shows("Taken back").await;
    bench.actions.carry_out(Intent::Undo(rules[0].rule.id)).await;
    bench.machine.shows("Not taken back").await;
    bench.lab.supervisor.stop().await;
}

#[tokio::test]
async fn always_runs_no_other_request_and_counts_those_that_wait() {
    let bench = bench().await;
    let mut ids = Vec::new();
    for text in ["a", "b", "c"] {
        ids.push(bench.lab.call(&bench.agent, text).await);
    }
    bench.actions.carry_out(Intent::Always(ids[0])).await;
    assert_eq!(bench.state(ids[0]).await, StateName::Approved);
    for other in &ids[1..] {
        assert_eq!(bench.state(*other).await, StateName::Pending, "unseen arguments");
    }
    bench.machine.shows("Allowed from now on").await;
    let shown = bench.machine.shown.borrow().clone();
    let body = &shown.values().next().unwrap().body;
    assert!(body.ends_with("2 other requests for it still wait for you."), "{body}");
    bench.lab.supervisor.stop().await;
}

#[tokio::test]
async fn a_failure_is_shown_and_continues_in_the_window() {
    let bench = bench().await;
    let id = bench.lab.call(&bench.agent, "a").await;
    bench.actions.carry_out(Intent::Deny(id)).await;
    for (intent, message) in [
        (Intent::Approve(id), "Not approved"),
        (Intent::Always(id), "Not approved"),
        (Intent::Deny(id), "Not denied"),
    ] {
        let before = bench.machine.done().len();
        bench.machine.shown.send_replace(Default::default());
        bench.actions.carry_out(intent).await;
        bench.machine.shows(message).await;
        let done = bench.machine.done();
        assert_eq!(done[before..], [format!("approval {id} Asked")], "{intent:?}");
    }
    assert!(bench.rules().await.is_empty());
    bench.lab.supervisor.stop().await;
    bench.actions.carry_out(Intent::Approve(id)).await;
    bench.machine.shows("Not approved: AgentPort's gateway is not running").await;
}

#[tokio::test]
async fn opening_opens() {
    let bench = bench().await;
    let id = bench.lab.call(&bench.agent, "a").await;
    for intent in [Intent::Open(id.into()), Intent::OpenWindow(id.into()), Intent::OpenInbox] {
        bench.actions.carry_out(intent).await;
    }
    let done =
        [format!("approval {id} Asked"), format!("approval {id} ByItself"), "main #/".into()];
    assert_eq!(bench.machine.done(), done);
    assert_eq!(bench.state(id).await, StateName::Pending);
    bench.lab.supervisor.stop().await;
}

#[tokio::test]
async fn an_agent_is_let_in_or_refused_from_its_notification() {
    let bench = bench().await;
    let state = async |id: ConsentId| {
        let path = format!("/control/consents/{id}");
        bench.lab.control.get::<ConsentView>(&path).await.unwrap().state
    };
    let (one, other) = (bench.lab.wants_in("One").await, bench.lab.wants_in("Other").await);
    bench.actions.carry_out(Intent::LetIn(one.id, None)).await;
    bench.actions.carry_out(Intent::Refuse(other.id)).await;
    assert_eq!(state(one.id).await, ConsentState::Approved);
    assert_eq!(state(other.id).await, ConsentState::Denied);
    assert!(bench.machine.done().is_empty());

    // What was decided already, or is not as the notification said, is shown and goes on in the window.
    let third = bench.lab.wants_in("Third").await;
    for (intent, message, id) in [
        (Intent::LetIn(one.id, None), "Not let in", one.id),
        (Intent::Refuse(one.id), "Not refused", one.id),
        (Intent::LetIn(third.id, Some(bench.agent.id)), "Not let in", third.id),
    ] {
        let before = bench.machine.done().len();
        bench.machine.shown.send_replace(Default::default());
        bench.actions.carry_out(intent).await;
        bench.machine.shows(message).await;
        let done = bench.machine.done();
        assert_eq!(done[before..], [format!("consent {id} Asked")], "{intent:?}");
    }
    assert_eq!(state(third.id).await, ConsentState::Waiting);
    bench.lab.supervisor.stop().await;
}
