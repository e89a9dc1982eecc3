//! The demo integration, installed once by itself.

use super::Integrations;
use crate::{
    builtin::demo,
    clock,
    store::{self, Transition},
};

/// Set once the demo was installed by itself, so that it does not come back after the owner removed it.
const OFFERED: &str = "demo_offered";

impl Integrations {
    /// Installs the demo once in the life of a data directory.
    pub(crate) async fn offer_demo(&self) -> store::Result<()> {
        if self.store.value(OFFERED).await?.is_some() {
            return Ok(());
        }
        if self.catalogue.get(&demo::id()).is_none() {
            self.install_demo().await?;
        }
        self.store.put_value(OFFERED, "1").await
    }

    /// Adds the demo with its rules and two notes to begin with.
    pub(crate) async fn install_demo(&self) -> store::Result<()> {
        let now = clock::now();
        let row = demo::row(now);
        if self.store.insert_integration(&row, &[]).await? == Transition::LostRace {
            return Ok(());
        }
        for rule in demo::rules(now) {
            self.store.insert_rule(&rule).await?;
        }
        if self.store.notes().await?.is_empty() {
            self.store.add_note("Welcome to AgentPort. Agents can read this note.", now).await?;
            self.store.add_note("Adding a note asks you first.", now).await?;
        }
        self.catalogue.put(row, Some(demo::listing()));
        self.policy.reload().await
    }
}
