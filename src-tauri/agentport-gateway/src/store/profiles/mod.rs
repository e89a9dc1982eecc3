//! The table `profiles`.

use agentport_core::profile::{ListMode, Naming, Profile};
use sqlx::{SqliteExecutor, sqlite::SqliteRow};

use super::{Columns, Result, Store, Transition, While as _, columns::to_json};

fn row(row: &SqliteRow) -> Result<Profile> {
    let columns = Columns::new("profiles", "name", row);
    Ok(Profile {
        name: columns.text("name")?,
        integrations: columns.opt_json("integrations")?,
        tags: columns.json("tags")?,
        hidden_tools: columns.json("hidden_tools")?,
        mode: columns.word("mode", |word| match word {
            "meta" => Some(ListMode::Meta),
            "direct" => Some(ListMode::Direct),
            _ => None,
        })?,
        naming: columns.word("naming", |word| match word {
            "prefixed" => Some(Naming::Prefixed),
            "bare" => Some(Naming::Bare),
            _ => None,
        })?,
    })
}

impl Store {
    /// By name.
    pub(crate) async fn profiles(&self) -> Result<Vec<Profile>> {
        sqlx::query("SELECT * FROM profiles ORDER BY name")
            .fetch_all(self.readers())
            .await
            .doing("reading the profiles")?
            .iter()
            .map(row)
            .collect()
    }

    /// Stores a profile in place of the one of that name.
    pub(crate) async fn put_profile(&self, profile: &Profile) -> Result<()> {
        put(self.writer(), profile).await
    }

    /// [`Transition::LostRace`]: unknown, or an agent that is not revoked uses it. Without its profile that agent would see more.
    pub(crate) async fn delete_profile(&self, name: &str) -> Result<Transition> {
        sqlx::query(
            "DELETE FROM profiles WHERE name = ?1
             AND NOT EXISTS (SELECT 1 FROM agents WHERE profile = ?1 AND revoked_at IS NULL)",
        )
        .bind(name)
        .execute(self.writer())
        .await
        .map(Transition::from_rows)
        .doing("deleting a profile")
    }
}

pub(super) async fn put(to: impl SqliteExecutor<'_>, profile: &Profile) -> Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO profiles (name, integrations, tags, hidden_tools, mode, naming)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&profile.name)
    .bind(profile.integrations.as_ref().map(to_json))
    .bind(to_json(&profile.tags))
    .bind(to_json(&profile.hidden_tools))
    .bind(match profile.mode {
        ListMode::Meta => "meta",
        ListMode::Direct => "direct",
    })
    .bind(match profile.naming {
        Naming::Prefixed => "prefixed",
        Naming::Bare => "bare",
    })
    .execute(to)
    .await
    .map(drop)
    .doing("storing a profile")
}

#[cfg(test)]
mod tests;
