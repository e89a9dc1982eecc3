use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::PathBuf,
};

use agentport_api::ActivityRow;
use agentport_core::{
    AgentId, ApprovalId, CallId, RuleId, Timestamp,
    activity::{CallEnd, CallStart, EntryPoint},
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    policy::{Mode, Reason},
    tool::DefinitionDigest,
};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{ImportError, Journal};
use crate::store::{
    ActivityFilter, Store,
    testing::{TestStore, store},
};

/// One life of a process: its journal, and what ends it.
struct Life {
    journal: Journal,
    tasks: TaskTracker,
    stop: CancellationToken,
}

fn dir(store: &TestStore) -> PathBuf {
    store.dir.path().join("journal")
}

async fn begin_life(store: &TestStore) -> Life {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let journal =
        Journal::open(&dir(store), store.store.clone(), &tasks, stop.clone()).await.unwrap();
    Life { journal, tasks, stop }
}

/// A life that is killed before anything it writes is imported: its importer has ended already.
async fn doomed_life(store: &TestStore) -> Life {
    let life = begin_life(store).await;
    life.stop.cancel();
    life.tasks.close();
    life.tasks.wait().await;
    life
}

fn begin(agent: AgentId, at: i64) -> CallStart {
    let names = ("files".to_owned(), "read".to_owned());
    let id = CallId(Uuid::now_v7());
    CallStart::new(id, Timestamp(at), agent, names, json!({"path": "/a"}), EntryPoint::Mcp)
}

fn end(begin: &CallStart, outcome: OutcomeKind) -> CallEnd {
    CallEnd { ran_us: 1, bytes_out: 2, ..CallEnd::new(begin.id, outcome) }
}

/// Oldest first.
async fn rows(store: &Store) -> Vec<ActivityRow> {
    let filter = ActivityFilter { limit: 1_000, ..ActivityFilter::default() };
    let mut rows = store.activity(&filter).await.unwrap().items;
    rows.reverse();
    rows
}

async fn outcomes(store: &Store) -> Vec<(i64, OutcomeKind)> {
    rows(store).await.into_iter().map(|row| (row.at.0, row.outcome)).collect()
}

fn files(store: &TestStore) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir(store))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_written_can_be_read_after_a_flush() {
    let store = store().await;
    let life = begin_life(&store).await;
    let agent = store.add_agent("a").await;
    let (first, second, third) = (begin(agent, 1), begin(agent, 2), begin(agent, 3));
    life.journal.begin(&first).unwrap();
    life.journal.begin(&second).unwrap();
    life.journal.end(&end(&first, OutcomeKind::Ok)).unwrap();
    life.journal.record(&third, &end(&third, OutcomeKind::Blocked)).unwrap();
    life.journal.flush().await.unwrap();
    use OutcomeKind::{Blocked, Ok, Running, ToolError};
    assert_eq!(outcomes(&store).await, [(1, Ok), (2, Running), (3, Blocked)]);

    life.journal.end(&end(&second, ToolError)).unwrap();
    life.journal.flush().await.unwrap();
    assert_eq!(outcomes(&store).await, [(1, Ok), (2, ToolError), (3, Blocked)]);
    assert_eq!(rows(&store).await[1].error, None);
}

#[tokio::test]
async fn is_imported_without_being_asked() {
    let store = store().await;
    let life = begin_life(&store).await;
    let begin = begin(store.add_agent("a").await, 1);
    let mut imported = life.journal.imported();
    imported.mark_unchanged();
    life.journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    imported.changed().await.unwrap();
    assert_eq!(*imported.borrow(), 1);
    assert_eq!(outcomes(&store).await, [(1, OutcomeKind::Ok)]);
}

#[tokio::test]
async fn stopping_imports_what_is_left() {
    let store = store().await;
    let life = begin_life(&store).await;
    let begin = begin(store.add_agent("a").await, 1);
    life.journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    life.stop.cancel();
    life.tasks.close();
    life.tasks.wait().await;
    assert_eq!(outcomes(&store).await, [(1, OutcomeKind::Ok)]);
    assert!(matches!(life.journal.flush().await, Err(ImportError::Closed)));
}

#[tokio::test]
async fn a_kill_loses_no_row() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = doomed_life(&store).await;
    let (done, cut_short) = (begin(agent, 1), begin(agent, 2));
    life.journal.begin(&done).unwrap();
    life.journal.begin(&cut_short).unwrap();
    life.journal.end(&end(&done, OutcomeKind::Ok)).unwrap();
    drop(life);
    assert_eq!(outcomes(&store).await, []);

    let _life = begin_life(&store).await;
    assert_eq!(outcomes(&store).await, [(1, OutcomeKind::Ok), (2, OutcomeKind::Interrupted)]);
    let error = rows(&store).await[1].error.clone().unwrap();
    assert_eq!(error, "the gateway stopped before this call finished");
    assert_eq!(files(&store).len(), 1, "what has been imported is gone");
}

#[tokio::test]
async fn a_kill_after_a_part_was_imported_loses_no_row_either() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = begin_life(&store).await;
    let (done, cut_short) = (begin(agent, 1), begin(agent, 2));
    life.journal.begin(&done).unwrap();
    life.journal.begin(&cut_short).unwrap();
    life.journal.flush().await.unwrap();
    life.stop.cancel();
    life.tasks.close();
    life.tasks.wait().await;
    life.journal.end(&end(&done, OutcomeKind::Ok)).unwrap();
    drop(life);

    let _life = begin_life(&store).await;
    assert_eq!(outcomes(&store).await, [(1, OutcomeKind::Ok), (2, OutcomeKind::Interrupted)]);
}

#[tokio::test]
async fn a_torn_last_line_is_dropped_wherever_it_tore() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = doomed_life(&store).await;
    let (whole, torn) = (begin(agent, 1), begin(agent, 2));
    life.journal.record(&whole, &end(&whole, OutcomeKind::Ok)).unwrap();
    let file = dir(&store).join(files(&store).pop().unwrap());
    let length = fs::metadata(&file).unwrap().len() as usize;
    life.journal.record(&torn, &end(&torn, OutcomeKind::Ok)).unwrap();
    drop(life);
    let bytes = fs::read(&file).unwrap();
    let lines: Vec<_> =
        bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    // On either side of each line end, and here and there between.
    let ends = lines[2..].iter().flat_map(|end| [end - 1, *end, (end + 1).min(bytes.len())]);
    for cut in (length..bytes.len()).step_by(29).chain(ends) {
        let copy = crate::store::testing::store().await;
        let agent_row = crate::store::testing::agent("a");
        let hash = agentport_core::key::KeyHash([1; 32]);
        copy.insert_agent(&crate::store::AgentRow { id: agent, ..agent_row }, hash).await.unwrap();
        fs::create_dir(dir(&copy)).unwrap();
        fs::write(dir(&copy).join("0000000001.jsonl"), &bytes[..cut]).unwrap();
        let _life = begin_life(&copy).await;
        let mut want = vec![(1, OutcomeKind::Ok)];
        if cut >= lines[2] {
            let ended = cut >= lines[3];
            want.push((2, if ended { OutcomeKind::Ok } else { OutcomeKind::Interrupted }));
        }
        assert_eq!(outcomes(&copy).await, want, "cut at {cut}");
    }
}

/// The file is as versions before the column `entry_point` left it when they were killed.
#[tokio::test]
async fn lines_of_earlier_versions_are_imported() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
    let (hash, digest) = (ArgumentsHash([1; 32]), DefinitionDigest([2; 32]));
    let lines = format!(
        r#"{{"b":{{"id":"{id}","at":1000,"ag":"{agent}","in":"files","to":"read","ar":{{"path":"/a"}},"ah":"{hash}","dg":"{digest}","de":"require_approval","be":{{"kind":"rule","id":"{other}"}},"ap":"{other}","wa":1500,"bi":12,"do":"direct"}}}}
{{"e":{{"id":"{id}","ou":"tool_error","ra":345,"bo":67,"er":"did not work"}}}}
{{"b":{{"id":"{other}","at":2000,"ag":"{agent}","in":"files","to":"read","ar":{{}},"ah":null,"dg":null,"de":null,"be":null,"ap":null,"wa":0,"bi":2,"do":"rest"}}}}
"#
    );
    fs::create_dir(dir(&store)).unwrap();
    fs::write(dir(&store).join("0000000001.jsonl"), lines).unwrap();
    let _life = begin_life(&store).await;

    let rows = rows(&store).await;
    let [ended, cut_short] = &rows[..] else { panic!("{rows:?}") };
    let ActivityRow { arguments, arguments_hash, digest: kept, decision, reason, .. } = ended;
    assert_eq!((ended.id, ended.at, ended.agent), (CallId(id), Timestamp(1_000), agent));
    assert_eq!(
        (arguments, *arguments_hash, *kept),
        (&json!({"path": "/a"}), Some(hash), Some(digest))
    );
    assert_eq!(*decision, Some(Mode::RequireApproval));
    assert_eq!(*reason, Some(Reason::Rule { id: RuleId(other) }));
    assert_eq!(ended.approval, Some(ApprovalId(other)));
    let numbers = (ended.waited_ms, ended.ran_us, ended.bytes_in, ended.bytes_out);
    assert_eq!(numbers, (1_500, 345, 12, 67));
    assert_eq!(ended.error.as_deref(), Some("did not work"));
    assert_eq!((ended.outcome, ended.entry_point), (OutcomeKind::ToolError, EntryPoint::Direct));
    assert_eq!(
        (cut_short.outcome, cut_short.entry_point),
        (OutcomeKind::Interrupted, EntryPoint::Rest)
    );
}

#[tokio::test]
async fn a_line_that_makes_no_sense_is_passed_over() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = doomed_life(&store).await;
    let file = dir(&store).join(files(&store).pop().unwrap());
    for at in 1..=2 {
        let begin = begin(agent, at);
        life.journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
        let mut other = OpenOptions::new().append(true).open(&file).unwrap();
        other.write_all(b"{\"b\":{\"id\":7}}\n\n\xff\xfe\n").unwrap();
    }
    drop(life);
    let _life = begin_life(&store).await;
    assert_eq!(outcomes(&store).await, [(1, OutcomeKind::Ok), (2, OutcomeKind::Ok)]);
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = doomed_life(&store).await;
    let (done, open) = (begin(agent, 1), begin(agent, 2));
    life.journal.record(&done, &end(&done, OutcomeKind::Ok)).unwrap();
    life.journal.begin(&open).unwrap();
    drop(life);
    let name = files(&store).pop().unwrap();
    let bytes = fs::read(dir(&store).join(&name)).unwrap();
    begin_life(&store).await;
    let before = outcomes(&store).await;
    // As if the machine had lost power before the database was on the disk.
    sqlx::query("DELETE FROM journal_position").execute(store.writer()).await.unwrap();
    fs::write(dir(&store).join(&name), bytes).unwrap();
    begin_life(&store).await;
    assert_eq!(outcomes(&store).await, before);
}

#[tokio::test]
async fn later_lines_complete_the_row_of_their_id() {
    let store = store().await;
    let life = begin_life(&store).await;
    let asked = begin(store.add_agent("a").await, 1);
    let ran = CallStart {
        at: Timestamp(9),
        arguments: json!({"path": "/edited"}),
        waited_ms: 8,
        ..asked.clone()
    };
    let check = async |want: OutcomeKind, at: i64, arguments: Value| {
        let rows = rows(&store).await;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].outcome, rows[0].at.0, &rows[0].arguments), (want, at, &arguments));
    };
    for flush_between in [true, false] {
        let step = async || {
            if flush_between {
                life.journal.flush().await.unwrap();
            }
        };
        life.journal.record(&asked, &end(&asked, OutcomeKind::Pending)).unwrap();
        step().await;
        life.journal.begin(&ran).unwrap();
        step().await;
        life.journal.end(&end(&ran, OutcomeKind::Ok)).unwrap();
        life.journal.flush().await.unwrap();
        check(OutcomeKind::Ok, 1, json!({"path": "/edited"})).await;
        assert_eq!(rows(&store).await[0].waited_ms, 8);

        life.journal.end(&end(&ran, OutcomeKind::Denied)).unwrap();
        life.journal.flush().await.unwrap();
        check(OutcomeKind::Denied, 1, json!({"path": "/edited"})).await;
    }
}

#[tokio::test]
async fn an_end_without_a_row_is_no_trouble() {
    let store = store().await;
    let life = begin_life(&store).await;
    let begin = begin(store.add_agent("a").await, 1);
    life.journal.end(&end(&begin, OutcomeKind::Ok)).unwrap();
    life.journal.flush().await.unwrap();
    assert_eq!(outcomes(&store).await, []);
}

#[tokio::test]
async fn full_files_are_followed_and_deleted() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = begin_life(&store).await;
    // Lines longer than what is read at once, too.
    let text = "x".repeat(1_500_000);
    for at in 0..7 {
        let begin = CallStart { arguments: json!({"t": text}), ..begin(agent, at) };
        life.journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    }
    assert_eq!(files(&store), ["0000000001.jsonl"]);
    life.journal.flush().await.unwrap();
    let after = begin(agent, 7);
    life.journal.record(&after, &end(&after, OutcomeKind::Ok)).unwrap();
    life.journal.flush().await.unwrap();
    assert_eq!(files(&store), ["0000000002.jsonl"]);
    let rows = rows(&store).await;
    assert_eq!(rows.iter().map(|row| row.at.0).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert_eq!(rows[6].arguments, json!({"t": text}));
}

#[tokio::test]
async fn many_threads_write_whole_lines() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = begin_life(&store).await;
    let journal = &life.journal;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..100 {
                    let begin = begin(agent, thread * 100 + n);
                    journal.begin(&begin).unwrap();
                    journal.end(&end(&begin, OutcomeKind::Ok)).unwrap();
                }
            });
        }
    });
    life.journal.flush().await.unwrap();
    let found = outcomes(&store).await;
    assert_eq!(found.len(), 400);
    assert!(found.iter().all(|(_, outcome)| *outcome == OutcomeKind::Ok));
}

#[tokio::test]
async fn a_database_that_fails_is_told_and_tried_again() {
    let store = store().await;
    let agent = store.add_agent("a").await;
    let life = begin_life(&store).await;
    sqlx::query("ALTER TABLE activity RENAME TO away").execute(store.writer()).await.unwrap();
    let begin = begin(agent, 1);
    life.journal.record(&begin, &end(&begin, OutcomeKind::Ok)).unwrap();
    assert!(matches!(life.journal.flush().await, Err(ImportError::Store(_))));
    sqlx::query("ALTER TABLE away RENAME TO activity").execute(store.writer()).await.unwrap();
    life.journal.flush().await.unwrap();
    assert_eq!(outcomes(&store).await, [(1, OutcomeKind::Ok)]);
}

#[cfg(unix)]
#[tokio::test]
async fn is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = store().await;
    let _life = begin_life(&store).await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir(&store)), 0o700);
    assert_eq!(mode(dir(&store).join(&files(&store)[0])), 0o600);
}
