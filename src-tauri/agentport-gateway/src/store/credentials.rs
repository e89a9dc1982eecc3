//! The table `credentials`: secrets of integrations, sealed by the vault before they come here.

use agentport_core::IntegrationId;

use super::{Columns, Result, Store, While as _};

impl Store {
    /// Name and sealed value of each, by name.
    pub(crate) async fn credentials(&self, id: &IntegrationId) -> Result<Vec<(String, Vec<u8>)>> {
        sqlx::query("SELECT name, sealed FROM credentials WHERE integration = ? ORDER BY name")
            .bind(id.as_str())
            .fetch_all(self.readers())
            .await
            .doing("reading an integration's credentials")?
            .iter()
            .map(|row| {
                let columns = Columns::new("credentials", "name", row);
                Ok((columns.text("name")?, columns.get("sealed")?))
            })
            .collect()
    }

    /// Stores a sealed value in place of the one of that name. The integration must exist.
    pub(crate) async fn put_credential(
        &self,
        id: &IntegrationId,
        name: &str,
        sealed: &[u8],
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO credentials (integration, name, sealed) VALUES (?, ?, ?)
             ON CONFLICT (integration, name) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(id.as_str())
        .bind(name)
        .bind(sealed)
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing a credential")
    }
}
