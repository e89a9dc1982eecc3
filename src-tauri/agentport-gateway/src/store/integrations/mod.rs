//! The table `integrations`.

use agentport_api::{Connection, Imported};
use agentport_core::{
    IntegrationId, Timestamp,
    policy::{IntegrationPolicy, Mode},
};
use sqlx::{SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::{
    AccountRow, Columns, Result, Store, Transition, While as _, accounts, columns::to_json, commit,
};

/// An integration as the owner set it up. Its secrets are in `credentials`, sealed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IntegrationRow {
    pub(crate) id: IntegrationId,
    pub(crate) name: String,
    pub(crate) connection: Connection,
    pub(crate) tags: Vec<String>,
    pub(crate) policy: IntegrationPolicy,
    /// Offer its resources and prompts as well.
    pub(crate) resources: bool,
    pub(crate) enabled: bool,
    /// `none`, `token` or `oauth`.
    pub(crate) auth_method: String,
    pub(crate) added_at: Timestamp,
    /// From a client's file.
    pub(crate) imported: Option<Imported>,
}

fn row(row: &SqliteRow) -> Result<IntegrationRow> {
    let columns = Columns::new("integrations", "id", row);
    Ok(IntegrationRow {
        id: columns.word("id", |word| IntegrationId::new(word).ok())?,
        name: columns.text("name")?,
        connection: columns.json("connection")?,
        tags: columns.json("tags")?,
        policy: IntegrationPolicy {
            default_mode: columns.opt_word("default_mode", Mode::parse)?,
            read_only_may_run: columns.flag("read_only_may_run")?,
        },
        resources: columns.flag("resources")?,
        enabled: columns.flag("enabled")?,
        auth_method: columns.text("auth_method")?,
        added_at: columns.moment("added_at")?,
        imported: columns.opt_json("imported")?,
    })
}

impl Store {
    /// In the order they were added.
    pub(crate) async fn integrations(&self) -> Result<Vec<IntegrationRow>> {
        sqlx::query("SELECT * FROM integrations ORDER BY added_at, id")
            .fetch_all(self.readers())
            .await
            .doing("reading the integrations")?
            .iter()
            .map(row)
            .collect()
    }

    /// Stores an integration and its sealed credentials (by name), both or neither. [`Transition::LostRace`]: the id is taken, and
    /// nothing was stored.
    pub(crate) async fn insert_integration(
        &self,
        integration: &IntegrationRow,
        credentials: &[(String, Vec<u8>)],
    ) -> Result<Transition> {
        let doing = "storing an integration";
        let mut transaction = self.transaction().await?;
        if insert(&mut *transaction, integration).await? == Transition::LostRace {
            return Ok(Transition::LostRace);
        }
        for (name, sealed) in credentials {
            sqlx::query("INSERT INTO credentials (integration, name, sealed) VALUES (?, ?, ?)")
                .bind(integration.id.as_str())
                .bind(name)
                .bind(sealed)
                .execute(&mut *transaction)
                .await
                .doing(doing)?;
        }
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    /// The same with its first account, in place of credentials.
    pub(crate) async fn insert_integration_with_account(
        &self,
        integration: &IntegrationRow,
        account: &AccountRow,
    ) -> Result<Transition> {
        let mut transaction = self.transaction().await?;
        if insert(&mut *transaction, integration).await? == Transition::LostRace
            || accounts::insert(&mut *transaction, account).await? == Transition::LostRace
        {
            return Ok(Transition::LostRace);
        }
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    /// [`Transition::LostRace`]: no such integration.
    #[cfg(test)]
    pub(crate) async fn update_integration(
        &self,
        integration: &IntegrationRow,
    ) -> Result<Transition> {
        update(self.writer(), integration).await
    }

    /// Updates an integration, stores the credentials of these names, and drops those, all or nothing.
    /// [`Transition::LostRace`]: no such integration.
    pub(crate) async fn change_integration(
        &self,
        integration: &IntegrationRow,
        stored: &[(String, Vec<u8>)],
        dropped: &[String],
    ) -> Result<Transition> {
        let doing = "changing an integration";
        let mut transaction = self.transaction().await?;
        if update(&mut *transaction, integration).await? == Transition::LostRace {
            return Ok(Transition::LostRace);
        }
        for (name, sealed) in stored {
            sqlx::query(
                "INSERT INTO credentials (integration, name, sealed) VALUES (?, ?, ?)
                 ON CONFLICT (integration, name) DO UPDATE SET sealed = excluded.sealed",
            )
            .bind(integration.id.as_str())
            .bind(name)
            .bind(sealed)
            .execute(&mut *transaction)
            .await
            .doing(doing)?;
        }
        for name in dropped {
            sqlx::query("DELETE FROM credentials WHERE integration = ? AND name = ?")
                .bind(integration.id.as_str())
                .bind(name)
                .execute(&mut *transaction)
                .await
                .doing(doing)?;
        }
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    /// Drops an integration with its credentials, its last known list and the rules that name it, all or none.
    /// [`Transition::LostRace`]: no such integration.
    pub(crate) async fn delete_integration(&self, id: &IntegrationId) -> Result<Transition> {
        let doing = "removing an integration";
        let mut transaction = self.transaction().await?;
        sqlx::query("DELETE FROM rules WHERE integration = ?")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await
            .doing(doing)?;
        // Credentials and the list go with the row they refer to.
        let done = sqlx::query("DELETE FROM integrations WHERE id = ?")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await
            .doing(doing)?;
        commit(transaction).await?;
        Ok(Transition::from_rows(done))
    }
}

/// [`Transition::LostRace`]: the id is taken.
pub(super) async fn insert(
    to: impl SqliteExecutor<'_>,
    integration: &IntegrationRow,
) -> Result<Transition> {
    let statement = sqlx::query(
        "INSERT INTO integrations (name, connection, tags, default_mode, read_only_may_run, resources, enabled,
                                   auth_method, added_at, imported, id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING",
    );
    bind(statement, integration)
        .execute(to)
        .await
        .map(Transition::from_rows)
        .doing("storing an integration")
}

/// [`Transition::LostRace`]: no such integration.
pub(super) async fn update(
    to: impl SqliteExecutor<'_>,
    integration: &IntegrationRow,
) -> Result<Transition> {
    let statement = sqlx::query(
        "UPDATE integrations
         SET name = ?, connection = ?, tags = ?, default_mode = ?, read_only_may_run = ?, resources = ?,
             enabled = ?, auth_method = ?, added_at = ?, imported = ?
         WHERE id = ?",
    );
    bind(statement, integration)
        .execute(to)
        .await
        .map(Transition::from_rows)
        .doing("changing an integration")
}

/// Forgets what belongs to where it was reached: its credentials and its last known list.
pub(super) async fn forget_connection(
    transaction: &mut SqliteConnection,
    id: &IntegrationId,
) -> Result<()> {
    for statement in [
        "DELETE FROM credentials WHERE integration = ?",
        "DELETE FROM listings WHERE integration = ?",
    ] {
        sqlx::query(statement)
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await
            .doing("forgetting how an integration was reached")?;
    }
    Ok(())
}

type Statement<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Binds every column, the id last.
fn bind<'q>(statement: Statement<'q>, integration: &'q IntegrationRow) -> Statement<'q> {
    statement
        .bind(&integration.name)
        .bind(to_json(&integration.connection))
        .bind(to_json(&integration.tags))
        .bind(integration.policy.default_mode.map(Mode::as_str))
        .bind(integration.policy.read_only_may_run)
        .bind(integration.resources)
        .bind(integration.enabled)
        .bind(&integration.auth_method)
        .bind(integration.added_at.0)
        .bind(integration.imported.as_ref().map(to_json))
        .bind(integration.id.as_str())
}

#[cfg(test)]
mod tests;
