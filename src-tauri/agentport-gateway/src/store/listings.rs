//! The table `listings`: what each upstream offered last, so that tools are listed before any upstream has answered.

use agentport_core::{IntegrationId, Timestamp};

use super::{Columns, Result, Store, While as _};

/// The last known list of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListingRow {
    pub(crate) integration: IntegrationId,
    pub(crate) json: String,
    pub(crate) fetched_at: Timestamp,
}

impl Store {
    pub(crate) async fn listings(&self) -> Result<Vec<ListingRow>> {
        sqlx::query("SELECT * FROM listings ORDER BY integration")
            .fetch_all(self.readers())
            .await
            .doing("reading the last known tools")?
            .iter()
            .map(|row| {
                let columns = Columns::new("listings", "integration", row);
                Ok(ListingRow {
                    integration: columns
                        .word("integration", |word| IntegrationId::new(word).ok())?,
                    json: columns.text("json")?,
                    fetched_at: columns.moment("fetched_at")?,
                })
            })
            .collect()
    }

    /// Stores a list in place of the one before. Nothing happens if the integration has been removed meanwhile.
    pub(crate) async fn put_listing(&self, listing: &ListingRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO listings (integration, json, fetched_at)
             SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM integrations WHERE id = ?1)
             ON CONFLICT (integration) DO UPDATE SET json = excluded.json, fetched_at = excluded.fetched_at",
        )
        .bind(listing.integration.as_str())
        .bind(&listing.json)
        .bind(listing.fetched_at.0)
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing the last known tools")
    }
}
