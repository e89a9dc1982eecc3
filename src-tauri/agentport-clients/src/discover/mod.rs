//! What is installed, and which servers each client has. Reads files and nothing else; works with no gateway running.
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

#[derive(Debug)]
pub struct Found {
    pub client: &'static Client,
    pub found: bool,
    pub files: Vec<FoundFile>,
}

#[derive(Debug)]
pub struct FoundFile {
    pub place: Place,
    pub state: FoundState,
}

pub enum FoundState {
    Missing,
    Readable {
        content: Vec<u8>,
        servers: Vec<McpServer>,
    },
    Broken(ParseError),
    /// Or it is left alone (see [`Ineligible`]).
    Unreadable(io::Error),
}

/// Without content: secrets stand there.
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

/// Every client we know, those with signs of being there first.
pub fn discover(machine: &Machine, folder: Option<&Path>) -> Vec<Found> {
    let mut all: Vec<Found> = Client::all()
        .iter()
        .map(|client| Found {
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

/// One file. Links are followed; those of a project's files not out of the project.
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
        // It is the container as a whole that is wrong; where it starts is not known here.
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
