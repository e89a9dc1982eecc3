//! The query of `/mcp`: `?mode=`, `?profile=` and `?tags=` narrow what an agent sees.

use std::sync::Arc;

use agentport_core::profile::{ListMode, Profile};

use crate::{agents::Agent, catalogue::ViewKey};

/// Why the query of the URL names no view. Answered with HTTP 400.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidView {
    #[error("mode is {0:?}; it can be \"direct\" or \"meta\"")]
    Mode(String),
    #[error("there is no profile {0:?}; leave ?profile= out or ask the owner for one of that name")]
    Profile(String),
    #[error("tags is empty; leave it out, or name tags as in ?tags=work,mail")]
    Tags,
    #[error("no integration is tagged {0:?}")]
    Tag(String),
    #[error("{0:?} is not known here; the query can have mode, profile and tags, each once")]
    Parameter(String),
}

/// Reads `?mode=`, `?profile=` and `?tags=`. Unknown and empty values are errors, never "everything".
pub(crate) fn view_key(
    agent: &Agent,
    query: Option<&str>,
    profile_named: impl Fn(&str) -> Option<Arc<Profile>>,
    tag_known: impl Fn(&str) -> bool,
) -> Result<ViewKey, InvalidView> {
    let mut key = ViewKey {
        profiles: vec![agent.profile.clone()],
        tags: Vec::new(),
        mode: agent.profile.mode,
    };
    let mut seen = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if seen.contains(&name) {
            return Err(InvalidView::Parameter(name.into_owned()));
        }
        match &*name {
            "mode" => {
                key.mode = match &*value {
                    "direct" => ListMode::Direct,
                    "meta" => ListMode::Meta,
                    _ => return Err(InvalidView::Mode(value.into_owned())),
                };
            }
            "profile" => {
                let profile = profile_named(&value)
                    .ok_or_else(|| InvalidView::Profile(value.clone().into_owned()))?;
                key.profiles.push(profile);
            }
            "tags" => {
                key.tags = value.split(',').map(|tag| tag.trim().to_owned()).collect();
                if key.tags.iter().any(String::is_empty) {
                    return Err(InvalidView::Tags);
                }
                if let Some(unknown) = key.tags.iter().find(|tag| !tag_known(tag)) {
                    return Err(InvalidView::Tag(unknown.clone()));
                }
            }
            _ => return Err(InvalidView::Parameter(name.into_owned())),
        }
        seen.push(name);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_name_the_parameter_and_what_it_can_be() {
        for (error, want) in [
            (InvalidView::Mode("x".into()), "mode is \"x\"; it can be \"direct\" or \"meta\""),
            (InvalidView::Tag("y".into()), "no integration is tagged \"y\""),
        ] {
            assert_eq!(error.to_string(), want);
        }
    }
}
