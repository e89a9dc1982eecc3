//! What one agent sees of the catalogue, computed once per version and kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use agentport_core::{
    IntegrationId,
    profile::{ListMode, Naming, Profile},
    tool_names,
};
use parking_lot::Mutex;
use rmcp::model::Tool;

use super::{CatalogueEntry, CatalogueSnapshot, PublishedTool};

/// Views kept at once; beyond that all are dropped, since they are cheap to compute again.
const MAX_CACHED_VIEWS: usize = 64;

/// What determines a view beside the catalogue's version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ViewKey {
    /// Profiles of the agent and of the request; a tool must be visible to all of them.
    pub(crate) profiles: Vec<Arc<Profile>>,
    /// Tags of the request.
    pub(crate) tags: Vec<String>,
    pub(crate) mode: ListMode,
}

/// The visible part of a snapshot.
#[derive(Debug)]
pub(crate) struct AgentView {
    pub(crate) version: u64,
    pub(crate) key: ViewKey,
    pub(crate) integrations: BTreeMap<IntegrationId, Arc<CatalogueEntry>>,
    /// Directly listed tools in the order of the list, with the name each is listed by.
    pub(crate) direct: Vec<(String, Arc<PublishedTool>)>,
    by_direct_name: HashMap<String, usize>,
    listed: OnceLock<Arc<Vec<Tool>>>,
    listed_json: OnceLock<ToolListJson>,
}

/// The list of tools as it is sent.
#[derive(Debug)]
pub(crate) struct ToolListJson {
    /// A JSON array.
    pub(crate) json: bytes::Bytes,
    pub(crate) count: usize,
}

impl AgentView {
    fn new(snapshot: &CatalogueSnapshot, key: ViewKey) -> Self {
        let visible = |entry: &CatalogueEntry| {
            entry.row.enabled
                && key.profiles.iter().all(|p| p.shows(&entry.row.id, &entry.row.tags))
                && (key.tags.is_empty() || key.tags.iter().any(|tag| entry.row.tags.contains(tag)))
        };
        let integrations: BTreeMap<_, _> = snapshot
            .integrations
            .iter()
            .filter(|(_, entry)| visible(entry))
            .map(|(id, entry)| (id.clone(), entry.clone()))
            .collect();
        let mut view = Self {
            version: snapshot.version,
            integrations,
            direct: Vec::new(),
            by_direct_name: HashMap::new(),
            listed: OnceLock::new(),
            listed_json: OnceLock::new(),
            key,
        };
        if view.key.mode == ListMode::Direct {
            view.name_tools();
        }
        view
    }

    /// Routing is by this map, never by splitting a name.
    fn name_tools(&mut self) {
        let bare = self.key.profiles.iter().any(|profile| profile.naming == Naming::Bare);
        let visible: Vec<_> =
            self.integrations.values().flat_map(|entry| self.tools_of(entry)).cloned().collect();
        for tool in visible {
            let prefixed = || tool_names::direct_name(&tool.integration, tool.name());
            let name = if bare { tool_names::bare_name(tool.name()) } else { prefixed() };
            let taken = self.by_direct_name.contains_key(&name) || name.starts_with("agentport");
            let name = if taken { prefixed() } else { name };
            if self.by_direct_name.contains_key(&name) {
                tracing::warn!(integration = %tool.integration, tool = ?tool.name(), "two tools of one name; the second is not listed");
                continue;
            }
            self.by_direct_name.insert(name.clone(), self.direct.len());
            self.direct.push((name, tool));
        }
    }

    fn shows(&self, tool: &PublishedTool) -> bool {
        self.key.profiles.iter().all(|p| p.shows_tool(&tool.integration, tool.name()))
    }

    /// A visible tool by integration and name.
    pub(crate) fn tool(&self, integration: &str, tool: &str) -> Option<&Arc<PublishedTool>> {
        self.integrations.get(integration)?.tool(tool).filter(|tool| self.shows(tool))
    }

    /// Visible tools of an integration.
    pub(crate) fn tools_of<'a>(
        &'a self,
        entry: &'a CatalogueEntry,
    ) -> impl Iterator<Item = &'a Arc<PublishedTool>> {
        entry.tools.iter().filter(|tool| self.shows(tool))
    }

    /// A directly listed tool by the name it is listed under.
    pub(crate) fn direct_tool(&self, name: &str) -> Option<&Arc<PublishedTool>> {
        self.by_direct_name.get(name).map(|&at| &self.direct[at].1)
    }

    /// `tools/list` in full: ours first, then the direct ones.
    pub(crate) fn listed(&self, ours: impl FnOnce() -> Vec<Tool>) -> &Arc<Vec<Tool>> {
        self.listed.get_or_init(|| self.list(ours()))
    }

    fn list(&self, mut tools: Vec<Tool>) -> Arc<Vec<Tool>> {
        tools.extend(self.direct.iter().map(|(name, published)| {
            let mut tool = published.tool.clone();
            tool.name = name.clone().into();
            tool
        }));
        Arc::new(tools)
    }

    /// The same as a JSON array, serialised once. The definitions themselves are not kept for it.
    pub(crate) fn listed_json(&self, ours: impl FnOnce() -> Vec<Tool>) -> &ToolListJson {
        self.listed_json.get_or_init(|| {
            let tools = self.listed.get().cloned().unwrap_or_else(|| self.list(ours()));
            let json = serde_json::to_vec(&*tools).unwrap_or_default().into();
            ToolListJson { json, count: tools.len() }
        })
    }
}

/// The views in use.
#[derive(Debug, Default)]
pub(crate) struct ViewCache(Mutex<HashMap<ViewKey, Arc<AgentView>>>);

impl ViewCache {
    /// The view for `key` of this snapshot.
    pub(crate) fn get(&self, snapshot: &CatalogueSnapshot, key: &ViewKey) -> Arc<AgentView> {
        let mut views = self.0.lock();
        if let Some(view) = views.get(key).filter(|view| view.version == snapshot.version) {
            return view.clone();
        }
        if views.len() >= MAX_CACHED_VIEWS {
            views.clear();
        }
        let view = Arc::new(AgentView::new(snapshot, key.clone()));
        views.insert(key.clone(), view.clone());
        view
    }
}
