use agentport_api::{ApprovalView, NewKey};
use agentport_core::approval::StateName;

use super::*;
use crate::testing::{Lab, Machine};

struct Bench {
    lab: Lab,
    machine: Arc<Machine>,
    act: Act,
    agent: NewKey,
}

async fn bench() -> Bench {
    let lab = Lab::started().await;
    let machine = Machine::new();
    let act = Act { owner: lab.owner.clone(), notices: machine.clone(), desk: machine.clone() };
    let agent = lab.agent("Claude").await;
    Bench { lab, machine, act, agent }
}

impl Bench {
    async fn state(&self, id: ApprovalId) -> StateName {
        let path = format!("/control/approvals/{id}");
        let view: ApprovalView = self.lab.owner.get(&path).await.unwrap();
        view.state.name()
    }

    async fn rules(&self) -> Vec<RuleView> {
        let rules: Items<RuleView> = self.lab.owner.get("/control/policy").await.unwrap();
        rules.items.into_iter().filter(|view| view.rule.agent == Some(self.agent.id)).collect()
    }
}

#[tokio::test]
async fn approve_and_deny_decide_this_request() {
    let bench = bench().await;
    let (one, other) =
        (bench.lab.call(&bench.agent, "a").await, bench.lab.call(&bench.agent, "b").await);
    bench.act.carry_out(Intent::Approve(one)).await;
    assert_eq!(bench.state(one).await, StateName::Approved);
    bench.act.carry_out(Intent::Deny(other)).await;
    assert_eq!(bench.state(other).await, StateName::Denied);
    assert!(bench.rules().await.is_empty(), "nothing lasting came of it");
    assert!(bench.machine.done().is_empty());
    bench.lab.running.stop().await;
}

#[tokio::test]
async fn always_makes_a_rule_that_undo_takes_back() {
    let bench = bench().await;
    let id = bench.lab.call(&bench.agent, "a").await;
    bench.act.carry_out(Intent::Always(id)).await;
    let rules = bench.rules().await;
    assert_eq!(rules.len(), 1);
    assert_eq!(*bench.machine.rules.lock().unwrap(), [rules[0].rule.id]);
    assert_eq!(bench.machine.done(), [format!("undo {}", rules[0].sentence)]);
    bench.act.carry_out(Intent::Undo(rules[0].rule.id)).await;
    assert!(bench.rules().await.is_empty());
    bench.machine.has("tell Taken back").await;
    bench.act.carry_out(Intent::Undo(rules[0].rule.id)).await;
    bench.machine.has("tell Not taken back").await;
    bench.lab.running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_told_and_goes_on_in_the_window() {
    let bench = bench().await;
    let id = bench.lab.call(&bench.agent, "a").await;
    bench.act.carry_out(Intent::Deny(id)).await;
    for (intent, told) in [
        (Intent::Approve(id), "tell Not approved"),
        (Intent::Always(id), "tell Not approved"),
        (Intent::Deny(id), "tell Not denied"),
    ] {
        let before = bench.machine.done().len();
        bench.act.carry_out(intent).await;
        let done = bench.machine.done();
        assert!(done[before].starts_with(told), "{intent:?}: {done:?}");
        assert_eq!(done[before + 1..], [format!("approval {id} Asked")], "{intent:?}");
    }
    assert!(bench.rules().await.is_empty());
    bench.lab.running.stop().await;
    bench.act.carry_out(Intent::Approve(id)).await;
    bench.machine.has("tell Not approved: AgentPort's gateway is not running").await;
}

#[tokio::test]
async fn opening_opens() {
    let bench = bench().await;
    let id = bench.lab.call(&bench.agent, "a").await;
    for intent in [Intent::Open(id), Intent::Surface(id), Intent::OpenInbox] {
        bench.act.carry_out(intent).await;
    }
    let done =
        [format!("approval {id} Asked"), format!("approval {id} ByItself"), "main #/".into()];
    assert_eq!(bench.machine.done(), done);
    assert_eq!(bench.state(id).await, StateName::Pending);
    bench.lab.running.stop().await;
}
