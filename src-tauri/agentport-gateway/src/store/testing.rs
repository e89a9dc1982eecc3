//! What the tests of several tables need: a database of their own, and rows to put into it.

use agentport_core::{AgentId, IntegrationId, Timestamp, key::KeyHash};
use tempfile::TempDir;
use uuid::Uuid;

use super::{AgentRow, Store};

/// A database in a directory that goes away with it.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

pub(crate) async fn store() -> TestStore {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&dir.path().join("test.sqlite")).await.unwrap();
    TestStore { store, dir }
}

pub(crate) fn agent(name: &str) -> AgentRow {
    AgentRow {
        id: AgentId(Uuid::now_v7()),
        name: name.to_owned(),
        key_prefix: "ap_123456789".to_owned(),
        profile: None,
        created_at: Timestamp(1_000),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        client: None,
    }
}

impl TestStore {
    /// Stores an agent of this name and gives its id.
    pub(crate) async fn add_agent(&self, name: &str) -> AgentId {
        let row = agent(name);
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(row.id.0.as_bytes());
        self.insert_agent(&row, KeyHash(hash)).await.unwrap();
        row.id
    }

    /// Breaks the database on purpose, past its checks.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        let mut connection = self.writer().acquire().await.unwrap();
        for pragma in ["PRAGMA ignore_check_constraints = ON", "PRAGMA foreign_keys = OFF"] {
            sqlx::query(pragma).execute(&mut *connection).await.unwrap();
        }
        let done = sqlx::query(sql).execute(&mut *connection).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql} changed nothing");
    }
}

pub(crate) fn integration(id: &str) -> IntegrationId {
    IntegrationId::new(id).unwrap()
}
