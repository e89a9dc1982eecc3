//! The table `tool_effects`: what the owner says that tools do.

use agentport_core::{
    IntegrationId, Timestamp,
    tool::{DefinitionDigest, ToolEffect},
};

use super::{Columns, Result, Store, While as _};

/// The owner's word on one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolEffectRow {
    pub(crate) integration: IntegrationId,
    pub(crate) tool: String,
    /// The definition it was said of.
    pub(crate) digest: DefinitionDigest,
    pub(crate) effect: ToolEffect,
}

impl Store {
    pub(crate) async fn tool_effects(&self) -> Result<Vec<ToolEffectRow>> {
        sqlx::query("SELECT * FROM tool_effects ORDER BY integration, tool")
            .fetch_all(self.readers())
            .await
            .doing("reading what the owner says of tools")?
            .iter()
            .map(|row| {
                let columns = Columns::new("tool_effects", "tool", row);
                Ok(ToolEffectRow {
                    integration: columns
                        .word("integration", |word| IntegrationId::new(word).ok())?,
                    tool: columns.text("tool")?,
                    digest: DefinitionDigest(columns.digest("digest")?),
                    effect: columns.word("effect", ToolEffect::parse_class)?,
                })
            })
            .collect()
    }

    /// Nothing happens if the integration has been removed meanwhile.
    pub(crate) async fn put_tool_effect(&self, said: &ToolEffectRow, at: Timestamp) -> Result<()> {
        sqlx::query(
            "INSERT INTO tool_effects (integration, tool, digest, effect, at)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM integrations WHERE id = ?1)
             ON CONFLICT (integration, tool)
             DO UPDATE SET digest = excluded.digest, effect = excluded.effect, at = excluded.at",
        )
        .bind(said.integration.as_str())
        .bind(&said.tool)
        .bind(said.digest.0.as_slice())
        .bind(said.effect.as_str())
        .bind(at.0)
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing what the owner says of a tool")
    }

    pub(crate) async fn delete_tool_effect(
        &self,
        integration: &IntegrationId,
        tool: &str,
    ) -> Result<()> {
        sqlx::query("DELETE FROM tool_effects WHERE integration = ? AND tool = ?")
            .bind(integration.as_str())
            .bind(tool)
            .execute(self.writer())
            .await
            .map(drop)
            .doing("deleting what the owner says of a tool")
    }
}
