//! Counting the activity over time. Everything is counted in the indexes: a day out of a million rows takes
//! milliseconds. A text search has to look at the rows themselves.

use agentport_api::{ActivityChart, ChartBucket};
use agentport_core::{Timestamp, outcome::OutcomeKind};
use sqlx::{QueryBuilder, SqliteConnection, sqlite::SqliteRow};

use super::{ActivityFilter, matches};
use crate::store::{Columns, Result, Store, While as _};

/// Stretches of one length, from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buckets {
    since: Timestamp,
    length_ms: u64,
    count: u32,
}

impl Buckets {
    /// At most `most` that cover the time from `since` to `until`. `None`: there is no such time.
    pub(crate) fn covering(since: Timestamp, until: Timestamp, most: u32) -> Option<Self> {
        let span = u64::try_from(until.0.checked_sub(since.0)?).ok().filter(|span| *span > 0)?;
        let length_ms = span.div_ceil(u64::from(most));
        let count = u32::try_from(span.div_ceil(length_ms)).ok()?;
        Some(Self { since, length_ms, count })
    }

    /// The end of the last.
    fn until(&self) -> Timestamp {
        self.since.plus(std::time::Duration::from_millis(self.length_ms * u64::from(self.count)))
    }
}

/// What is counted, and over which of the rows.
#[derive(Clone, Copy)]
enum Count {
    All,
    Asked,
    Running,
}

impl Store {
    /// Calls over time. `since`, `until` and `before` of the filter do not count.
    pub(crate) async fn chart(
        &self,
        filter: &ActivityFilter,
        buckets: Buckets,
    ) -> Result<ActivityChart> {
        let (since, until) = (buckets.since, buckets.until());
        let filter = ActivityFilter {
            since: Some(since),
            until: Some(until),
            before: None,
            ..filter.clone()
        };
        let mut chart = ActivityChart {
            since,
            until,
            bucket_ms: buckets.length_ms,
            buckets: vec![ChartBucket::default(); buckets.count as usize],
        };
        let mut snapshot = self.snapshot().await?;
        for what in [Count::All, Count::Asked, Count::Running] {
            for row in count(&mut snapshot, &filter, buckets, what).await? {
                let columns = Columns::new("activity", "outcome", &row);
                let at = usize::try_from(columns.count("bucket")?).unwrap_or(usize::MAX);
                let number = u32::try_from(columns.count("calls")?).unwrap_or(u32::MAX);
                let outcome = columns.word("outcome", OutcomeKind::parse)?;
                let Some(bucket) = chart.buckets.get_mut(at) else { continue };
                match what {
                    Count::All => *counter_for(bucket, outcome) += number,
                    Count::Asked => bucket.asked += number,
                    Count::Running => {
                        // Said to be interrupted, for that is what they are if the process ends now.
                        *counter_for(bucket, OutcomeKind::Running) += number;
                        let failed = counter_for(bucket, OutcomeKind::Interrupted);
                        *failed = failed.saturating_sub(number);
                    }
                }
            }
        }
        Ok(chart)
    }
}

/// The counter of a bucket in which a call with this outcome belongs.
fn counter_for(bucket: &mut ChartBucket, outcome: OutcomeKind) -> &mut u32 {
    use OutcomeKind as O;
    match outcome {
        O::Ok | O::Running => &mut bucket.ran,
        O::ToolError | O::UpstreamError | O::Cancelled | O::Interrupted => &mut bucket.failed,
        O::Blocked | O::Denied | O::NotAsked | O::Refused => &mut bucket.stopped,
        O::Pending | O::Expired | O::NotPickedUp => &mut bucket.undecided,
    }
}

async fn count(
    connection: &mut SqliteConnection,
    filter: &ActivityFilter,
    buckets: Buckets,
    what: Count,
) -> Result<Vec<SqliteRow>> {
    let mut query = QueryBuilder::new("SELECT (at - ");
    query.push_bind(buckets.since.0).push(") / ");
    query.push_bind(i64::try_from(buckets.length_ms).unwrap_or(i64::MAX));
    query.push(" AS bucket, outcome, count(*) AS calls FROM activity INDEXED BY ");
    query.push(match what {
        Count::All => filter.index(),
        Count::Asked => "activity_asked",
        Count::Running => "activity_open",
    });
    query.push(match what {
        Count::All => " WHERE true",
        Count::Asked => " WHERE approval IS NOT NULL",
        Count::Running => " WHERE ended = 0",
    });
    filter.conditions(&mut query);
    if let Some(pattern) = filter.pattern() {
        query.push(" AND ");
        matches(&mut query, &pattern);
    }
    query.push(" GROUP BY bucket, outcome");
    query.build().fetch_all(connection).await.doing("counting the activity")
}

#[cfg(test)]
mod tests {
    use agentport_core::{AgentId, ApprovalId, policy::Mode};
    use uuid::Uuid;

    use super::*;
    use crate::store::{
        activity::tests::{begin, end, journal, page},
        testing::store,
    };

    #[test]
    fn buckets_cover_the_time_and_are_of_one_length() {
        let covering =
            |since, until, most| Buckets::covering(Timestamp(since), Timestamp(until), most);
        let exact = covering(0, 100, 10).unwrap();
        assert_eq!((exact.length_ms, exact.count, exact.until()), (10, 10, Timestamp(100)));
        let over = covering(5, 106, 10).unwrap();
        assert_eq!((over.length_ms, over.count, over.until()), (11, 10, Timestamp(115)));
        let few = covering(0, 3, 200).unwrap();
        assert_eq!((few.length_ms, few.count), (1, 3));
        for (since, until) in [(5, 5), (6, 5), (i64::MIN, i64::MAX)] {
            assert_eq!(covering(since, until, 10), None);
        }
    }

    #[tokio::test]
    async fn every_call_counts_once_where_it_belongs() {
        let store = store().await;
        let journal = journal(&store).await;
        let agent = store.add_agent("a").await;
        let other = store.add_agent("b").await;
        use OutcomeKind as O;
        for (at, who, outcome, asked) in [
            (0, agent, O::Ok, false),
            (9, agent, O::Ok, true),
            (10, agent, O::ToolError, false),
            (11, other, O::UpstreamError, false),
            (12, agent, O::Cancelled, true),
            (20, agent, O::Blocked, false),
            (21, agent, O::Denied, true),
            (22, other, O::Refused, false),
            (23, agent, O::Pending, true),
            (24, agent, O::Expired, true),
            (30, agent, O::Ok, false),
        ] {
            let mut begin = begin(who, at);
            begin.approval = asked.then(|| ApprovalId(Uuid::now_v7()));
            begin.decision = Some(Mode::Allow);
            journal.record(&begin, &end(&begin, outcome)).unwrap();
        }
        journal.begin(&begin(agent, 13)).unwrap();
        journal.flush().await.unwrap();
        let buckets = Buckets::covering(Timestamp(0), Timestamp(30), 3).unwrap();
        let bucket = |ran, failed, stopped, undecided, asked| ChartBucket {
            ran,
            failed,
            stopped,
            undecided,
            asked,
        };
        let chart = store.chart(&page(1), buckets).await.unwrap();
        assert_eq!(
            chart.buckets,
            [bucket(2, 0, 0, 0, 1), bucket(1, 3, 0, 0, 1), bucket(0, 0, 3, 2, 3)]
        );
        let only = |filter: ActivityFilter| {
            let store = store.store.clone();
            async move { store.chart(&filter, buckets).await.unwrap().buckets }
        };
        let empty = ChartBucket::default();
        let of_other = ActivityFilter { agent: Some(other), ..page(1) };
        assert_eq!(only(of_other).await, [empty, bucket(0, 1, 0, 0, 0), bucket(0, 0, 1, 0, 0)]);
        let denied = ActivityFilter { outcome: Some(O::Denied), ..page(1) };
        assert_eq!(only(denied).await, [empty, empty, bucket(0, 0, 1, 0, 1)]);
        let running = ActivityFilter { outcome: Some(O::Running), ..page(1) };
        assert_eq!(only(running).await, [empty, bucket(1, 0, 0, 0, 0), empty]);
        let nowhere = ActivityFilter { q: Some("nowhere".into()), ..page(1) };
        assert_eq!(only(nowhere).await, [empty; 3]);
        let searched =
            ActivityFilter { q: Some("READ".into()), integration: Some("files".into()), ..page(1) };
        assert_eq!(only(searched).await, chart.buckets);
    }

    /// Not a budget (those are kept by `cargo xtask bench`), but how the figures in the design are got:
    /// `cargo test -p agentport-gateway --lib chart_of_a_million -- --ignored --nocapture`.
    #[tokio::test]
    #[ignore = "takes a minute"]
    async fn chart_of_a_million_rows() {
        let store = store().await;
        let agent = store.add_agent("a").await;
        fill(&store, agent).await;
        const DAY: i64 = 24 * 3_600_000;
        let of = async |name: &str, filter: ActivityFilter, since: i64| {
            let buckets = Buckets::covering(Timestamp(since), Timestamp(90 * DAY), 96).unwrap();
            let begun = std::time::Instant::now();
            let chart = store.chart(&filter, buckets).await.unwrap();
            let took = begun.elapsed();
            let ran: u32 = chart.buckets.iter().map(|bucket| bucket.ran).sum();
            eprint_line(&format!("{name}: {took:?}, {ran} ran"));
        };
        for _ in 0..3 {
            of("a day", page(1), 89 * DAY).await;
        }
        of("a day of one agent", ActivityFilter { agent: Some(agent), ..page(1) }, 89 * DAY).await;
        of("a day, searched", ActivityFilter { q: Some("a1".into()), ..page(1) }, 89 * DAY).await;
        of("everything", page(1), 0).await;
        of("everything, searched", ActivityFilter { q: Some("a1".into()), ..page(1) }, 0).await;
    }

    fn eprint_line(text: &str) {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// A million rows over 90 days; one in ten was asked about.
    async fn fill(store: &Store, agent: AgentId) {
        sqlx::query(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
             INSERT INTO activity (id, at, ended, agent, integration, tool, outcome, arguments, decision, approval,
                                   waited_ms, ran_us, bytes_in, bytes_out, entry_point)
             SELECT randomblob(16), i * 7776, 1, ?, 'files', 'read', iif(i % 7 = 0, 'denied', 'ok'),
                    '{\"path\":\"/a' || i || '\"}', 'allow', iif(i % 10 = 0, randomblob(16), NULL), 0, 5, 10, 10, 'mcp'
             FROM n",
        )
        .bind(agent.0.as_bytes().as_slice())
        .execute(store.writer())
        .await
        .unwrap();
    }
}
