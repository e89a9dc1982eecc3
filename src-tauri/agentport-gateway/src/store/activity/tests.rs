use agentport_api::ActivityRow;
use agentport_core::{
    AgentId, ApprovalId, CallId, RuleId, Timestamp,
    activity::{CallEnd, CallStart, EntryPoint},
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    policy::{Mode, Reason},
    tool::DefinitionDigest,
};
use serde_json::json;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{ActivityCursor, ActivityFilter, SEARCHED};
use crate::{
    journal::Journal,
    store::testing::{TestStore, store},
};

pub(super) async fn journal(store: &TestStore) -> Journal {
    let dir = store.dir.path().join("journal");
    Journal::open(&dir, store.store.clone(), &TaskTracker::new(), CancellationToken::new())
        .await
        .unwrap()
}

pub(super) fn begin(agent: AgentId, at: i64) -> CallStart {
    let names = ("files".to_owned(), "read".to_owned());
    let id = CallId(Uuid::now_v7());
    CallStart::new(id, Timestamp(at), agent, names, json!({"path": "/a"}), EntryPoint::Mcp)
}

pub(super) fn end(begin: &CallStart, outcome: OutcomeKind) -> CallEnd {
    CallEnd::new(begin.id, outcome)
}

pub(super) fn page(limit: u32) -> ActivityFilter {
    ActivityFilter { limit, ..ActivityFilter::default() }
}

#[tokio::test]
async fn shows_everything_that_was_recorded() {
    let store = store().await;
    let journal = journal(&store).await;
    let agent = store.add_agent("laptop").await;
    let reason = Reason::Rule { id: RuleId(Uuid::now_v7()) };
    let approval = ApprovalId(Uuid::now_v7());
    let begin = CallStart {
        arguments_hash: Some(ArgumentsHash([1; 32])),
        digest: Some(DefinitionDigest([2; 32])),
        decision: Some(Mode::RequireApproval),
        because: Some(reason),
        approval: Some(approval),
        waited_ms: 1_500,
        bytes_in: 12,
        entry_point: EntryPoint::Rest,
        ..begin(agent, 1_000)
    };
    let end = CallEnd {
        ran_us: 345,
        bytes_out: 67,
        error: Some("did \"not\"\nwork".into()),
        ..end(&begin, OutcomeKind::ToolError)
    };
    journal.record(&begin, &end).unwrap();
    journal.flush().await.unwrap();

    let rows = store.activity(&page(10)).await.unwrap().items;
    let ActivityRow { id, at, agent_name, arguments, arguments_hash, digest, .. } = &rows[0];
    assert_eq!((*id, *at, agent_name.as_str()), (begin.id, Timestamp(1_000), "laptop"));
    assert_eq!(*arguments, json!({"path": "/a"}));
    assert_eq!((*arguments_hash, *digest), (begin.arguments_hash, begin.digest));
    let ActivityRow { decision, reason: why, approval: which, outcome, error, entry_point, .. } =
        &rows[0];
    assert_eq!((*decision, *why, *which), (begin.decision, Some(reason), Some(approval)));
    assert_eq!((*outcome, error), (OutcomeKind::ToolError, &end.error));
    assert_eq!(*entry_point, EntryPoint::Rest);
    let row = &rows[0];
    assert_eq!((row.waited_ms, row.ran_us, row.bytes_in, row.bytes_out), (1_500, 345, 12, 67));
}

#[tokio::test]
async fn every_filter_and_all_of_them() {
    let store = store().await;
    let journal = journal(&store).await;
    let (a, b) = (store.add_agent("a").await, store.add_agent("b").await);
    let mut all = Vec::new();
    for at in 0..48_i64 {
        let begin = CallStart {
            integration: ["files", "mail"][at as usize / 2 % 2].into(),
            tool: ["read", "write", "list"][at as usize % 3].into(),
            ..begin(if at % 2 == 0 { a } else { b }, at)
        };
        let outcome = [OutcomeKind::Ok, OutcomeKind::Denied][at as usize / 4 % 2];
        journal.record(&begin, &end(&begin, outcome)).unwrap();
        all.push((begin, outcome));
    }
    journal.flush().await.unwrap();

    let moments = |filter: &ActivityFilter| {
        let kept = all.iter().rev().filter(|(begin, outcome)| {
            filter.agent.is_none_or(|agent| agent == begin.agent)
                && filter.integration.as_ref().is_none_or(|id| *id == begin.integration)
                && filter.tool.as_ref().is_none_or(|tool| *tool == begin.tool)
                && filter.outcome.is_none_or(|only| only == *outcome)
                && filter.since.is_none_or(|since| since <= begin.at)
                && filter.until.is_none_or(|until| begin.at < until)
        });
        kept.map(|(begin, _)| begin.at).collect::<Vec<_>>()
    };
    for bits in 0..64_u32 {
        let on = |bit: u32| bits & (1 << bit) != 0;
        for outcome in [OutcomeKind::Ok, OutcomeKind::Denied] {
            let filter = ActivityFilter {
                agent: on(0).then_some(b),
                integration: on(1).then(|| "mail".into()),
                tool: on(2).then(|| "write".into()),
                outcome: on(3).then_some(outcome),
                since: on(4).then_some(Timestamp(7)),
                until: on(5).then_some(Timestamp(40)),
                ..page(100)
            };
            let found = store.activity(&filter).await.unwrap();
            let found: Vec<_> = found.items.iter().map(|row| row.at).collect();
            assert_eq!(found, moments(&filter), "{filter:?}");
        }
    }
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap() {
    let store = store().await;
    let journal = journal(&store).await;
    let agent = store.add_agent("a").await;
    // Several calls at one moment, and a clock that is put back.
    let moments = [5, 5, 5, 7, 6, 5, 9, 9, 1];
    for at in moments {
        let begin = begin(agent, at);
        journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    }
    journal.flush().await.unwrap();
    let whole = store.activity(&page(100)).await.unwrap();
    assert_eq!(whole.next, None);
    for limit in [1, 2, 3, 9] {
        let mut filter = page(limit);
        let mut joined = Vec::new();
        loop {
            let page = store.activity(&filter).await.unwrap();
            joined.extend(page.items.into_iter().map(|row| row.id));
            match page.next {
                Some(next) => filter.before = Some(next.parse().unwrap()),
                None => break,
            }
        }
        let ids: Vec<_> = whole.items.iter().map(|row| row.id).collect();
        assert_eq!(joined, ids, "{limit}");
    }
}

#[tokio::test]
async fn text_is_searched_as_it_is_typed() {
    let store = store().await;
    let journal = journal(&store).await;
    let agent = store.add_agent("a").await;
    let texts = ["100% sure", "snake_case", r"back\slash", "100 percent", "snakeXcase"];
    for (at, text) in texts.iter().enumerate() {
        let begin = CallStart { arguments: json!({"t": text}), ..begin(agent, at as i64) };
        let failed =
            CallEnd { error: Some(format!("Error {at}")), ..end(&begin, OutcomeKind::ToolError) };
        journal.record(&begin, &failed).unwrap();
    }
    journal.flush().await.unwrap();
    for (q, want) in [
        ("100%", vec![0]),
        ("snake_case", vec![1]),
        ("SNAKE", vec![4, 1]),
        ("error 3", vec![3]),
        ("files", vec![4, 3, 2, 1, 0]),
        ("read", vec![4, 3, 2, 1, 0]),
        (r"\\", vec![2]),
        ("nothing of the kind", vec![]),
        ("  ", vec![4, 3, 2, 1, 0]),
    ] {
        let filter = ActivityFilter { q: Some(q.into()), ..page(10) };
        let found = store.activity(&filter).await.unwrap();
        let found: Vec<_> = found.items.iter().map(|row| row.at.0).collect();
        assert_eq!(found, want, "{q}");
    }
}

#[tokio::test]
async fn a_search_stops_in_time_and_goes_on_from_there() {
    let store = store().await;
    let journal = journal(&store).await;
    let agent = store.add_agent("a").await;
    let needle = CallStart { arguments: json!({"t": "needle"}), ..begin(agent, 0) };
    journal.record(&needle, &end(&needle, OutcomeKind::Ok)).unwrap();
    for at in 0..SEARCHED {
        let begin = begin(agent, i64::from(at) + 1);
        journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    }
    journal.flush().await.unwrap();
    let mut filter = ActivityFilter { q: Some("needle".into()), ..page(10) };
    let first = store.activity(&filter).await.unwrap();
    assert_eq!(first.items.len(), 0);
    filter.before = Some(first.next.unwrap().parse().unwrap());
    let second = store.activity(&filter).await.unwrap();
    assert_eq!((second.items[0].id, second.next), (needle.id, None));
}

#[tokio::test]
async fn old_rows_are_forgotten_unless_they_run() {
    let store = store().await;
    let journal = journal(&store).await;
    let agent = store.add_agent("a").await;
    let running = begin(agent, 1);
    journal.begin(&running).unwrap();
    for at in 2..5_000 {
        let begin = begin(agent, at);
        journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    }
    journal.flush().await.unwrap();
    assert_eq!(store.delete_activity_before(Timestamp(4_990)).await.unwrap(), 4_988);
    let left = store.activity(&page(100)).await.unwrap().items;
    assert_eq!(left.len(), 11);
    assert_eq!(left[10].id, running.id);
    assert_eq!(left[10].outcome, OutcomeKind::Running);
}

#[test]
fn a_cursor_is_what_a_page_gave() {
    let cursor = ActivityCursor { at: -5, seq: 7 };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for bad in ["", "5", "a.b", "1.2.3", "1."] {
        assert!(bad.parse::<ActivityCursor>().is_err(), "{bad}");
    }
}
