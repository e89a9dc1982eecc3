//! From the name a server has in a client to the id of an integration.
//!
//! What holds: every server of a file gets an id of its own, which depends on the names in the file and on nothing else,
//! so that a second look gives the same ids. A server whose name is fit as it is keeps it, whatever the others are called.

use std::collections::BTreeSet;

use agentport_core::IntegrationId;

/// Characters of an id.
const MAX_ID_CHARS: usize = 32;
/// Put before a name that could not begin an id (`21st`), or that is reserved (`agentport-x`).
const PREFIX: &str = "mcp-";
/// For a name without a single fit character.
const NAMELESS: &str = "server";

/// One id for each name, in their order, all different.
pub(super) fn ids(names: &[&str]) -> Vec<IntegrationId> {
    let mut taken: BTreeSet<IntegrationId> = BTreeSet::new();
    let mut ids: Vec<Option<IntegrationId>> = names
        .iter()
        .map(|name| {
            let id = IntegrationId::new(name).ok()?;
            taken.insert(id.clone()).then_some(id)
        })
        .collect();
    for (id, name) in ids.iter_mut().zip(names) {
        if id.is_none() {
            let free = free(name, |id| taken.contains(id));
            taken.insert(free.clone());
            *id = Some(free);
        }
    }
    ids.into_iter().flatten().collect()
}

/// The first id like `name` that is not taken: `github`, `github-2`, `github-3` …
pub(super) fn free(name: &str, is_taken: impl Fn(&IntegrationId) -> bool) -> IntegrationId {
    let base = fit(name);
    let numbered = (2_u64..).map(|number| with_number(&base, number));
    std::iter::once(base.clone())
        .chain(numbered)
        .filter_map(|id| IntegrationId::new(&id).ok())
        .find(|id| !is_taken(id))
        .expect("there are more numbers than ids in use")
}

fn with_number(base: &str, number: u64) -> String {
    let number = format!("-{number}");
    let kept = base[..base.len().min(MAX_ID_CHARS - number.len())].trim_end_matches(['-', '_']);
    format!("{kept}{number}")
}

/// `name` in lower case and in plain letters, with one `-` for each run of what an id may not hold.
///
/// Of a name that is a path and too long, its last part.
fn fit(name: &str) -> String {
    let is_long = name.chars().nth(MAX_ID_CHARS).is_some();
    let last = name.rsplit('/').find(|part| part.contains(char::is_alphanumeric));
    let name = last.filter(|_| is_long).unwrap_or(name);
    let mut id = String::with_capacity(MAX_ID_CHARS);
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => id.push(c),
            _ if !plain(c).is_empty() => id.push_str(plain(c)),
            _ if id.is_empty() || id.ends_with(['-', '_']) => {}
            '_' => id.push('_'),
            _ => id.push('-'),
        }
        if id.len() >= 2 * MAX_ID_CHARS {
            break;
        }
    }
    let trimmed = id.trim_end_matches(['-', '_']);
    let mut id = match trimmed.chars().next() {
        None => NAMELESS.to_owned(),
        Some(first) if !first.is_ascii_lowercase() || trimmed.starts_with("agentport") => {
            format!("{PREFIX}{trimmed}")
        }
        Some(_) => trimmed.to_owned(),
    };
    id.truncate(MAX_ID_CHARS);
    id.truncate(id.trim_end_matches(['-', '_']).len());
    id
}

/// The letter of Latin-1 without its mark.
fn plain(c: char) -> &'static str {
    match c {
        'à'..='å' => "a",
        'æ' => "ae",
        'ç' => "c",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ñ' => "n",
        'ò'..='ö' | 'ø' => "o",
        'ù'..='ü' => "u",
        'ý' | 'ÿ' => "y",
        'ß' => "ss",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], want: &[&str]) {
        let got = ids(names);
        let got: Vec<&str> = got.iter().map(IntegrationId::as_str).collect();
        assert_eq!(got, want, "{names:?}");
    }

    #[test]
    fn names_are_made_fit() {
        for (name, want) in [
            ("github", "github"),
            ("google_calendar", "google_calendar"),
            ("GitHub", "github"),
            ("My Server!", "my-server"),
            ("@scope/pkg.name", "scope-pkg-name"),
            ("a__b", "a_b"),
            ("a--b", "a--b"),
            ("a-_b", "a-_b"),
            ("A-_B", "a-b"),
            ("_x_", "x"),
            ("21st-dev", "mcp-21st-dev"),
            ("agentport", "mcp-agentport"),
            ("AgentPort dev", "mcp-agentport-dev"),
            ("github.com/modelcontextprotocol/servers/tree/main/src/git/", "git"),
            ("io.github.example/weather", "io-github-example-weather"),
            ("天気", "server"),
            ("", "server"),
            ("__proto__", "proto"),
            ("Büro", "buro"),
            ("Café ÆØ straße", "cafe-aeo-strasse"),
        ] {
            check(&[name], &[want]);
        }
        check(&[&"a".repeat(40)], &[&"a".repeat(32)]);
        check(&[&format!("{}-b", "A".repeat(31))], &[&"a".repeat(31)]);
    }

    #[test]
    fn names_that_fold_to_the_same_stay_apart() {
        check(
            &["GitHub", "github", "git hub", "Git.Hub"],
            &["github-2", "github", "git-hub", "git-hub-2"],
        );
        check(&["天気", "予報", "server"], &["server-2", "server-3", "server"]);
        check(&["Github", "github-2", "GITHUB"], &["github", "github-2", "github-3"]);
        let long = "a".repeat(40);
        check(&[&long, &format!("{long}b")], &[&"a".repeat(32), &format!("{}-2", "a".repeat(30))]);
    }

    #[test]
    fn a_free_id_is_suggested() {
        let taken = ["github", "github-2"].map(|id| IntegrationId::new(id).unwrap());
        assert_eq!(free("GitHub", |id| taken.contains(id)).as_str(), "github-3");
    }

    proptest::proptest! {
        #[test]
        fn every_name_gets_an_id_of_its_own(names in proptest::collection::vec(".{0,40}", 0..20)) {
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let names: Vec<&str> = names.into_iter().collect();
            let got = ids(&names);
            proptest::prop_assert_eq!(got.len(), names.len());
            let apart: BTreeSet<_> = got.iter().collect();
            proptest::prop_assert_eq!(apart.len(), names.len());
        }
    }
}
