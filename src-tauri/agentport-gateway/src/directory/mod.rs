//! The integrations this program knows of, to be installed with a token and a click.
//!
//! The list comes with the program (`integrations.json`): what each is called and good for, where it is, how it lets
//! its callers in, and which of its tools belong together. Nothing of it is ever fetched.
//!
//! Offered are those that can be installed now: MCP servers over Streamable HTTP that take a token, or no credential.
//! The others stay in the list, and a request for one says why it has to wait ([`Unsupported`]): those that let in
//! by OAuth alone, REST APIs that are to be described as data, and servers that speak the HTTP+SSE transport of
//! 2024-11-05, which the gateway does not.
//!
//! What always holds: an install is an addition like any other, so its token goes to the vault and nowhere else, and is
//! tried before it counts; and the list never decides anything. It puts tools into categories, by which the owner can
//! set rules, but only those of a server that is where the list says.

mod category;
mod entry;
mod pending_tokens;

#[cfg(test)]
mod tests;

use std::{cmp::Reverse, sync::LazyLock};

use agentport_core::{IntegrationId, search};
use url::Url;

pub(crate) use category::category_from_annotations;
pub(crate) use entry::{DirectoryEntry, Unsupported, method_name};
pub(crate) use pending_tokens::{PendingTokens, TOKEN, TokenKey};

use agentport_api::Connection;

static LIST: LazyLock<Vec<DirectoryEntry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("integrations.json"))
        .unwrap_or_else(|error| unreachable!("a test reads the same text: {error}"))
});

/// Why an integration can't be installed from the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOffered {
    #[error("there is no integration {0:?} to install")]
    Unknown(String),
    #[error("{name} cannot be installed yet: {why}")]
    Unsupported { name: &'static str, why: Unsupported },
}

/// Those that can be installed now, by name.
pub(crate) fn offered() -> Vec<&'static DirectoryEntry> {
    let mut offered: Vec<_> = LIST.iter().filter(|listed| listed.unsupported().is_none()).collect();
    offered.sort_by_cached_key(|listed| listed.name.to_lowercase());
    offered
}

/// Those that fit a query, best first; all of them by name without one.
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

/// One that can be installed now.
pub(crate) fn find_offered(id: &str) -> Result<&'static DirectoryEntry, NotOffered> {
    let listed = LIST.iter().find(|listed| listed.id.as_str() == id);
    let listed = listed.ok_or_else(|| NotOffered::Unknown(id.to_owned()))?;
    match listed.unsupported() {
        None => Ok(listed),
        Some(why) => Err(NotOffered::Unsupported { name: &listed.name, why }),
    }
}

/// The name by which the list knows an id.
pub(crate) fn name_of(id: &IntegrationId) -> Option<&'static str> {
    LIST.iter().find(|listed| listed.id == *id).map(|listed| listed.name.as_str())
}

/// The one of the list that an integration is: it has its id, and is at its origin. An id alone proves nothing, for
/// the owner may give any to any server.
pub(crate) fn entry_for(
    id: &IntegrationId,
    connection: &Connection,
) -> Option<&'static DirectoryEntry> {
    let Connection::RemoteMcp { url, .. } = connection else { return None };
    let listed = LIST.iter().find(|listed| listed.id == *id)?;
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    (origin(url)? == origin(&listed.url)?).then_some(listed)
}
