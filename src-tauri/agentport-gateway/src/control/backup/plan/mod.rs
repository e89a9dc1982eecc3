//! Plans a restore: compares a document with the present configuration. Pure; the document is validated like the owner's
//! own input, and an error names its position.

use std::collections::{BTreeMap, HashMap, HashSet};

use agentport_api::{BackedUpAgent, BackedUpIntegration, Backup, Connection, Imported, Settings};
use agentport_core::{
    AgentId, IntegrationId, RuleId, Timestamp,
    policy::{IntegrationPolicy, Mode, Origin, Rule, Scope},
    sanitize,
};

use super::{
    Here,
    document::{self, FORMAT},
    renamed::with_present_categories,
    sentences,
};
use crate::{
    builtin,
    control::{
        error::{ApiError, ApiResult},
        integrations::{MAX_NAME, check_tags},
        keys::check_name,
        profiles, settings,
    },
    integrations::{TooMuch, check_connection, fit_to_be_kept, secret_names, with_timeout},
    store::{AgentRow, IntegrationRow, Restored},
};

/// What a restore will store.
#[derive(Debug, Default)]
pub(super) struct RestorePlan {
    /// Without the new agents, who have no keys yet.
    pub(super) stored: Restored,
    pub(super) new_agents: Vec<AgentRow>,
    pub(super) changes: Vec<String>,
    pub(super) needs_secrets: Vec<IntegrationId>,
}

impl RestorePlan {
    pub(super) fn is_nothing(&self) -> bool {
        let Restored { settings, profiles, agents, integrations, rules, .. } = &self.stored;
        settings.is_none()
            && profiles.is_empty()
            && agents.is_empty()
            && integrations.is_empty()
            && rules.is_empty()
            && self.new_agents.is_empty()
    }
}

pub(super) fn plan(backup: &Backup, here: Here, now: Timestamp) -> ApiResult<RestorePlan> {
    if backup.format != FORMAT {
        let detail = format!(
            "the document has the format {}, and this AgentPort knows only {FORMAT}; update it first",
            backup.format
        );
        return Err(ApiError::invalid("format", detail));
    }
    let mut plan = RestorePlan::default();
    plan.settings(&backup.settings, &here.settings)?;
    plan.integrations(&backup.integrations, &here.integrations, now)?;
    let integrations: HashMap<&IntegrationId, &str> = here
        .integrations
        .iter()
        .map(|row| (&row.id, row.name.as_str()))
        .chain(backup.integrations.iter().map(|i| (&i.id, i.name.as_str())))
        .collect();

    once(backup.profiles.iter().map(|profile| &profile.name), "profiles")?;
    for (index, profile) in backup.profiles.iter().enumerate() {
        profiles::check(profile, |id| integrations.contains_key(id))
            .map_err(|refused| refused.at(&format!("profiles[{index}]")))?;
        let before = here.profiles.iter().find(|other| other.name == profile.name);
        if before != Some(profile) {
            let verb = if before.is_some() { "Changes" } else { "Adds" };
            plan.changes.push(format!("{verb} the profile {:?}.", profile.name));
            plan.stored.profiles.push(profile.clone());
        }
    }
    let profiles: HashSet<&str> =
        here.profiles.iter().chain(&backup.profiles).map(|profile| profile.name.as_str()).collect();

    let let_in = plan.agents(&backup.agents, &here.agents, &profiles, now)?;
    let rules = with_present_categories(&backup.rules);
    plan.rules(&rules, &here.rules, &let_in, &integrations)?;
    Ok(plan)
}

/// Refuses duplicate ids.
fn once<T: Eq + std::hash::Hash>(keys: impl Iterator<Item = T>, list: &str) -> ApiResult<()> {
    let mut seen = HashSet::new();
    for (index, key) in keys.enumerate() {
        if !seen.insert(key) {
            let refused = ApiError::invalid("id", "the document has this one twice");
            return Err(refused.at(&format!("{list}[{index}]")));
        }
    }
    Ok(())
}

impl RestorePlan {
    fn settings(&mut self, wanted: &Settings, here: &Settings) -> ApiResult<()> {
        settings::check(wanted).map_err(|refused| refused.at("settings"))?;
        // "Do not disturb until" is temporary and not part of the document.
        let silent = here.notifications_silent_until;
        let wanted = Settings { notifications_silent_until: silent, ..wanted.clone() };
        if wanted != *here {
            self.changes.extend(sentences::settings(here, &wanted));
            self.stored.settings = Some(wanted);
        }
        Ok(())
    }

    fn integrations(
        &mut self,
        wanted: &[BackedUpIntegration],
        here: &[IntegrationRow],
        now: Timestamp,
    ) -> ApiResult<()> {
        once(wanted.iter().map(|integration| &integration.id), "integrations")?;
        for (index, integration) in wanted.iter().enumerate() {
            check_integration(integration)
                .map_err(|refused| refused.at(&format!("integrations[{index}]")))?;
            let before = here.iter().find(|row| row.id == integration.id);
            let mut row = row(integration, before.map_or(now, |row| row.added_at));
            // Values that were left out because they look like secrets are kept here.
            let as_told = before.map(|before| document::integration(before.clone()));
            let untimed = |connection: &Connection| with_timeout(connection.clone(), None);
            let same_way =
                as_told.is_some_and(|told| untimed(&told.connection) == untimed(&row.connection));
            row.imported = imported(integration, before)
                .map_err(|error| ApiError::from(&error).at(&format!("integrations[{index}]")))?;
            if let (true, Some(before)) = (same_way, before) {
                // Older documents have no such field.
                let seconds = row
                    .connection
                    .timeout_seconds()
                    .or_else(|| before.connection.timeout_seconds());
                row.connection = with_timeout(before.connection.clone(), seconds);
                if sentences::lacks(&integration.connection) {
                    row.enabled = before.enabled;
                }
            }
            if before == Some(&row) {
                continue;
            }
            self.changes.push(match before {
                None => sentences::new_integration(integration),
                Some(_) if same_way => {
                    format!("Changes the integration {}.", sentences::name(integration))
                }
                Some(_) => format!(
                    "Changes how the integration {} is reached: from now on it is one {}. Its tools are read anew.",
                    sentences::name(integration),
                    integration.connection.sentence()
                ),
            });
            self.changes.extend(sentences::defaults(before, &row));
            if !same_way {
                if before.is_some() {
                    self.stored.reconnected.push(row.id.clone());
                }
                if !secret_names(&row.connection).is_empty() {
                    self.needs_secrets.push(row.id.clone());
                }
            }
            self.stored.integrations.push(row);
        }
        Ok(())
    }

    /// Returns the valid agents after the restore, by name.
    fn agents(
        &mut self,
        wanted: &[BackedUpAgent],
        here: &[AgentRow],
        profiles: &HashSet<&str>,
        now: Timestamp,
    ) -> ApiResult<BTreeMap<AgentId, String>> {
        once(wanted.iter().map(|agent| agent.id), "agents")?;
        once(wanted.iter().map(|agent| &agent.name), "agents")?;
        let mut let_in: BTreeMap<AgentId, String> = here
            .iter()
            .filter(|agent| agent.revoked_at.is_none())
            .map(|agent| (agent.id, agent.name.clone()))
            .collect();
        for (index, agent) in wanted.iter().enumerate() {
            let before = here.iter().find(|row| row.id == agent.id);
            check_agent(agent, before, here, profiles)
                .map_err(|refused| refused.at(&format!("agents[{index}]")))?;
            match before {
                Some(before) if before.revoked_at.is_some() => self.changes.push(format!(
                    "Leaves out the agent {:?}: its key was revoked here.",
                    agent.name
                )),
                Some(before) => {
                    let mut after = before.clone();
                    after.profile.clone_from(&agent.profile);
                    after.expires_at = agent.expires_at;
                    if after != *before {
                        self.changes.push(sentences::changed_agent(&after));
                        self.stored.agents.push(after);
                    }
                }
                None if agent.expires_at.is_some_and(|end| end <= now) => self
                    .changes
                    .push(format!("Leaves out the agent {:?}: its time is over.", agent.name)),
                None => {
                    let detail = format!("Adds the agent {:?} with a new key.", agent.name);
                    self.changes.push(detail);
                    self.new_agents.push(new_agent(agent, now));
                    let_in.insert(agent.id, agent.name.clone());
                }
            }
        }
        Ok(let_in)
    }

    fn rules(
        &mut self,
        wanted: &[Rule],
        here: &[Rule],
        let_in: &BTreeMap<AgentId, String>,
        integrations: &HashMap<&IntegrationId, &str>,
    ) -> ApiResult<()> {
        once(wanted.iter().map(|rule| rule.id), "rules")?;
        let by_id: HashMap<RuleId, &Rule> = here.iter().map(|rule| (rule.id, rule)).collect();
        for (index, rule) in wanted.iter().enumerate() {
            check_rule(rule, integrations)
                .map_err(|refused| refused.at(&format!("rules[{index}]")))?;
            if rule.agent.is_some_and(|agent| !let_in.contains_key(&agent)) {
                // Its agent is not restored, so the rule would apply to none.
                continue;
            }
            let before = by_id.get(&rule.id);
            let said_already = before == Some(&rule)
                || (before.is_none() && here.iter().any(|other| says_the_same(other, rule)));
            if said_already {
                continue;
            }
            let sentence = sentences::rule(
                rule,
                |agent| let_in.get(&agent).cloned(),
                |id| integrations.get(id).map_or_else(|| id.to_string(), |name| (*name).to_owned()),
            );
            let verb = if before.is_some() { "Changes a rule to" } else { "Adds the rule" };
            self.changes.push(format!("{verb}: {sentence}."));
            self.stored.rules.push(rule.clone());
        }
        Ok(())
    }
}

fn check_integration(integration: &BackedUpIntegration) -> ApiResult<()> {
    let name = &integration.name;
    if name.is_empty() || sanitize::sanitize_line(name, MAX_NAME) != *name {
        return Err(ApiError::invalid("name", "a name has 1 to 64 visible characters"));
    }
    check_tags(&integration.tags)?;
    if !sentences::lacks(&integration.connection) {
        check_connection(&integration.id, &integration.connection)?;
    } else if integration.enabled {
        let detail = "what lacks something of its connection cannot be switched on";
        return Err(ApiError::invalid("enabled", detail));
    }
    match integration.auth_method.as_str() {
        "none" | "token" => Ok(()),
        other => Err(ApiError::invalid("auth_method", format!("{other:?} is no way to sign in"))),
    }
}

/// Fields imported from a client. Older documents lack them, which removes nothing.
fn imported(
    integration: &BackedUpIntegration,
    before: Option<&IntegrationRow>,
) -> Result<Option<Imported>, TooMuch> {
    match &integration.imported {
        Some(imported) => fit_to_be_kept(imported.clone()).map(Some),
        None => Ok(before.and_then(|before| before.imported.clone())),
    }
}

fn row(integration: &BackedUpIntegration, added_at: Timestamp) -> IntegrationRow {
    IntegrationRow {
        id: integration.id.clone(),
        name: integration.name.clone(),
        connection: integration.connection.clone(),
        tags: integration.tags.clone(),
        policy: IntegrationPolicy {
            default_mode: integration.default_mode,
            read_only_may_run: integration.read_only_may_run,
        },
        resources: integration.resources,
        enabled: integration.enabled,
        auth_method: integration.auth_method.clone(),
        added_at,
        imported: None,
    }
}

fn check_agent(
    agent: &BackedUpAgent,
    before: Option<&AgentRow>,
    here: &[AgentRow],
    profiles: &HashSet<&str>,
) -> ApiResult<()> {
    if agent.id.0.is_nil() {
        return Err(ApiError::invalid("id", "an agent's id is not all zeros"));
    }
    check_name(&agent.name)?;
    if let Some(before) = before.filter(|before| before.name != agent.name) {
        let detail =
            format!("this agent is called {:?} here, and agents keep their names", before.name);
        return Err(ApiError::invalid("name", detail));
    }
    let other =
        |row: &&AgentRow| row.revoked_at.is_none() && row.name == agent.name && row.id != agent.id;
    if here.iter().any(|row| other(&row)) {
        let detail = format!(
            "there is another agent named {:?} here; revoke its key first, or rename this one in the document",
            agent.name
        );
        return Err(ApiError::invalid("name", detail));
    }
    match agent.profile.as_deref().filter(|name| !profiles.contains(name)) {
        Some(unknown) => {
            Err(ApiError::invalid("profile", format!("there is no profile {unknown:?}")))
        }
        None => Ok(()),
    }
}

fn new_agent(agent: &BackedUpAgent, now: Timestamp) -> AgentRow {
    AgentRow {
        id: agent.id,
        name: agent.name.clone(),
        key_prefix: String::new(),
        profile: agent.profile.clone(),
        created_at: now,
        expires_at: agent.expires_at,
        revoked_at: None,
        last_used_at: None,
        client: None,
    }
}

fn check_rule(rule: &Rule, integrations: &HashMap<&IntegrationId, &str>) -> ApiResult<()> {
    if rule.session || rule.expires_at.is_some() {
        return Err(ApiError::invalid("expires_at", "rules that end are no part of a backup"));
    }
    let integration = match &rule.scope {
        Scope::Tool { integration, .. }
        | Scope::Category { integration, .. }
        | Scope::ReadOnly { integration }
        | Scope::Integration { integration } => Some(integration),
        Scope::NonDestructive | Scope::Everything => None,
    };
    if let Some(unknown) = integration.filter(|id| !integrations.contains_key(id)) {
        return Err(ApiError::invalid("scope", format!("there is no integration {unknown}")));
    }
    let names_a_tool = matches!(rule.scope, Scope::Tool { .. });
    if rule.mode == Mode::Allow && names_a_tool && rule.digest.is_none() {
        let detail = "a rule that allows a tool says which definition of it";
        return Err(ApiError::invalid("digest", detail));
    }
    let of_the_demo = integration.is_some_and(|id| *id == builtin::demo::id());
    if rule.origin == Origin::Builtin && !of_the_demo {
        return Err(ApiError::invalid("origin", "only the demo comes with rules"));
    }
    Ok(())
}

/// Are they equal but for id and time of creation? Every data directory has the demo's rules.
fn says_the_same(one: &Rule, other: &Rule) -> bool {
    let nameless = |rule: &Rule| Rule {
        id: RuleId(uuid::Uuid::nil()),
        created_at: Timestamp(0),
        origin: Origin::Owner,
        ..rule.clone()
    };
    nameless(one) == nameless(other)
}

#[cfg(test)]
mod tests;
