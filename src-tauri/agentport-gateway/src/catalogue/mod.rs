//! The live tools of the installed integrations, as one versioned, immutable snapshot.
//!
//! Reading takes no lock. A change makes a new snapshot with the next version; whatever is computed from a snapshot
//! (an agent's view, a serialised list) is kept with the version it belongs to.

mod health;
pub(crate) mod managed_tools;
mod tool;
mod view;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use agentport_core::IntegrationId;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;

pub(crate) use health::{HealthBoard, HealthEntry, is_connected};
pub(crate) use tool::{InvalidArguments, PublishedTool, ToolClassification};
pub(crate) use view::{AgentView, ViewCache, ViewKey};

use crate::{directory, store::IntegrationRow, upstream::Listing};

/// The owner's classifications of an integration's tools, by the tools' names.
pub(crate) type Classifications = HashMap<String, ToolClassification>;

/// An integration with its last known lists.
#[derive(Debug)]
pub(crate) struct CatalogueEntry {
    pub(crate) row: IntegrationRow,
    pub(crate) listing: Option<Listing>,
    /// By name, in the upstream's order.
    pub(crate) tools: Vec<Arc<PublishedTool>>,
}

impl CatalogueEntry {
    fn new(
        row: IntegrationRow,
        listing: Option<Listing>,
        classifications: Option<&Classifications>,
    ) -> Self {
        let known = directory::entry_for(&row.id, &row.connection);
        // An upstream's tool with our prefix is left out: it could be mistaken for one of AgentPort's own.
        let tools = listing
            .iter()
            .flat_map(|listing| &listing.tools)
            .filter(|tool| !tool.name.starts_with(managed_tools::PREFIX))
            .map(|tool| {
                let listed = known.and_then(|known| known.category_of(&tool.name));
                let said = classifications.and_then(|all| all.get(tool.name.as_ref())).copied();
                let tool = PublishedTool::new(row.id.clone(), tool.clone());
                Arc::new(tool.classified(said).in_category(listed))
            })
            .collect();
        Self { tools, row, listing }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&Arc<PublishedTool>> {
        self.tools.iter().find(|tool| tool.name() == name)
    }
}

/// All integrations at one moment.
#[derive(Debug, Default)]
pub(crate) struct CatalogueSnapshot {
    pub(crate) version: u64,
    pub(crate) integrations: BTreeMap<IntegrationId, Arc<CatalogueEntry>>,
}

/// Holds the present snapshot and notifies of its changes.
#[derive(Debug)]
pub(crate) struct Catalogue {
    snapshot: ArcSwap<CatalogueSnapshot>,
    /// Held while a new snapshot is made, never across an await.
    classifications: Mutex<HashMap<IntegrationId, Classifications>>,
    version: watch::Sender<u64>,
    pub(crate) views: ViewCache,
    pub(crate) health: HealthBoard,
}

impl Catalogue {
    pub(crate) fn new() -> Self {
        Self {
            snapshot: ArcSwap::default(),
            classifications: Mutex::default(),
            version: watch::Sender::new(0),
            views: ViewCache::default(),
            health: HealthBoard::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> Arc<CatalogueSnapshot> {
        self.snapshot.load_full()
    }

    pub(crate) fn get(&self, id: &IntegrationId) -> Option<Arc<CatalogueEntry>> {
        self.snapshot.load().integrations.get(id).cloned()
    }

    /// The tool of this name at present: an upstream's, or AgentPort's own that manages the integration.
    pub(crate) fn published(
        &self,
        integration: &IntegrationId,
        tool: &str,
    ) -> Option<Arc<PublishedTool>> {
        if tool.starts_with(managed_tools::PREFIX) {
            return managed_tools::managed_tool(integration, tool);
        }
        let entry = self.get(integration).filter(|entry| entry.row.enabled)?;
        entry.tool(tool).cloned()
    }

    /// The version, and a way to wait for the next.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Adds an integration or replaces its row; a known listing stays.
    pub(crate) fn put(&self, row: IntegrationRow, listing: Option<Listing>) {
        self.change(|integrations, classifications| {
            let id = row.id.clone();
            let kept =
                listing.or_else(|| integrations.get(&id).and_then(|entry| entry.listing.clone()));
            let entry = CatalogueEntry::new(row, kept, classifications.get(&id));
            integrations.insert(id, Arc::new(entry));
            true
        });
    }

    /// Replaces what the owner said of all tools. It may come before the integrations themselves.
    pub(crate) fn classify(&self, said: HashMap<IntegrationId, Classifications>) {
        self.change(|integrations, classifications| {
            let mut changed = false;
            for (id, entry) in integrations {
                if said.get(id) != classifications.get(id) {
                    let (row, listing) = (entry.row.clone(), entry.listing.clone());
                    *entry = Arc::new(CatalogueEntry::new(row, listing, said.get(id)));
                    changed = true;
                }
            }
            *classifications = said;
            changed
        });
    }

    /// Publishes a new listing. `false`: it is unchanged, or the integration was removed.
    pub(crate) fn publish(&self, id: &IntegrationId, listing: Listing) -> bool {
        self.change(|integrations, classifications| {
            let Some(entry) = integrations.get(id) else { return false };
            if entry.listing.as_ref() == Some(&listing) {
                return false;
            }
            let classifications = classifications.get(id);
            let entry = CatalogueEntry::new(entry.row.clone(), Some(listing), classifications);
            integrations.insert(id.clone(), Arc::new(entry));
            true
        })
    }

    pub(crate) fn remove(&self, id: &IntegrationId) {
        self.change(|integrations, _| integrations.remove(id).is_some());
        self.health.remove(id);
    }

    fn change(
        &self,
        change: impl FnOnce(
            &mut BTreeMap<IntegrationId, Arc<CatalogueEntry>>,
            &mut HashMap<IntegrationId, Classifications>,
        ) -> bool,
    ) -> bool {
        let mut classifications = self.classifications.lock();
        let before = self.snapshot.load();
        let mut integrations = before.integrations.clone();
        if !change(&mut integrations, &mut classifications) {
            return false;
        }
        let version = before.version + 1;
        self.snapshot.store(Arc::new(CatalogueSnapshot { version, integrations }));
        self.version.send_replace(version);
        true
    }
}

#[cfg(test)]
mod tests {
    use agentport_core::{Timestamp, policy::IntegrationPolicy, tool::ToolEffect};
    use rmcp::model::{Implementation, JsonObject, ServerCapabilities, Tool, ToolAnnotations};

    use super::*;
    use agentport_api::Connection;

    fn listing(tools: &[&'static str]) -> Listing {
        let reads = ToolAnnotations::new().read_only(true);
        let tool = |name: &&'static str| {
            Tool::new(*name, "a tool", JsonObject::new()).with_annotations(reads.clone())
        };
        Listing {
            tools: tools.iter().map(tool).collect(),
            prompts: Vec::new(),
            resources: Vec::new(),
            resource_templates: Vec::new(),
            capabilities: ServerCapabilities::default(),
            instructions: None,
            server: Implementation::new("x", "1"),
            revision: agentport_core::mcp::LATEST_REVISION.to_owned(),
            transport: None,
            left_out: Vec::new(),
        }
    }

    fn remote(id: &IntegrationId, url: &str) -> IntegrationRow {
        IntegrationRow {
            id: id.clone(),
            name: "Exa".to_owned(),
            connection: Connection::RemoteMcp {
                url: url.to_owned(),
                headers: [].into(),
                oauth: None,
                timeout_seconds: None,
            },
            tags: Vec::new(),
            policy: IntegrationPolicy::default(),
            resources: false,
            enabled: true,
            auth_method: "token".to_owned(),
            added_at: Timestamp(1),
            imported: None,
        }
    }

    /// The owner's word is for the definition it was said of, and the list's categories stay as they are.
    #[test]
    fn a_classification_holds_for_one_definition() {
        let id = IntegrationId::new("exa").unwrap();
        let catalogue = Catalogue::new();
        let names = ["web_search_exa", "brand_new"];
        catalogue.put(remote(&id, "https://mcp.exa.ai/mcp"), Some(listing(&names)));
        let tools = || -> Vec<_> {
            let entry = catalogue.get(&id).unwrap();
            let seen =
                |tool: &Arc<PublishedTool>| (tool.effect, tool.is_classified(), tool.category);
            entry.tools.iter().map(seen).collect()
        };
        let unclassified =
            vec![(ToolEffect::Reads, false, "Search"), (ToolEffect::Reads, false, "Reads")];
        assert_eq!(tools(), unclassified);

        let said = |name: &str| {
            let digest = catalogue.published(&id, name).unwrap().digest;
            (name.to_owned(), ToolClassification { effect: ToolEffect::Destroys, digest })
        };
        catalogue.classify([(id.clone(), names.map(said).into())].into());
        let classified =
            vec![(ToolEffect::Destroys, true, "Search"), (ToolEffect::Destroys, true, "Destroys")];
        assert_eq!(tools(), classified);

        let mut changed = listing(&names);
        for tool in &mut changed.tools {
            tool.description = Some("another".into());
        }
        catalogue.publish(&id, changed);
        assert_eq!(tools(), unclassified, "a changed tool is what it says of itself");
        catalogue.publish(&id, listing(&names));
        catalogue.put(remote(&id, "https://mcp.exa.ai/mcp"), None);
        assert_eq!(tools(), classified, "it is the same tool again");
        catalogue.classify(HashMap::new());
        assert_eq!(tools(), unclassified);
    }

    /// Categories of the directory apply only to a server at the URL the directory names.
    #[test]
    fn categories_come_from_the_list_or_from_the_tool() {
        let id = IntegrationId::new("exa").unwrap();
        let categories = |url: &str| {
            let catalogue = Catalogue::new();
            catalogue.put(remote(&id, url), Some(listing(&["web_search_exa"])));
            // A later list is looked at in the same way.
            catalogue.publish(&id, listing(&["web_search_exa", "brand_new"]));
            let entry = catalogue.get(&id).unwrap();
            entry.tools.iter().map(|tool| tool.category).collect::<Vec<_>>()
        };
        assert_eq!(categories("https://mcp.exa.ai/mcp"), ["Search", "Reads"]);
        assert_eq!(categories("https://exa.example.test/mcp"), ["Reads", "Reads"]);
    }
}
