use agentport_core::{
    AccountId, AgentId, ApprovalId, Timestamp,
    approval::{Approval, Audience, Grant, State, StateName, WithdrawnBecause},
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    tool::DefinitionDigest,
};
use serde_json::json;
use uuid::Uuid;

use super::ApprovalFilter;
use crate::store::{
    Transition,
    testing::{integration, store},
};

fn approval(agent: AgentId, created: i64) -> Approval {
    let arguments = json!({"path": "/a", "n": [1, 1.0, 0.1, 18_014_398_509_481_985_u64]});
    let hash = ArgumentsHash::of(&arguments);
    Approval {
        id: ApprovalId(Uuid::now_v7()),
        agent,
        integration: integration("files"),
        account: Some(AccountId(Uuid::from_u128(3))),
        tool: "write".into(),
        digest: DefinitionDigest([7; 32]),
        arguments,
        asked_hash: hash,
        arguments_hash: hash,
        additional_info: None,
        created_at: Timestamp(created),
        expires_at: Timestamp(created + 600),
        state: State::Pending,
    }
}

fn every_state() -> Vec<State> {
    let (at, audience) = (Timestamp(10), Audience::ThisAgent);
    vec![
        State::Pending,
        State::Approved { at, grant: Grant::Once, audience },
        State::Approved { at, grant: Grant::Exact, audience: Audience::EveryAgent },
        State::Approved { at, grant: Grant::Until { at: Timestamp(99) }, audience },
        State::Running { at, grant: Grant::Session, audience, started_at: Timestamp(11) },
        State::Done {
            at,
            grant: Grant::Always,
            audience,
            finished_at: Timestamp(12),
            outcome: OutcomeKind::ToolError,
        },
        State::Denied { at, reason: Some("not today".into()) },
        State::Denied { at, reason: None },
        State::Expired { at, approved_at: None },
        State::Expired { at, approved_at: Some(Timestamp(7)) },
        State::Withdrawn { at, because: WithdrawnBecause::AgentRevoked },
        State::Withdrawn { at, because: WithdrawnBecause::DefinitionChanged },
        State::Withdrawn { at, because: WithdrawnBecause::IntegrationRemoved },
        State::Withdrawn { at, because: WithdrawnBecause::ToolGone },
    ]
}

#[tokio::test]
async fn each_state_comes_back_as_it_was_stored() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    for state in every_state() {
        let stored = Approval { state, ..approval(agent, 1) };
        store.insert_approval(&stored).await.unwrap();
        assert_eq!(store.approval(stored.id).await.unwrap(), Some(stored));
    }
    for state in every_state() {
        let asked = approval(agent, 1);
        store.insert_approval(&asked).await.unwrap();
        let new = Approval { state, ..asked };
        assert_eq!(store.transition(&new, StateName::Pending).await.unwrap(), Transition::Applied);
        assert_eq!(store.approval(new.id).await.unwrap(), Some(new));
    }
}

#[tokio::test]
async fn of_two_decisions_one_counts() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let asked = approval(agent, 1);
    store.insert_approval(&asked).await.unwrap();
    let (at, expires_at) = (Timestamp(5), Timestamp(500));
    let yes =
        asked.clone().approve(Grant::Once, Audience::ThisAgent, None, at, expires_at).unwrap();
    let no = asked.clone().deny(None, at).unwrap();
    let (yes_counts, no_counts) = tokio::join!(
        store.transition(&yes, StateName::Pending),
        store.transition(&no, StateName::Pending)
    );
    let (yes_counts, no_counts) = (yes_counts.unwrap(), no_counts.unwrap());
    assert_ne!(yes_counts, no_counts);
    let winner = if yes_counts == Transition::Applied { yes } else { no };
    assert_eq!(store.approval(asked.id).await.unwrap(), Some(winner));
}

#[tokio::test]
async fn a_transition_carries_edited_arguments() {
    let store = store().await;
    let asked = approval(store.add_agent("a").await, 1);
    store.insert_approval(&asked).await.unwrap();
    let other = json!({"path": "/b"});
    let edited = Some((other.clone(), ArgumentsHash::of(&other)));
    let (at, expires_at) = (Timestamp(5), Timestamp(5_000));
    let new = asked.approve(Grant::Once, Audience::ThisAgent, edited, at, expires_at).unwrap();
    assert_eq!(store.transition(&new, StateName::Pending).await.unwrap(), Transition::Applied);
    let stored = store.approval(new.id).await.unwrap().unwrap();
    assert!(stored.edited());
    assert_eq!(stored, new);
}

#[tokio::test]
async fn is_found_by_state_and_agent() {
    let store = store().await;
    let (a, b) = (store.add_agent("a").await, store.add_agent("b").await);
    let mut all = Vec::new();
    for (at, state) in every_state().into_iter().enumerate() {
        let agent = if at % 2 == 0 { a } else { b };
        let stored = Approval { state, ..approval(agent, at as i64) };
        store.insert_approval(&stored).await.unwrap();
        all.push(stored);
    }
    let newest_first = |keep: &dyn Fn(&Approval) -> bool| -> Vec<Approval> {
        all.iter().rev().filter(|stored| keep(stored)).cloned().collect()
    };
    let filter =
        |states: &[StateName], agent| ApprovalFilter { states: states.to_vec(), agent, limit: 100 };
    let found = store.approvals(filter(&[], None)).await.unwrap();
    assert_eq!(found, newest_first(&|_| true));
    let found =
        store.approvals(filter(&[StateName::Denied, StateName::Expired], None)).await.unwrap();
    assert_eq!(
        found,
        newest_first(&|one| { matches!(one.state, State::Denied { .. } | State::Expired { .. }) })
    );
    let found = store.approvals(filter(&[StateName::Withdrawn], Some(b))).await.unwrap();
    assert_eq!(
        found,
        newest_first(&|one| { one.agent == b && matches!(one.state, State::Withdrawn { .. }) })
    );
    let found = store.approvals(ApprovalFilter { limit: 2, ..filter(&[], None) }).await.unwrap();
    assert_eq!(found, newest_first(&|_| true)[..2]);

    let open = store.open_approvals().await.unwrap();
    assert_eq!(open, all[..5]);
}

#[tokio::test]
async fn the_agents_words_are_taken_once() {
    let store = store().await;
    let asked = approval(store.add_agent("a").await, 1);
    store.insert_approval(&asked).await.unwrap();
    assert_eq!(store.set_additional_info(asked.id, "first").await.unwrap(), Transition::Applied);
    assert_eq!(store.set_additional_info(asked.id, "second").await.unwrap(), Transition::LostRace);
    let stored = store.approval(asked.id).await.unwrap().unwrap();
    assert_eq!(stored.additional_info.as_deref(), Some("first"));
}

#[tokio::test]
async fn a_result_lasts_its_time() {
    let store = store().await;
    let asked = approval(store.add_agent("a").await, 1);
    store.insert_approval(&asked).await.unwrap();
    assert_eq!(store.result(asked.id, Timestamp(1)).await.unwrap(), None);
    store.put_result(asked.id, b"sealed", Timestamp(10)).await.unwrap();
    assert_eq!(
        store.result(asked.id, Timestamp(9)).await.unwrap().as_deref(),
        Some(&b"sealed"[..])
    );
    assert_eq!(store.result(asked.id, Timestamp(10)).await.unwrap(), None);
    assert_eq!(store.delete_results(Timestamp(9)).await.unwrap(), 0);
    assert_eq!(store.delete_results(Timestamp(10)).await.unwrap(), 1);
}

#[tokio::test]
async fn recent_denials_are_those_of_the_tool() {
    let store = store().await;
    let (a, b) = (store.add_agent("a").await, store.add_agent("b").await);
    let denied = |agent, at| Approval {
        state: State::Denied { at: Timestamp(at), reason: None },
        ..approval(agent, 1)
    };
    let mut other_tool = denied(a, 21);
    other_tool.tool = "read".into();
    let expired = Approval {
        state: State::Expired { at: Timestamp(22), approved_at: None },
        ..approval(a, 1)
    };
    for one in [denied(a, 30), denied(a, 20), denied(a, 19), denied(b, 25), other_tool, expired] {
        store.insert_approval(&one).await.unwrap();
    }
    let found =
        store.recent_denials(a, &integration("files"), "write", Timestamp(20)).await.unwrap();
    assert_eq!(found, [Timestamp(20), Timestamp(30)]);

    let all = async || {
        let rows = store.all_recent_denials(Timestamp(20)).await.unwrap();
        rows.into_iter().map(|row| (row.agent, row.tool, row.at.0)).collect::<Vec<_>>()
    };
    let (read, write) = (|| "read".to_owned(), || "write".to_owned());
    assert_eq!(
        all().await,
        [(a, write(), 20), (a, read(), 21), (b, write(), 25), (a, write(), 30)]
    );
    store.reset_denials(a, &integration("files"), "write", Timestamp(20)).await.unwrap();
    assert_eq!(all().await, [(a, read(), 21), (b, write(), 25), (a, write(), 30)]);
}

#[tokio::test]
async fn a_row_that_maps_to_no_state_is_corrupt() {
    for (change, what) in [
        ("UPDATE approvals SET state = 'maybe'", "state: unknown word \"maybe\""),
        ("UPDATE approvals SET granted = NULL", "granted: missing"),
        ("UPDATE approvals SET granted = 'forever'", "granted: unknown word \"forever\""),
        ("UPDATE approvals SET granted = 'until'", "granted_until: missing"),
        ("UPDATE approvals SET audience = NULL", "audience: missing"),
        ("UPDATE approvals SET decided_at = NULL", "decided_at: missing"),
        ("UPDATE approvals SET state = 'running'", "started_at: missing"),
        ("UPDATE approvals SET state = 'done', finished_at = 3", "outcome: missing"),
        ("UPDATE approvals SET state = 'withdrawn'", "withdrawn_because: missing"),
        ("UPDATE approvals SET arguments = '{}'", "arguments: not those the hash was made of"),
        ("UPDATE approvals SET arguments = 'rm -rf'", "arguments: not the JSON that belongs there"),
    ] {
        let store = store().await;
        let (at, audience) = (Timestamp(10), Audience::ThisAgent);
        let state = State::Approved { at, grant: Grant::Once, audience };
        let stored = Approval { state, ..approval(store.add_agent("a").await, 1) };
        store.insert_approval(&stored).await.unwrap();
        store.tamper(change).await;
        for error in [
            store.approval(stored.id).await.unwrap_err(),
            store
                .approvals(ApprovalFilter { limit: 1, ..ApprovalFilter::default() })
                .await
                .unwrap_err(),
        ] {
            let start = format!("row {} of the table approvals is corrupt: {what}", stored.id);
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }
}

#[tokio::test]
async fn the_database_refuses_half_a_state() {
    let store = store().await;
    let asked = approval(store.add_agent("a").await, 1);
    store.insert_approval(&asked).await.unwrap();
    for change in [
        "UPDATE approvals SET state = 'approved'",
        "UPDATE approvals SET decided_at = 1",
        "UPDATE approvals SET state = 'denied', decided_at = 1, granted = 'once'",
        "UPDATE approvals SET state = 'maybe', decided_at = 1",
    ] {
        sqlx::query(change).execute(store.writer()).await.expect_err(change);
    }
}
