//! When agents first called.

use std::collections::HashMap;

use agentport_core::{AgentId, Timestamp};

use crate::store::{Columns, Result, Store, While as _};

/// One step into the index for each agent, however many calls there are.
const FIRST_CALLS: &str = "SELECT id, at FROM (
        SELECT id, (SELECT at FROM activity INDEXED BY activity_agent
                    WHERE agent = agents.id ORDER BY at LIMIT 1) AS at
        FROM agents)
    WHERE at IS NOT NULL";

impl Store {
    /// When each agent began the first of its calls that are still here.
    pub(crate) async fn first_calls(&self) -> Result<HashMap<AgentId, Timestamp>> {
        sqlx::query(FIRST_CALLS)
            .fetch_all(self.readers())
            .await
            .doing("reading when agents first called")?
            .iter()
            .map(|found| {
                let columns = Columns::new("activity", "id", found);
                Ok((AgentId(columns.uuid("id")?), columns.moment("at")?))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::store::{
        activity::tests::{begin, journal},
        testing::store,
    };

    #[tokio::test]
    async fn the_first_of_each() {
        let store = store().await;
        let journal = journal(&store).await;
        let (busy, silent) = (store.add_agent("busy").await, store.add_agent("silent").await);
        for at in [30, 10, 20] {
            journal.begin(&begin(busy, at)).unwrap();
        }
        journal.flush().await.unwrap();
        let first = store.first_calls().await.unwrap();
        assert_eq!(first.get(&busy), Some(&Timestamp(10)));
        assert_eq!((first.get(&silent), first.len()), (None, 1));
        store.tamper("UPDATE activity SET ended = 1").await;
        assert_eq!(store.delete_activity_before(Timestamp(15)).await.unwrap(), 1);
        assert_eq!(store.first_calls().await.unwrap().get(&busy), Some(&Timestamp(20)));
    }

    /// No row of the activity is read or sorted for it.
    #[tokio::test]
    async fn a_long_activity_costs_nothing() {
        let store = store().await;
        let plan: Vec<String> =
            sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {FIRST_CALLS}")))
                .fetch_all(store.readers())
                .await
                .unwrap()
                .iter()
                .map(|row| row.get::<String, _>("detail"))
                .collect();
        let activity: Vec<_> = plan.iter().filter(|step| step.contains("activity")).collect();
        let index = "SEARCH activity USING COVERING INDEX activity_agent (agent=?)";
        assert!(activity.iter().all(|step| *step == index) && !activity.is_empty(), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
