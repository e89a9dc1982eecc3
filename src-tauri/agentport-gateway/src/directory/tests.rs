//! The list itself: whatever is in it has to be usable, and what is offered has to be what was meant.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use agentport_core::tool::ToolEffect;
use http::HeaderName;

use crate::directory::{entry::SignInMethod, *};

fn https(text: &str) -> Url {
    let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(url.scheme(), "https", "{text}");
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none());
    url
}

#[test]
fn every_entry_is_whole() {
    let ids: HashSet<_> = LIST.iter().map(|listed| &listed.id).collect();
    assert_eq!((LIST.len(), ids.len()), (49, 49));
    for listed in LIST.iter() {
        let id = &listed.id;
        https(&listed.url);
        https(&listed.docs_url);
        assert!(!listed.name.trim().is_empty() && !listed.auth.is_empty(), "{id}");
        let said = &listed.description;
        assert!(said.ends_with('.') && said.matches(". ").count() == 0, "{id}: one sentence");
        assert!(said.starts_with(char::is_uppercase) && (20..=100).contains(&said.len()), "{id}");
        let mut headers = HashSet::new();
        for way in &listed.auth {
            let SignInMethod::Token { label, header, format } = way else { continue };
            assert!(!label.is_empty(), "{id}");
            assert_eq!(format.matches("{token}").count(), 1, "{id}: {format}");
            assert_eq!(format.matches('{').count(), 1, "{id}: {format}");
            let header = HeaderName::try_from(header.as_str()).unwrap();
            assert!(headers.insert(header), "{id}: each token has a header of its own");
        }
    }
}

#[test]
fn every_tool_is_in_one_category() {
    let own: HashSet<_> = ToolEffect::CLASSES
        .into_iter()
        .chain([ToolEffect::Undeclared])
        .map(ToolEffect::category)
        .collect();
    for listed in LIST.iter() {
        let (mut names, mut tools) = (HashSet::new(), HashSet::new());
        for category in &listed.categories {
            let name = category.name.as_str();
            assert!(!name.trim().is_empty() && names.insert(name), "{}: {name}", listed.id);
            assert!(!own.contains(name), "{}: {name} is one of those for other tools", listed.id);
            assert!(!category.tools.is_empty(), "{}: {name}", listed.id);
            for tool in &category.tools {
                assert!(!tool.trim().is_empty() && tools.insert(tool), "{}: {tool}", listed.id);
                assert_eq!(listed.category_of(tool), Some(name));
            }
        }
        assert_eq!(listed.category_of("no such tool"), None);
    }
}

/// A change of the list that changes what people can install should be seen as one.
#[test]
fn offered_is_what_can_be_installed_now() {
    let mut counts = BTreeMap::new();
    for listed in LIST.iter() {
        let why = listed.unsupported().map(|why| format!("{why:?}"));
        *counts.entry(why.unwrap_or_else(|| "offered".to_owned())).or_insert(0) += 1;
    }
    let want = [("OauthOnly", 15), ("OldTransport", 2), ("RestApi", 4), ("offered", 28)];
    assert_eq!(counts, want.map(|(why, count)| (why.to_owned(), count)).into());
    let offered = offered();
    assert!(offered.is_sorted_by_key(|listed| listed.name.to_lowercase()));
    assert!(offered.iter().all(|listed| !listed.auth_methods().is_empty()));
    let popular: BTreeSet<_> =
        LIST.iter().filter(|listed| listed.popular).map(|listed| listed.id.as_str()).collect();
    let want = ["exa", "github", "huggingface", "linear", "sentry", "stripe", "supabase", "vercel"];
    assert_eq!(popular, want.into());
    assert!(
        popular.iter().all(|id| find_offered(id).is_ok()),
        "only those can be installed by a click"
    );
}

#[test]
fn who_asks_for_another_is_told_why_not() {
    for (id, want) in [
        ("nowhere", "there is no integration \"nowhere\" to install"),
        ("slack", "Slack cannot be installed yet: it has a REST API instead of an MCP server"),
        ("egnyte", "Egnyte cannot be installed yet: it speaks the HTTP+SSE transport"),
        ("notion", "Notion cannot be installed yet: it lets callers in by OAuth only"),
    ] {
        let said = find_offered(id).map(|listed| &listed.name).unwrap_err().to_string();
        assert!(said.starts_with(want), "{said}");
    }
}

#[test]
fn the_best_match_comes_first() {
    let found = |query: &str| -> Vec<&str> {
        search(query).into_iter().map(|listed| listed.id.as_str()).collect()
    };
    assert_eq!(found("GitHub"), ["github"]);
    assert_eq!(found("hugging"), ["huggingface"]);
    assert_eq!(found("issues")[..], ["atlassian", "github", "linear"]);
    assert_eq!(found("postgres")[..], ["neon", "supabase"]);
    assert_eq!(found("notion"), [""; 0], "it cannot be installed");
    assert_eq!(found("").len(), 28);
    assert_eq!(found("").first(), Some(&"apify"));
}

#[test]
fn known_is_who_is_where_the_list_says() {
    let id = IntegrationId::new("exa").unwrap();
    let at = |url: &str| {
        let connection = Connection::RemoteMcp {
            url: url.to_owned(),
            headers: [].into(),
            oauth: None,
            timeout_seconds: None,
        };
        entry_for(&id, &connection).map(|listed| listed.id.as_str())
    };
    for url in
        ["https://mcp.exa.ai/mcp", "https://mcp.exa.ai/mcp?tools=all", "https://MCP.exa.ai:443"]
    {
        assert_eq!(at(url), Some("exa"), "{url}");
    }
    for url in
        ["http://mcp.exa.ai/mcp", "https://mcp.exa.ai:8443/mcp", "https://exa.ai/mcp", "no URL"]
    {
        assert_eq!(at(url), None, "{url}");
    }
    let local = Connection::Builtin { name: "exa".to_owned() };
    assert!(entry_for(&id, &local).is_none());
}
