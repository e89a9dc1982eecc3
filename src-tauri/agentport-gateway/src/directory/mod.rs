//! The directory of integrations that can be installed, bundled as `integrations.json`: name, description, URL, sign-in
//! methods and categories of tools; and as `local_servers.json`: programs that speak MCP on stdio, each in one version, with
//! the values to fill in. Nothing of it is fetched.
//!
//! Offered are entries that can be installed now: MCP servers over Streamable HTTP or HTTP+SSE, by OAuth, with a token or
//! without a credential. A request for another entry says why it cannot be installed ([`Unsupported`]): a REST API.
//!
//! What a provider of OAuth does otherwise than the specification says is data of its entry (`settings`), reviewed with
//! the list. No provider has code of its own.
//!
//! Invariants: an install is an addition like any other, so its token is stored only in the vault and tried first. The
//! directory decides nothing; its categories, for which the owner can set rules, apply only to a server at its URL.

mod category;
mod entry;
mod pending_tokens;

#[cfg(test)]
mod tests;

use std::{cmp::Reverse, sync::LazyLock};

use agentport_core::{IntegrationId, search};
use url::Url;

pub(crate) use entry::{DirectoryEntry, UnknownVariant, Unsupported, method_name};
pub(crate) use pending_tokens::{PendingTokens, TOKEN, TokenKey};

use agentport_api::{Connection, TokenPlace};

use crate::launch::package_of;

static LIST: LazyLock<Vec<DirectoryEntry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("integrations.json"))
        .unwrap_or_else(|error| unreachable!("a test reads the same text: {error}"))
});

static LOCAL: LazyLock<Vec<DirectoryEntry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("local_servers.json"))
        .unwrap_or_else(|error| unreachable!("a test reads the same text: {error}"))
});

/// All entries, remote ones first.
fn entries() -> impl Iterator<Item = &'static DirectoryEntry> {
    LIST.iter().chain(LOCAL.iter())
}

/// Why an integration can't be installed from the directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOffered {
    #[error("there is no integration {0:?} to install")]
    Unknown(String),
    #[error("{name} cannot be installed yet: {why}")]
    Unsupported { name: &'static str, why: Unsupported },
}

/// Entries that can be installed, by name.
pub(crate) fn offered() -> Vec<&'static DirectoryEntry> {
    let mut offered: Vec<_> = entries().filter(|listed| listed.unsupported().is_none()).collect();
    offered.sort_by_cached_key(|listed| listed.name.to_lowercase());
    offered
}

/// Installable entries that match a query, best first; without a query all, by name.
pub(crate) fn search(query: &str) -> Vec<&'static DirectoryEntry> {
    let query = query.to_lowercase();
    let mut found: Vec<_> = offered()
        .into_iter()
        .filter_map(|listed| {
            let [name, description] =
                [&listed.name, &listed.description].map(|text| text.to_lowercase());
            let score = search::rank(&query, &name, listed.id.as_str(), &description)?;
            Some((score, listed))
        })
        .collect();
    found.sort_by_key(|(score, _)| Reverse(*score));
    found.into_iter().map(|(_, listed)| listed).collect()
}

/// An installable entry.
pub(crate) fn find_offered(id: &str) -> Result<&'static DirectoryEntry, NotOffered> {
    let listed = entries().find(|listed| listed.id.as_str() == id);
    let listed = listed.ok_or_else(|| NotOffered::Unknown(id.to_owned()))?;
    match listed.unsupported() {
        None => Ok(listed),
        Some(why) => Err(NotOffered::Unsupported { name: &listed.name, why }),
    }
}

/// The display name of an id in the directory.
pub(crate) fn name_of(id: &IntegrationId) -> Option<&'static str> {
    entries().find(|listed| listed.id == *id).map(|listed| listed.name.as_str())
}

/// Where a server at the origin of an entry wants its token, if it wants one alone.
pub(crate) fn token_place(url: &str) -> Option<TokenPlace> {
    LIST.iter().find(|listed| is_at(listed, url))?.token_place()
}

/// The version of a package that the directory runs it in.
pub(crate) fn version_of(package: &str) -> Option<String> {
    LOCAL.iter().find_map(|listed| {
        let command = listed.fixed_command()?;
        let known = package_of(command.program()?)?;
        (known.name == package).then(|| known.version().map(str::to_owned))?
    })
}

/// The entry of an installed integration: the same id and the same origin, or the same package. The id alone is not enough, since the owner can
/// give any id to any server.
pub(crate) fn entry_for(
    id: &IntegrationId,
    connection: &Connection,
) -> Option<&'static DirectoryEntry> {
    let listed = entries().find(|listed| listed.id == *id)?;
    let is_it = match connection.url() {
        Some(url) => is_at(listed, url),
        None => listed.runs_as(connection),
    };
    is_it.then_some(listed)
}

/// Has the entry an address of the same origin?
fn is_at(listed: &DirectoryEntry, url: &str) -> bool {
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    origin(url).is_some_and(|wanted| {
        listed.addresses().any(|address| origin(address).as_ref() == Some(&wanted))
    })
}
