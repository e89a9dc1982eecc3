//! Values of a local server that the owner fills in: given as `--field`, asked on a terminal, or left at their defaults;
//! and the command that comes of them, which has to be accepted.

use std::{collections::BTreeMap, env};

use agentport_api::{CommandPreview, FieldKind, LaunchField, LaunchView};
use agentport_core::Secret;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{confirm, output, secrets};

/// What was filled in, by the names of the fields.
pub(super) struct FilledValues {
    pub(super) fields: BTreeMap<String, Vec<String>>,
    pub(super) secrets: BTreeMap<String, Secret>,
}

impl FilledValues {
    /// As the control API takes it.
    pub(super) fn to_json(&self) -> Value {
        let secrets: BTreeMap<_, _> =
            self.secrets.iter().map(|(name, secret)| (name, secret.expose())).collect();
        json!({ "fields": self.fields, "secrets": secrets })
    }
}

/// Fills in what was given; on a terminal it asks for the rest. Secrets are asked, or read from stdin, one per line.
pub(super) fn fill(launch: &LaunchView, given: &[(String, String)]) -> Result<FilledValues> {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in given {
        let Some(field) = launch.fields.iter().find(|field| field.name == *name) else {
            let known: Vec<_> = launch.fields.iter().map(|field| field.name.as_str()).collect();
            bail!("there is no field {name:?} to fill in; there is {}", known.join(", "));
        };
        if field.kind == FieldKind::Secret {
            bail!("{name} is a secret; it is asked, or read from stdin");
        }
        fields.entry(name.clone()).or_default().push(as_meant(field, value)?);
    }
    if confirm::on_a_terminal() {
        for field in &launch.fields {
            let asked = field.kind != FieldKind::Secret && !fields.contains_key(&field.name);
            if asked && let Some(values) = ask(field)? {
                fields.insert(field.name.clone(), values);
            }
        }
    }
    Ok(FilledValues { fields, secrets: read_secrets(launch)? })
}

/// A relative path is meant from the current folder.
fn as_meant(field: &LaunchField, value: &str) -> Result<String> {
    if !matches!(field.kind, FieldKind::Folder | FieldKind::File) || value.is_empty() {
        return Ok(value.to_owned());
    }
    let here = env::current_dir().context("cannot tell the current folder")?;
    let whole = here.join(value);
    let whole = std::path::absolute(&whole).unwrap_or(whole);
    Ok(whole.to_string_lossy().into_owned())
}

/// Asks for the value of a field. `None`: its default stays.
fn ask(field: &LaunchField) -> Result<Option<Vec<String>>> {
    let mut question = field.label.clone();
    if !field.choices.is_empty() {
        question += &format!(" ({})", field.choices.join(", "));
    }
    match field.default.first() {
        Some(default) => question += &format!(" [{default}]"),
        None if !field.required => question += " [none]",
        None => {}
    }
    let mut values = Vec::new();
    loop {
        let line = confirm::line(&format!("{question}: "))?;
        let value = line.trim();
        if value.is_empty() {
            if values.is_empty() && field.required && field.default.is_empty() {
                bail!("{} has to be filled in", field.label);
            }
            break;
        }
        values.push(as_meant(field, value)?);
        if !field.repeated {
            break;
        }
        question = format!("{}, one more [no]", field.label);
    }
    Ok((!values.is_empty()).then_some(values))
}

fn read_secrets(launch: &LaunchView) -> Result<BTreeMap<String, Secret>> {
    let secret = |field: &&LaunchField| field.kind == FieldKind::Secret;
    let required: Vec<_> =
        launch.fields.iter().filter(secret).filter(|field| field.required).collect();
    let labels: Vec<_> = required.iter().map(|field| field.label.clone()).collect();
    let mut read: BTreeMap<_, _> =
        required.iter().map(|field| field.name.clone()).zip(secrets::read(&labels)?).collect();
    if confirm::on_a_terminal() {
        for field in launch.fields.iter().filter(secret).filter(|field| !field.required) {
            let value = secrets::ask_or_empty(&format!("{} [none]: ", field.label))?;
            if !value.is_empty() {
                read.insert(field.name.clone(), value);
            }
        }
    }
    Ok(read)
}

/// Shows the whole command and asks for a yes. Without a terminal, `--yes` is the yes.
pub(super) fn accept(preview: &CommandPreview, yes: bool) -> Result<()> {
    let command = output::printable(&preview.command);
    if yes {
        return Ok(());
    }
    if !confirm::on_a_terminal() {
        bail!("this would run on your computer:\n  {command}\nAdd --yes to agree to it");
    }
    let question =
        format!("\nThis will run on your computer, with your rights:\n\n  {command}\n\nRun it?");
    match confirm::yes(&question)? {
        true => Ok(()),
        false => bail!("not added"),
    }
}

#[cfg(test)]
mod tests {
    use agentport_api::FieldPlace;

    use super::*;

    fn field(name: &str, kind: FieldKind) -> LaunchField {
        LaunchField {
            name: name.to_owned(),
            label: name.to_uppercase(),
            description: String::new(),
            kind,
            required: false,
            repeated: kind == FieldKind::Folder,
            default: Vec::new(),
            choices: Vec::new(),
            goes_into: FieldPlace::Arg,
        }
    }

    #[test]
    fn what_is_given_is_filled_in() {
        let launch = LaunchView {
            command: "x".to_owned(),
            fields: vec![field("folders", FieldKind::Folder), field("key", FieldKind::Secret)],
        };
        let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let filled = fill(&launch, &[given("folders", "sub"), given("folders", "/b")]).unwrap();
        let here = env::current_dir().unwrap().join("sub");
        assert_eq!(filled.fields["folders"], [here.to_str().unwrap(), "/b"]);
        for (name, want) in [("other", "there is no field"), ("key", "is a secret")] {
            let refused = fill(&launch, &[given(name, "x")]).err().unwrap().to_string();
            assert!(refused.contains(want), "{refused}");
        }
    }

    #[test]
    fn a_script_has_to_say_yes() {
        let preview = CommandPreview { command: "npx -y x@1.0.0".to_owned() };
        accept(&preview, true).unwrap();
        let refused = accept(&preview, false).unwrap_err().to_string();
        assert!(refused.contains("npx -y x@1.0.0") && refused.contains("--yes"), "{refused}");
    }
}
