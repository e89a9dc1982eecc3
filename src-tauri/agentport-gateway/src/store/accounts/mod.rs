//! The table `accounts`: sets of credentials, sealed by the vault before they come here.

use agentport_core::{AccountId, IntegrationId, Timestamp};
use sqlx::{SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::{Columns, Result, Store, Transition, While as _, commit};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    pub(crate) integration: IntegrationId,
    /// Unique in its integration.
    pub(crate) label: String,
    /// One of an integration's accounts is.
    pub(crate) is_default: bool,
    pub(crate) auth_method: AccountAuth,
    pub(crate) sealed: Vec<u8>,
    /// Why the owner has to sign in again.
    pub(crate) sign_in_needed: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// What lets an account in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountAuth {
    Oauth,
    Token,
}

impl AccountAuth {
    const ALL: [Self; 2] = [Self::Oauth, Self::Token];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::Token => "token",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

impl Store {
    /// All accounts, by integration, the oldest first.
    pub(crate) async fn accounts(&self) -> Result<Vec<AccountRow>> {
        sqlx::query("SELECT * FROM accounts ORDER BY integration, created_at, id")
            .fetch_all(self.readers())
            .await
            .doing("reading the accounts")?
            .iter()
            .map(read)
            .collect()
    }

    /// Stores a new account; the first of an integration is its default. [`Transition::LostRace`]: its label is taken,
    /// or its integration is gone.
    pub(crate) async fn insert_account(&self, account: &AccountRow) -> Result<Transition> {
        let mut transaction = self.transaction().await?;
        let inserted = insert(&mut *transaction, account).await?;
        commit(transaction).await?;
        Ok(inserted)
    }

    /// The same in place of what the table `credentials` holds of its integration.
    pub(crate) async fn replace_credentials_by(&self, account: &AccountRow) -> Result<Transition> {
        let mut transaction = self.transaction().await?;
        if insert(&mut *transaction, account).await? == Transition::LostRace {
            return Ok(Transition::LostRace);
        }
        sqlx::query("DELETE FROM credentials WHERE integration = ?")
            .bind(account.integration.as_str())
            .execute(&mut *transaction)
            .await
            .doing("making an account of credentials")?;
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    /// Replaces the sealed record of an account, and what is said of it. [`Transition::LostRace`]: it is gone.
    pub(crate) async fn update_account_record(
        &self,
        id: AccountId,
        sealed: &[u8],
        sign_in_needed: Option<&str>,
    ) -> Result<Transition> {
        sqlx::query("UPDATE accounts SET sealed = ?, sign_in_needed = ? WHERE id = ?")
            .bind(sealed)
            .bind(sign_in_needed)
            .bind(id.0.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("storing an account's credentials")
    }

    /// [`Transition::LostRace`]: there is no such account, or its integration has another of that label.
    pub(crate) async fn rename_account(&self, id: AccountId, label: &str) -> Result<Transition> {
        sqlx::query("UPDATE OR IGNORE accounts SET label = ? WHERE id = ?")
            .bind(label)
            .bind(id.0.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("renaming an account")
    }

    /// Makes an account the default of its integration. [`Transition::LostRace`]: there is no such account.
    pub(crate) async fn make_default_account(&self, id: AccountId) -> Result<Transition> {
        let mut transaction = self.transaction().await?;
        let made = make_default(&mut transaction, id).await?;
        commit(transaction).await?;
        Ok(made)
    }

    /// Removes an account. If it was the default, the oldest of the others is from now on. [`Transition::LostRace`]:
    /// there is no such account.
    pub(crate) async fn delete_account(&self, id: AccountId) -> Result<Transition> {
        const DOING: &str = "removing an account";
        let mut transaction = self.transaction().await?;
        let removed =
            sqlx::query("DELETE FROM accounts WHERE id = ? RETURNING integration, is_default")
                .bind(id.0.as_bytes().as_slice())
                .fetch_optional(&mut *transaction)
                .await
                .doing(DOING)?;
        let Some(removed) = removed else { return Ok(Transition::LostRace) };
        let columns = Columns::new("accounts", "integration", &removed);
        if columns.flag("is_default")? {
            sqlx::query(
                "UPDATE accounts SET is_default = 1
                 WHERE id = (SELECT id FROM accounts WHERE integration = ? ORDER BY created_at, id LIMIT 1)",
            )
            .bind(columns.text("integration")?)
            .execute(&mut *transaction)
            .await
            .doing(DOING)?;
        }
        commit(transaction).await?;
        Ok(Transition::Applied)
    }
}

/// Stores an account, the first of an integration as its default.
pub(super) async fn insert(
    to: impl SqliteExecutor<'_>,
    account: &AccountRow,
) -> Result<Transition> {
    sqlx::query(
        "INSERT OR IGNORE INTO accounts (id, integration, label, is_default, auth_method, sealed, sign_in_needed,
                                         created_at)
         SELECT ?1, ?2, ?3, NOT EXISTS (SELECT 1 FROM accounts WHERE integration = ?2), ?4, ?5, ?6, ?7
         WHERE EXISTS (SELECT 1 FROM integrations WHERE id = ?2)",
    )
    .bind(account.id.0.as_bytes().as_slice())
    .bind(account.integration.as_str())
    .bind(&account.label)
    .bind(account.auth_method.as_str())
    .bind(&account.sealed)
    .bind(&account.sign_in_needed)
    .bind(account.created_at.0)
    .execute(to)
    .await
    .map(Transition::from_rows)
    .doing("storing an account")
}

async fn make_default(to: &mut SqliteConnection, id: AccountId) -> Result<Transition> {
    const DOING: &str = "choosing the default account";
    // Two statements: the index allows one default at any moment.
    sqlx::query(
        "UPDATE accounts SET is_default = 0
         WHERE integration = (SELECT integration FROM accounts WHERE id = ?)",
    )
    .bind(id.0.as_bytes().as_slice())
    .execute(&mut *to)
    .await
    .doing(DOING)?;
    sqlx::query("UPDATE accounts SET is_default = 1 WHERE id = ?")
        .bind(id.0.as_bytes().as_slice())
        .execute(to)
        .await
        .map(Transition::from_rows)
        .doing(DOING)
}

fn read(row: &SqliteRow) -> Result<AccountRow> {
    let columns = Columns::new("accounts", "label", row);
    Ok(AccountRow {
        id: AccountId(columns.uuid("id")?),
        integration: columns.word("integration", |word| IntegrationId::new(word).ok())?,
        label: columns.text("label")?,
        is_default: columns.flag("is_default")?,
        auth_method: columns.word("auth_method", AccountAuth::parse)?,
        sealed: columns.get("sealed")?,
        sign_in_needed: columns.opt_text("sign_in_needed")?,
        created_at: columns.moment("created_at")?,
    })
}

#[cfg(test)]
mod tests;
