//! The list itself: whatever is in it has to be usable, and what is offered has to be what was meant.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use agentport_core::tool::ToolEffect;
use http::HeaderName;

use agentport_api::{AuthMethod, FieldKind, FieldValues, OAuthSettings, RedirectHost};
use agentport_core::Secret;

use crate::directory::{
    entry::{ConnectionKind, SignInMethod},
    *,
};

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
            let (label, header, format) = match way {
                SignInMethod::None => continue,
                SignInMethod::Oauth { settings } => {
                    check_settings(id, settings);
                    continue;
                }
                SignInMethod::Token { label, header, format } => (label, header, format),
            };
            assert!(!label.is_empty(), "{id}");
            assert_eq!(format.matches("{token}").count(), 1, "{id}: {format}");
            assert_eq!(format.matches('{').count(), 1, "{id}: {format}");
            let header = HeaderName::try_from(header.as_str()).unwrap();
            assert!(headers.insert(header), "{id}: each token has a header of its own");
        }
    }
}

/// What a provider deviates in is said in full: an address is https, a list has no blanks, a port is no other service's.
fn check_settings(id: &IntegrationId, settings: &OAuthSettings) {
    assert_eq!(settings.client_id, None, "{id}: a client belongs to an owner");
    for address in settings.issuer.iter().chain(&settings.client_metadata_url) {
        https(address);
    }
    let scopes = settings.scopes.iter().flatten();
    assert!(scopes.clone().all(|scope| !scope.is_empty() && !scope.contains(' ')), "{id}");
    let redirect = &settings.redirect;
    assert!(redirect.path.starts_with('/') && !redirect.path.contains(['?', '#']), "{id}");
    assert!(redirect.port.is_none_or(|port| port > 1024 && port != 4747), "{id}");
    assert!(!settings.allow_missing_iss, "{id}: no provider needs it any more");
    // RFC 6749, section 4.1.1: these are the client's own.
    for own in ["client_id", "redirect_uri", "state", "code_challenge", "scope", "resource"] {
        assert!(!settings.authorize_params.contains_key(own), "{id}: {own}");
    }
}

/// All servers are installed by all methods they list; what they ask for is complete.
#[test]
fn each_server_installs_by_each_method_it_lists() {
    let servers: Vec<_> =
        LIST.iter().filter(|listed| listed.kind == ConnectionKind::RemoteMcp).collect();
    assert_eq!(servers.len(), 45);
    for listed in servers {
        let id = &listed.id;
        let methods = listed.auth_methods();
        let names: Vec<_> = methods.iter().map(method_name).collect();
        let unique: HashSet<_> = names.iter().collect();
        assert!(!names.is_empty() && unique.len() == names.len(), "{id}: {names:?}");
        let own_client = listed.oauth().is_some_and(|settings| settings.own_client_required);
        let want: &[&str] = match (listed.oauth().is_some(), names.contains(&"token"), own_client) {
            (true, true, false) => &["oauth", "token"],
            // A token is less work than a client of one's own.
            (true, true, true) => &["token", "oauth"],
            (true, false, _) => &["oauth"],
            (false, ..) => &["token"],
        };
        assert_eq!(names, want, "{id}: the one to use first is in front");
        for method in &methods {
            let connection = listed.connection(method, None).unwrap();
            assert_eq!(connection.url(), Some(listed.url.as_str()), "{id}");
            assert_eq!(connection.oauth().is_some(), method_name(method) == "oauth", "{id}");
            match method {
                AuthMethod::None => {}
                AuthMethod::Token { fields } => {
                    assert_eq!(connection.headers().map(BTreeMap::len), Some(fields.len()), "{id}");
                }
                AuthMethod::Oauth { own_client_required, redirect_uri, scopes } => {
                    let settings = listed.oauth().unwrap();
                    assert_eq!(*own_client_required, settings.own_client_required, "{id}");
                    assert_eq!(*scopes, settings.scopes, "{id}");
                    let uri = redirect_uri.replace("{port}", "1");
                    assert_eq!(uri, settings.redirect.uri(settings.redirect.port.unwrap_or(1)));
                }
            }
        }
    }
}

/// What is known of providers that depart from the specification. A row that goes missing is a sign-in that fails.
#[test]
fn known_deviations_of_providers_are_data() {
    let settings = |id: &str| -> &OAuthSettings {
        LIST.iter().find(|listed| listed.id.as_str() == id).unwrap().oauth().unwrap()
    };
    // Its metadata names the host behind its proxy (atlassian-mcp-server#205).
    assert_eq!(settings("atlassian").issuer.as_deref(), Some("https://cf.mcp.atlassian.com"));
    // No registration; the redirect URI is compared to the letter (Asana's documentation of its V2 server).
    let asana = settings("asana");
    assert!(asana.own_client_required && asana.redirect.host == RedirectHost::Localhost);
    assert!(asana.redirect.port.is_some(), "what the owner registers has to stay as it is");
    assert!(settings("github").own_client_required);
    // Both refuse scopes of OpenID that other servers name by default.
    for id in ["cloudflare", "huggingface"] {
        assert_eq!(settings(id).scopes.as_deref(), Some(&[][..]), "{id}");
    }
    assert_eq!(settings("stripe").scopes.as_deref(), Some(&["mcp".to_owned()][..]));
    // Without it there is no refresh token, and the server's metadata does not name it.
    assert!(settings("vercel").scopes.iter().flatten().any(|scope| scope == "offline_access"));
    assert_eq!(settings("intercom").redirect.host, RedirectHost::Localhost);
    for id in ["gmail", "google_calendar"] {
        assert_eq!(settings(id).authorize_params["access_type"], "offline", "{id}");
    }
    let plain = OAuthSettings::default();
    for id in ["notion", "linear", "sentry", "supabase", "posthog", "datadog", "zapier"] {
        assert_eq!(*settings(id), plain, "{id} keeps to the specification, as far as is known");
    }
}

#[test]
fn variants_are_other_addresses_of_the_same_service() {
    for listed in LIST.iter().filter(|listed| !listed.variants.is_empty()) {
        let id = &listed.id;
        assert_eq!(
            listed.variants[0].url, listed.url,
            "{id}: the first is the one without a choice"
        );
        let (mut ids, mut urls) = (HashSet::new(), HashSet::new());
        for variant in &listed.variants {
            https(&variant.url);
            assert!(!variant.name.is_empty() && ids.insert(&variant.id), "{id}: {}", variant.id);
            assert!(urls.insert(&variant.url), "{id}: {}", variant.url);
        }
    }
    let datadog = find_offered("datadog").unwrap();
    let ids: Vec<_> = datadog.variants.iter().map(|variant| variant.id.as_str()).collect();
    assert_eq!(ids, ["us1", "us3", "us5", "eu1", "ap1", "ap2"]);
    for method in datadog.auth_methods() {
        let connection = datadog.connection(&method, Some("eu1")).unwrap();
        assert_eq!(connection.url(), Some("https://mcp.datadoghq.eu/v1/mcp"));
        assert!(entry_for(&datadog.id, &connection).is_some(), "known in every variant");
        let unknown = datadog.connection(&method, Some("moon")).unwrap_err().to_string();
        assert_eq!(unknown, "Datadog has no variant \"moon\"; it has us1, us3, us5, eu1, ap1, ap2");
    }
    let exa = find_offered("exa").unwrap();
    let unknown = exa.connection(&exa.auth_methods()[0], Some("eu1")).unwrap_err().to_string();
    assert_eq!(unknown, "Exa has no variant \"eu1\"");
}

/// Local servers are as complete: pinned, with fields that are used, and with nothing else that is left open.
#[test]
fn every_local_server_is_whole() {
    let ids: HashSet<_> = entries().map(|listed| &listed.id).collect();
    assert_eq!((LOCAL.len(), ids.len()), (12, 61), "no id is another's");
    for listed in LOCAL.iter() {
        let id = &listed.id;
        assert_eq!((listed.kind, listed.type_name()), (ConnectionKind::LocalMcp, "local_mcp"));
        https(&listed.docs_url);
        assert!(
            listed.url.is_empty() && listed.variants.is_empty() && listed.unsupported().is_none()
        );
        let said = &listed.description;
        assert!(said.ends_with('.') && (20..=100).contains(&said.len()), "{id}");
        assert_eq!(listed.auth_methods(), [AuthMethod::None], "{id}");
        let launch = listed.launch.as_ref().unwrap();
        let view = launch.view();
        for field in &view.fields {
            assert!(view.command.contains(&format!("{{{}}}", field.name)), "{id}: {}", field.name);
            assert!(!field.label.is_empty() && field.default.len() <= 1, "{id}: {}", field.name);
            let chosen = field.kind == FieldKind::Choice;
            assert_eq!(chosen, !field.choices.is_empty(), "{id}: {}", field.name);
        }
        let fixed = listed.fixed_command().unwrap();
        let package = package_of(fixed.program().unwrap()).unwrap_or_else(|| panic!("{id}"));
        assert!(package.is_pinned(), "{id}: {}", package.name);
        assert_eq!(version_of(package.name).as_deref(), package.version(), "{id}");
        assert!(entry_for(id, &fixed).is_some(), "{id}: known by its package");
    }
    assert_eq!(version_of("nothing-of-the-kind"), None);
}

/// With all that has to be filled in, each gives a command; without, it says what is missing.
#[test]
fn local_servers_become_commands() {
    for listed in LOCAL.iter() {
        let id = &listed.id;
        let launch = listed.launch.as_ref().unwrap();
        let mut values = FieldValues::default();
        assert_eq!(launch.fill(&values).is_err(), listed.has_to_be_filled_in(), "{id}");
        for field in launch.fields.iter().filter(|field| field.required) {
            let name = field.name.clone();
            match field.kind {
                FieldKind::Secret => {
                    drop(values.secrets.insert(name, Secret::new("obviously-fake")))
                }
                FieldKind::Folder | FieldKind::File => {
                    values.fields.insert(name, vec!["/tmp/one".to_owned()]);
                }
                _ => {}
            }
        }
        let filled = launch.fill(&values).unwrap_or_else(|error| panic!("{id}: {error}"));
        let line = filled.connection.program().unwrap().line();
        assert!(!line.contains("obviously-fake"), "{id}: {line}");
        assert!(!line.contains('{') || line.contains("{token1}"), "{id}: {line}");
    }
    let command = |id: &str| find_offered(id).unwrap().usual_command().unwrap();
    assert_eq!(
        command("sequential-thinking"),
        "npx -y @modelcontextprotocol/server-sequential-thinking@2026.8.31"
    );
    assert_eq!(
        command("filesystem"),
        "npx -y @modelcontextprotocol/server-filesystem@2026.8.31 {folders}"
    );
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
    let want = [("RestApi", 4), ("offered", 45)];
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
        ("resend", "Resend cannot be installed yet: it has a REST API instead of an MCP server"),
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
    assert_eq!(found("slack"), [""; 0], "it cannot be installed");
    assert_eq!(found("").len(), 45 + LOCAL.len());
    assert_eq!(found("").first(), Some(&"amplitude"));
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
