//! The table `settings`: single values by key. The owner's settings are one of them.

use agentport_api::Settings;
use sqlx::SqliteExecutor;

use super::{Result, Store, StoreError, While as _, columns::to_json};

/// The owner's settings, as JSON.
const OWNERS: &str = "owner.settings";

impl Store {
    /// The owner's settings; what they never set is at its default.
    pub(crate) async fn settings(&self) -> Result<Settings> {
        match self.value(OWNERS).await? {
            None => Ok(Settings::default()),
            Some(json) => serde_json::from_str(&json).map_err(|_| StoreError::Corrupt {
                table: "settings",
                row: OWNERS.to_owned(),
                what: "not the JSON that belongs there".to_owned(),
            }),
        }
    }

    pub(crate) async fn put_settings(&self, settings: &Settings) -> Result<()> {
        put_settings(self.writer(), settings).await
    }

    pub(crate) async fn value(&self, key: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT value FROM settings WHERE key = ?")
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .doing("reading a setting")
    }

    pub(crate) async fn put_value(&self, key: &str, value: &str) -> Result<()> {
        put(self.writer(), key, value).await
    }

    /// `false`: there was none.
    pub(crate) async fn delete_value(&self, key: &str) -> Result<bool> {
        sqlx::query("DELETE FROM settings WHERE key = ?")
            .bind(key)
            .execute(self.writer())
            .await
            .map(|done| done.rows_affected() > 0)
            .doing("deleting a setting")
    }
}

pub(super) async fn put_settings(to: impl SqliteExecutor<'_>, settings: &Settings) -> Result<()> {
    put(to, OWNERS, &to_json(settings)).await
}

async fn put(to: impl SqliteExecutor<'_>, key: &str, value: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO settings (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(key)
    .bind(value)
    .execute(to)
    .await
    .map(drop)
    .doing("storing a setting")
}
