//! Finds installed clients and reads the servers in their files. Needs no running gateway and writes nothing.
//!
//! A file that cannot be read or does not parse is a state of that file and never an error: one client's mistake hides
//! no other client.

use std::{io, path::Path};

use crate::{
    atomic_write,
    client::{Client, Ineligible, Machine, Place},
    document::{Document, ParseError},
    entry,
    mcp_server::McpServer,
};

/// A client with its files on this machine.
#[derive(Debug)]
pub struct FoundClient {
    /// Facts about the client.
    pub client: &'static Client,
    /// It seems to be installed.
    pub found: bool,
    /// Its files, the user's first.
    pub files: Vec<FoundFile>,
}

/// A file of a client and what is in it.
#[derive(Debug)]
pub struct FoundFile {
    /// The file.
    pub place: Place,
    /// What was found.
    pub state: FoundState,
}

/// What was found in a file.
pub enum FoundState {
    /// There is no file.
    Missing,
    /// It parses.
    Readable {
        /// Its bytes.
        content: Vec<u8>,
        /// Its servers, in the order of the file.
        servers: Vec<McpServer>,
    },
    /// It does not parse.
    Broken(ParseError),
    /// Or refused (see [`Ineligible`]).
    Unreadable(io::Error),
}

/// Without content, which may hold secrets.
impl std::fmt::Debug for FoundState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("Missing"),
            Self::Readable { servers, .. } => {
                let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
                f.debug_struct("Readable").field("servers", &names).finish_non_exhaustive()
            }
            Self::Broken(error) => f.debug_tuple("Broken").field(error).finish(),
            Self::Unreadable(error) => f.debug_tuple("Unreadable").field(error).finish(),
        }
    }
}

/// Every supported client, installed ones first.
pub fn discover(machine: &Machine, folder: Option<&Path>) -> Vec<FoundClient> {
    let mut all: Vec<FoundClient> = Client::all()
        .iter()
        .map(|client| FoundClient {
            client,
            found: client.is_found(machine),
            files: client
                .places(machine, folder)
                .into_iter()
                .map(|place| FoundFile { state: look(&place), place })
                .collect(),
        })
        .collect();
    all.sort_by_key(|found| !found.found);
    all
}

/// Reads one file. Links are followed, but for a project's file not out of the project.
pub fn look(place: &Place) -> FoundState {
    if let Err(why) = place.may_be_touched(None) {
        return FoundState::Unreadable(io::Error::other(why));
    }
    let content = match atomic_write::read(&place.path) {
        Ok(Some(content)) => content,
        Ok(None) => return FoundState::Missing,
        Err(error) => return FoundState::Unreadable(error),
    };
    match servers(place, &content) {
        Ok(Err(why)) => FoundState::Unreadable(io::Error::other(why)),
        Ok(Ok(servers)) => FoundState::Readable { content, servers },
        Err(error) => FoundState::Broken(error),
    }
}

fn servers(
    place: &Place,
    content: &[u8],
) -> Result<Result<Vec<McpServer>, Ineligible>, ParseError> {
    let entries = Document::parse(place, Some(content))?.servers().map_err(|error| ParseError {
        // The container itself is invalid; its position is not known here.
        line: 1,
        column: 1,
        message: error.to_string(),
    })?;
    let read = |(name, entry): &(String, _)| entry::read(place.client, name, entry);
    let few = Ineligible::if_too_many(entries.len());
    Ok(few.map(|()| entries.iter().map(read).collect()))
}

#[cfg(test)]
mod tests;
