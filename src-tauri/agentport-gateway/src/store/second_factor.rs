//! The tables `second_factor` and `recovery_codes`.

use agentport_core::Timestamp;
use sqlx::SqliteConnection;

use super::{Columns, Result, Store, Transition, While as _, commit, execute};

/// The second factor, which is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecondFactorRow {
    pub(crate) sealed: Vec<u8>,
    pub(crate) since: Timestamp,
}

pub(crate) type CodeHash = [u8; 32];

impl Store {
    /// `None`: it is off.
    pub(crate) async fn second_factor(&self) -> Result<Option<SecondFactorRow>> {
        let row = sqlx::query("SELECT only, sealed, since FROM second_factor")
            .fetch_optional(self.readers())
            .await
            .doing("reading the second factor")?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new("second_factor", "only", &row);
        Ok(Some(SecondFactorRow {
            sealed: columns.get("sealed")?,
            since: columns.moment("since")?,
        }))
    }

    /// Turns it on, with the step whose code proved the secret, and with these recovery codes alone. [`Transition::LostRace`]: it was on
    /// already, and nothing was changed.
    pub(crate) async fn insert_second_factor(
        &self,
        row: &SecondFactorRow,
        used_step: u64,
        codes: &[CodeHash],
    ) -> Result<Transition> {
        let doing = "turning the second factor on";
        let mut transaction = self.transaction().await?;
        let done = sqlx::query(
            "INSERT INTO second_factor (only, sealed, since, used_step) VALUES (1, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&row.sealed)
        .bind(row.since.0)
        .bind(stored(used_step))
        .execute(&mut *transaction)
        .await
        .doing(doing)?;
        if Transition::from_rows(done) == Transition::LostRace {
            return Ok(Transition::LostRace);
        }
        put_codes(&mut transaction, codes).await?;
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    /// Turns it off and forgets its codes. [`Transition::LostRace`]: it was off.
    pub(crate) async fn delete_second_factor(&self) -> Result<Transition> {
        let doing = "turning the second factor off";
        let mut transaction = self.transaction().await?;
        execute(&mut transaction, "DELETE FROM recovery_codes", doing).await?;
        let rows = execute(&mut transaction, "DELETE FROM second_factor", doing).await?;
        commit(transaction).await?;
        Ok(Transition::applied_if(rows > 0))
    }

    /// Uses up the code of a step. [`Transition::LostRace`]: it, or a later one, was used before.
    pub(crate) async fn use_step(&self, step: u64) -> Result<Transition> {
        sqlx::query("UPDATE second_factor SET used_step = ?1 WHERE used_step < ?1")
            .bind(stored(step))
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("using a one-time code up")
    }

    /// Uses up a recovery code. [`Transition::LostRace`]: it is none, or none any more.
    pub(crate) async fn use_recovery_code(&self, hash: &CodeHash) -> Result<Transition> {
        sqlx::query("DELETE FROM recovery_codes WHERE hash = ?")
            .bind(hash.as_slice())
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("using a recovery code up")
    }

    /// Puts these in place of all others. [`Transition::LostRace`]: the second factor is off, and there are none.
    pub(crate) async fn replace_recovery_codes(&self, codes: &[CodeHash]) -> Result<Transition> {
        let doing = "replacing the recovery codes";
        let mut transaction = self.transaction().await?;
        let on: i64 = sqlx::query_scalar("SELECT count(*) FROM second_factor")
            .fetch_one(&mut *transaction)
            .await
            .doing(doing)?;
        if on == 0 {
            return Ok(Transition::LostRace);
        }
        put_codes(&mut transaction, codes).await?;
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    pub(crate) async fn count_recovery_codes(&self) -> Result<u32> {
        sqlx::query_scalar("SELECT count(*) FROM recovery_codes")
            .fetch_one(self.readers())
            .await
            .doing("counting the recovery codes")
    }
}

/// A step is the moment divided by 30 s, far from the end of the number.
fn stored(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

async fn put_codes(connection: &mut SqliteConnection, codes: &[CodeHash]) -> Result<()> {
    let doing = "storing recovery codes";
    execute(connection, "DELETE FROM recovery_codes", doing).await?;
    for hash in codes {
        sqlx::query("INSERT INTO recovery_codes (hash) VALUES (?)")
            .bind(hash.as_slice())
            .execute(&mut *connection)
            .await
            .doing(doing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::store;

    #[tokio::test]
    async fn is_on_once_and_off_with_its_codes() {
        let store = store().await;
        assert_eq!(store.second_factor().await.unwrap(), None);
        assert_eq!(
            store.replace_recovery_codes(&[[9; 32]]).await.unwrap(),
            Transition::LostRace,
            "off"
        );
        assert_eq!(store.count_recovery_codes().await.unwrap(), 0);
        let row = SecondFactorRow { sealed: vec![1], since: Timestamp(7) };
        assert_eq!(
            store.insert_second_factor(&row, 3, &[[1; 32], [2; 32]]).await.unwrap(),
            Transition::Applied
        );
        let other = SecondFactorRow { sealed: vec![2], since: Timestamp(8) };
        assert_eq!(
            store.insert_second_factor(&other, 9, &[[3; 32]]).await.unwrap(),
            Transition::LostRace
        );
        assert_eq!(store.second_factor().await.unwrap(), Some(row));
        assert_eq!(store.count_recovery_codes().await.unwrap(), 2);
        assert_eq!(store.delete_second_factor().await.unwrap(), Transition::Applied);
        assert_eq!(store.delete_second_factor().await.unwrap(), Transition::LostRace);
        assert_eq!(store.count_recovery_codes().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn steps_and_recovery_codes_are_good_once() {
        let store = store().await;
        assert_eq!(store.use_step(1).await.unwrap(), Transition::LostRace, "off");
        let row = SecondFactorRow { sealed: vec![1], since: Timestamp(7) };
        assert!(
            store.insert_second_factor(&row, 3, &[[1; 32], [2; 32]]).await.unwrap().is_applied()
        );
        for (step, good) in [(3, false), (4, true), (4, false), (6, true), (5, false), (7, true)] {
            assert_eq!(store.use_step(step).await.unwrap().is_applied(), good, "{step}");
        }
        assert_eq!(store.use_recovery_code(&[1; 32]).await.unwrap(), Transition::Applied);
        assert_eq!(store.use_recovery_code(&[1; 32]).await.unwrap(), Transition::LostRace);
        assert_eq!(store.replace_recovery_codes(&[[4; 32]]).await.unwrap(), Transition::Applied);
        assert_eq!(store.use_recovery_code(&[2; 32]).await.unwrap(), Transition::LostRace);
        assert_eq!(store.use_recovery_code(&[4; 32]).await.unwrap(), Transition::Applied);
    }
}
