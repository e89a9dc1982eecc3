//! The audit: one row per change of configuration and per security event, chained so that tampering shows.
//!
//! Each row carries `mac = HMAC-SHA-256(key, "agentport audit row v1" ‖ previous mac ‖ row)`; the first row's
//! previous mac is 32 zero bytes. A row's bytes are `seq` and `at` as 8 bytes each, big-endian, then actor, action, subject and
//! detail, each as its length in 8 bytes, big-endian, and its UTF-8. The detail's bytes are the JSON text as stored.
//! The key is derived from the vault's master key, so who can write the database alone cannot write a row that fits.
//!
//! The head (how many rows, the last one's mac, and an HMAC over both) is kept in the settings and written with each
//! row. New rows continue from the head, never from the last row found: cutting off the tail shows for ever.
//!
//! Not found: the whole database put back to an earlier state, or emptied together with its head. That takes a copy
//! kept elsewhere (`export`).

use agentport_api::{AuditRow, AuditVerdict};
use agentport_core::{
    ErrorChain, Timestamp,
    audit::{Actor, AuditAction},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::{
    clock,
    store::{self, Columns, Store, While as _, commit, hex},
};

const HEAD: &str = "audit.head";
/// Rows read at a time while verifying.
const PAGE: i64 = 1_000;

/// Writes and checks the audit.
#[derive(Clone)]
pub(crate) struct Audit {
    store: Store,
    key: [u8; 32],
}

/// Where the chain ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    seq: i64,
    mac: [u8; 32],
}

/// A row as it is stored. Actor and action stay text: the MAC is over them, and other versions have other words.
struct Link {
    seq: i64,
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    mac: [u8; 32],
}

const START: Head = Head { seq: 0, mac: [0; 32] };

impl Audit {
    /// `mac_key` comes from [`crate::vault::Vault::derive`].
    pub(crate) fn open(store: Store, mac_key: [u8; 32]) -> Self {
        Self { store, key: mac_key }
    }

    /// Adds a row. The change it records has happened already, so a failure to write it is logged.
    pub(crate) async fn record(
        &self,
        actor: Actor,
        action: AuditAction,
        subject: &str,
        detail: Value,
    ) {
        if let Err(error) = self.append(actor, action, subject, detail).await {
            let action = action.as_str();
            tracing::error!(action, subject, error = %ErrorChain(&error), "an audit row could not be written");
        }
    }

    /// Adds a row. `detail` holds no secret.
    pub(crate) async fn append(
        &self,
        actor: Actor,
        action: AuditAction,
        subject: &str,
        detail: Value,
    ) -> store::Result<()> {
        let doing = "writing to the audit";
        let mut transaction = self.store.transaction().await?;
        let last = last_seq(&mut transaction).await?;
        let head = match stored_head(&mut transaction).await? {
            None if last == 0 => START,
            // The head was changed. Chained to nothing, the new row bears witness to that.
            text => text.and_then(|text| self.parse_head(&text)).unwrap_or(START),
        };
        let mut link = Link {
            seq: head.seq.max(last) + 1,
            at: clock::now(),
            actor: actor.to_string(),
            action: action.as_str().to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_string(),
            mac: [0; 32],
        };
        link.mac = self.mac(&head.mac, &link);
        sqlx::query(
            "INSERT INTO audit (seq, at, actor, action, subject, detail, mac) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(link.seq)
        .bind(link.at.0)
        .bind(&link.actor)
        .bind(&link.action)
        .bind(&link.subject)
        .bind(&link.detail)
        .bind(link.mac.as_slice())
        .execute(&mut *transaction)
        .await
        .doing(doing)?;
        sqlx::query(
            "INSERT INTO settings (key, value) VALUES (?, ?)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(HEAD)
        .bind(self.write_head(Head { seq: link.seq, mac: link.mac }))
        .execute(&mut *transaction)
        .await
        .doing(doing)?;
        commit(transaction).await
    }

    /// Newest first; `before` is the `seq` of the last row of the page before.
    pub(crate) async fn list(
        &self,
        limit: u32,
        before: Option<i64>,
    ) -> store::Result<Vec<AuditRow>> {
        sqlx::query("SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?")
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(self.store.readers())
            .await
            .doing("reading the audit")?
            .iter()
            .map(shown)
            .collect()
    }

    /// Every row, oldest first.
    pub(crate) async fn export(&self) -> store::Result<Vec<AuditRow>> {
        sqlx::query("SELECT * FROM audit ORDER BY seq")
            .fetch_all(self.store.readers())
            .await
            .doing("reading the audit")?
            .iter()
            .map(shown)
            .collect()
    }

    /// Follows the chain from the first row to the head.
    pub(crate) async fn verify(&self) -> store::Result<AuditVerdict> {
        let mut snapshot = self.store.snapshot().await?;
        let head = stored_head(&mut snapshot).await?;
        let mut end = START;
        // Not from 0 on: rows put in before the first are found too.
        let mut after = i64::MIN;
        loop {
            let rows = sqlx::query("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?")
                .bind(after)
                .bind(PAGE)
                .fetch_all(&mut *snapshot)
                .await
                .doing("reading the audit")?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let link = link(row)?;
                if let Some(broken) = self.misfit(&end, &link) {
                    return Ok(broken);
                }
                end = Head { seq: link.seq, mac: link.mac };
            }
            after = end.seq;
        }
        let what = match head {
            None if end == START => None,
            None => Some("the record of where the audit ends is missing"),
            Some(text) => match self.parse_head(&text) {
                None => Some("the record of where the audit ends was changed"),
                Some(head) if head.seq > end.seq => Some("rows are missing at the end"),
                Some(head) if head != end => Some("the audit does not end where its record says"),
                Some(_) => None,
            },
        };
        Ok(match what {
            None => AuditVerdict::Intact { rows: u64::try_from(end.seq).unwrap_or(0) },
            Some(what) => AuditVerdict::Broken { seq: end.seq + 1, what: what.to_owned() },
        })
    }

    /// What is wrong with the row that follows `end`.
    fn misfit(&self, end: &Head, link: &Link) -> Option<AuditVerdict> {
        if link.seq > end.seq + 1 {
            let seq = end.seq + 1;
            return Some(AuditVerdict::Broken { seq, what: format!("row {seq} is missing") });
        }
        let fits = link.seq == end.seq + 1 && self.mac(&end.mac, link) == link.mac;
        let what = || format!("row {} was changed, moved or put in", link.seq);
        (!fits).then(|| AuditVerdict::Broken { seq: link.seq, what: what() })
    }

    fn mac(&self, previous: &[u8; 32], link: &Link) -> [u8; 32] {
        let mut mac = self.keyed(b"agentport audit row v1");
        mac.update(previous);
        mac.update(&link.seq.to_be_bytes());
        mac.update(&link.at.0.to_be_bytes());
        for field in [&link.actor, &link.action, &link.subject, &link.detail] {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    fn head_mac(&self, head: &Head) -> [u8; 32] {
        let mut mac = self.keyed(b"agentport audit head v1");
        mac.update(&head.seq.to_be_bytes());
        mac.update(&head.mac);
        mac.finalize().into_bytes().into()
    }

    fn keyed(&self, purpose: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes any key");
        mac.update(purpose);
        mac
    }

    fn write_head(&self, head: Head) -> String {
        format!("{} {} {}", head.seq, hex(&head.mac), hex(&self.head_mac(&head)))
    }

    /// `None` if we did not write this.
    fn parse_head(&self, text: &str) -> Option<Head> {
        let mut words = text.split(' ');
        let seq = words.next()?.parse().ok()?;
        let head = Head { seq, mac: unhex(words.next()?)? };
        (self.write_head(head) == text).then_some(head)
    }
}

async fn last_seq(connection: &mut SqliteConnection) -> store::Result<i64> {
    sqlx::query("SELECT coalesce(max(seq), 0) FROM audit")
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get(0))
        .doing("reading the end of the audit")
}

async fn stored_head(connection: &mut SqliteConnection) -> store::Result<Option<String>> {
    sqlx::query_scalar("SELECT value FROM settings WHERE key = ?")
        .bind(HEAD)
        .fetch_optional(connection)
        .await
        .doing("reading the end of the audit")
}

fn link(row: &SqliteRow) -> store::Result<Link> {
    let columns = Columns::new("audit", "seq", row);
    Ok(Link {
        seq: columns.get("seq")?,
        at: columns.moment("at")?,
        actor: columns.text("actor")?,
        action: columns.text("action")?,
        subject: columns.text("subject")?,
        detail: columns.text("detail")?,
        mac: columns.digest("mac")?,
    })
}

fn shown(row: &SqliteRow) -> store::Result<AuditRow> {
    let link = link(row)?;
    Ok(AuditRow {
        seq: link.seq,
        at: link.at,
        actor: link.actor,
        action: link.action,
        subject: link.subject,
        // A change that broke the JSON broke the chain: listing shows what is there, verifying says so.
        detail: serde_json::from_str(&link.detail).unwrap_or(Value::String(link.detail)),
        mac: hex(&link.mac),
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
