//! Finds an item by its id, the beginning of its id, or its name.

use anyhow::{Result, bail};

/// How items of a kind are identified.
pub(crate) struct LookupKind<T> {
    /// Such as `key`; used in messages.
    pub noun: &'static str,
    /// The command that lists them.
    pub list: &'static str,
    pub id: fn(&T) -> String,
    /// Other texts that identify it, in full.
    pub names: fn(&T) -> Vec<&str>,
}

/// An exact id or name wins; otherwise the beginning of exactly one id.
pub(crate) fn find<'a, T>(kind: &LookupKind<T>, all: &'a [T], wanted: &str) -> Result<&'a T> {
    let exact =
        all.iter().filter(|one| (kind.id)(one) == wanted || (kind.names)(one).contains(&wanted));
    let beginning =
        all.iter().filter(|one| !wanted.is_empty() && (kind.id)(one).starts_with(wanted));
    let noun = kind.noun;
    for found in [exact.collect::<Vec<_>>(), beginning.collect()] {
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            several => {
                let ids: Vec<String> = several.iter().take(5).map(|one| (kind.id)(one)).collect();
                bail!("{wanted:?} means more than one {noun}; say which: {}", ids.join(", "));
            }
        }
    }
    bail!("there is no {noun} {wanted:?}; `{}` lists them", kind.list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: LookupKind<(&str, &str)> = LookupKind {
        noun: "key",
        list: "agentport keys list",
        id: |one| one.0.to_owned(),
        names: |one| vec![one.1],
    };

    #[test]
    fn finds_by_id_name_and_beginning() {
        let all =
            [("01aa", "claude"), ("01ab", "cursor"), ("02", "01"), ("03", "twin"), ("04", "twin")];
        for (wanted, id) in [
            ("01aa", "01aa"),
            ("claude", "01aa"),
            ("01ab", "01ab"),
            ("02", "02"),
            ("01", "02"),
            ("0", ""),
        ] {
            let found = find(&KIND, &all, wanted);
            if id.is_empty() {
                let message = found.unwrap_err().to_string();
                assert!(
                    message.contains("more than one key") && message.contains("01aa"),
                    "{message}"
                );
            } else {
                assert_eq!(found.unwrap().0, id, "{wanted}");
            }
        }
        assert!(find(&KIND, &all, "twin").unwrap_err().to_string().contains("03, 04"));
        for unknown in ["nobody", "", "claud"] {
            let message = find(&KIND, &all, unknown).unwrap_err().to_string();
            assert!(message.contains("`agentport keys list`"), "{message}");
        }
    }
}
