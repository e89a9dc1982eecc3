use serde_json::json;
use uuid::Uuid;

use super::*;

const CREATED: Timestamp = Timestamp(1_000);
const NOW: Timestamp = Timestamp(2_000);
const EXPIRES: Timestamp = Timestamp(10_000);
const RENEWED: Timestamp = Timestamp(20_000);
const GRANT: Grant = Grant::Until { at: Timestamp(50_000) };

fn approval(state: State) -> Approval {
    let arguments = json!({"path": "/tmp/a"});
    let hash = ArgumentsHash::of(&arguments);
    Approval {
        id: ApprovalId(Uuid::from_u128(7)),
        agent: AgentId(Uuid::from_u128(1)),
        integration: IntegrationId::new("files").unwrap(),
        account: None,
        tool: "write_file".into(),
        digest: DefinitionDigest([1; 32]),
        arguments,
        asked_hash: hash,
        arguments_hash: hash,
        additional_info: None,
        created_at: CREATED,
        expires_at: EXPIRES,
        state,
    }
}

fn in_state(name: StateName) -> Approval {
    let (at, grant, audience) = (Timestamp(1_500), GRANT, Audience::EveryAgent);
    approval(match name {
        StateName::Pending => State::Pending,
        StateName::Approved => State::Approved { at, grant, audience },
        StateName::Running => State::Running { at, grant, audience, started_at: at },
        StateName::Done => {
            State::Done { at, grant, audience, finished_at: at, outcome: OutcomeKind::Ok }
        }
        StateName::Denied => State::Denied { at, reason: None },
        StateName::Expired => State::Expired { at, approved_at: None },
        StateName::Withdrawn => State::Withdrawn { at, because: WithdrawnBecause::ToolGone },
    })
}

fn approve(approval: Approval, now: Timestamp) -> Result<Approval, WrongState> {
    approval.approve(GRANT, Audience::EveryAgent, None, now, RENEWED)
}

/// Goes where the name says, by the transition that leads there.
fn go(approval: Approval, to: StateName) -> Option<Result<Approval, WrongState>> {
    Some(match to {
        StateName::Pending => return None,
        StateName::Approved => approve(approval, NOW),
        StateName::Running => approval.start(NOW),
        StateName::Done => approval.finish(OutcomeKind::ToolError, NOW),
        StateName::Denied => approval.deny(Some("no".into()), NOW),
        StateName::Expired => approval.expire(NOW),
        StateName::Withdrawn => approval.withdraw(WithdrawnBecause::AgentRevoked, NOW),
    })
}

#[test]
fn every_arrow_and_every_missing_one() {
    use StateName::{Approved, Denied, Done, Expired, Pending, Running, Withdrawn};
    let arrows = [
        (Pending, Approved),
        (Pending, Denied),
        (Pending, Expired),
        (Pending, Withdrawn),
        (Approved, Running),
        (Approved, Expired),
        (Approved, Withdrawn),
        (Running, Done),
        (Expired, Approved),
    ];
    for from in StateName::ALL {
        for to in StateName::ALL {
            let before = in_state(from);
            let Some(result) = go(before.clone(), to) else { continue };
            if arrows.contains(&(from, to)) {
                assert_eq!(result.map(|after| after.state.name()), Ok(to), "{from} to {to}");
            } else {
                assert_eq!(
                    result,
                    Err(WrongState { id: before.id, is: from, wanted: to }),
                    "{from} to {to}"
                );
            }
        }
    }
}

#[test]
fn a_transition_changes_the_state_and_nothing_else() {
    for from in StateName::ALL {
        for to in StateName::ALL {
            let before = in_state(from);
            let Some(Ok(after)) = go(before.clone(), to) else { continue };
            let expires_at = after.expires_at;
            assert_eq!(
                Approval { state: before.state.clone(), ..after },
                Approval { expires_at, ..before }
            );
        }
    }
}

#[test]
fn states_carry_what_belongs_to_them() {
    let (grant, audience) = (GRANT, Audience::EveryAgent);
    let approved = approve(approval(State::Pending), Timestamp(2_000)).unwrap();
    assert_eq!(approved.state, State::Approved { at: Timestamp(2_000), grant, audience });
    let running = approved.start(Timestamp(3_000)).unwrap();
    assert_eq!(
        running.state,
        State::Running { at: Timestamp(2_000), grant, audience, started_at: Timestamp(3_000) }
    );
    let done = running.finish(OutcomeKind::Cancelled, Timestamp(4_000)).unwrap();
    assert_eq!(
        done.state,
        State::Done {
            at: Timestamp(2_000),
            grant,
            audience,
            finished_at: Timestamp(4_000),
            outcome: OutcomeKind::Cancelled
        }
    );
    let denied = approval(State::Pending).deny(Some("not now".into()), NOW).unwrap();
    assert_eq!(denied.state, State::Denied { at: NOW, reason: Some("not now".into()) });
    let because = WithdrawnBecause::DefinitionChanged;
    let withdrawn = approval(State::Pending).withdraw(because, NOW).unwrap();
    assert_eq!(withdrawn.state, State::Withdrawn { at: NOW, because });
    assert_eq!(
        approval(State::Pending).expire(NOW).unwrap().state,
        State::Expired { at: NOW, approved_at: None }
    );
}

#[test]
fn only_what_waits_is_overdue() {
    for name in StateName::ALL {
        let waits = matches!(name, StateName::Pending | StateName::Approved);
        for (now, late) in [(EXPIRES.0 - 1, false), (EXPIRES.0, true), (EXPIRES.0 + 1, true)] {
            assert_eq!(in_state(name).overdue(Timestamp(now)), waits && late, "{name} at {now}");
        }
    }
}

#[test]
fn approving_late_renews_the_expiry() {
    for (from, now, expires_at) in [
        (StateName::Pending, NOW, EXPIRES),
        (StateName::Pending, Timestamp(EXPIRES.0 - 1), EXPIRES),
        (StateName::Pending, EXPIRES, RENEWED),
        (StateName::Expired, NOW, RENEWED),
        (StateName::Expired, Timestamp(EXPIRES.0 + 1), RENEWED),
    ] {
        let approved = approve(in_state(from), now).unwrap();
        assert_eq!(approved.expires_at, expires_at, "{from} at {now}");
        assert_eq!(approved.start(now).map(|running| running.state.name()), Ok(StateName::Running));
    }
}

#[test]
fn what_is_overdue_does_not_run() {
    let approved = in_state(StateName::Approved);
    assert!(approved.clone().start(Timestamp(EXPIRES.0 - 1)).is_ok());
    let error = approved.start(EXPIRES).unwrap_err();
    assert_eq!(
        error.to_string(),
        "request 00000000-0000-0000-0000-000000000007 is expired, so it cannot be running"
    );
}

#[test]
fn edited_arguments_are_recorded() {
    let asked = approval(State::Pending);
    assert!(!asked.edited());
    let other = json!({"path": "/tmp/b"});
    let hash = ArgumentsHash::of(&other);
    let approved = asked
        .clone()
        .approve(Grant::Once, Audience::ThisAgent, Some((other.clone(), hash)), NOW, RENEWED)
        .unwrap();
    assert!(approved.edited());
    assert_eq!((&approved.arguments, approved.arguments_hash), (&other, hash));
    assert_eq!(approved.asked_hash, asked.asked_hash);
    let same = Some((asked.arguments.clone(), asked.arguments_hash));
    assert!(!asked.approve(Grant::Once, Audience::ThisAgent, same, NOW, RENEWED).unwrap().edited());
}

#[test]
fn names_are_the_words_on_the_wire() {
    for name in StateName::ALL {
        assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        let state = serde_json::to_value(&in_state(name).state).unwrap();
        assert_eq!(state["state"], name.as_str());
        assert_eq!(serde_json::from_value::<State>(state).unwrap(), in_state(name).state);
    }
}
