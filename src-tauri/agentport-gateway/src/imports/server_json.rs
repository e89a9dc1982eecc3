//! `server.json` of an MCP registry (schema 2025-12-11; names with underscores of the schemas before 2025-09-16 as well).
//!
//! Packages of npm and PyPI run by `npx` and `uvx`, images by `docker` or `podman`. Left out, with a reason: other
//! registries, packages that serve HTTP themselves, versions that are no version, and bundles by URL.

use std::collections::{BTreeMap, BTreeSet};

use agentport_api::FieldKind;
use serde::Deserialize;
use serde_json::Value;

use super::{ImportTemplate, TargetTemplate, shown};
use crate::launch::{
    ArgumentGroup, LaunchTemplate, Piece, RemoteTemplate, TemplateField, TextTemplate,
};

/// Largest `server.json`, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// Most characters of texts that are shown.
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 500;

/// What is wrong with a `server.json`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerJsonError {
    #[error("the server.json cannot be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("the server.json is larger than {} KiB", MAX_BYTES / 1024)]
    TooLarge,
    #[error("nothing in the server.json can be installed{}", reasons(.0))]
    NothingToInstall(Vec<String>),
}

fn reasons(left_out: &[String]) -> String {
    if left_out.is_empty() { String::new() } else { format!(": {}", left_out.join("; ")) }
}

/// A `server.json` that was read.
#[derive(Debug)]
pub(crate) struct ServerDescription {
    pub(crate) name: String,
    /// Its reverse-DNS name.
    pub(crate) full_name: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) options: Vec<ImportTemplate>,
    pub(crate) left_out: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawServer {
    name: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    packages: Vec<RawPackage>,
    #[serde(default)]
    remotes: Vec<RawRemote>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPackage {
    #[serde(alias = "registry_type")]
    registry_type: String,
    identifier: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default, alias = "runtime_hint")]
    runtime_hint: Option<String>,
    #[serde(default, alias = "runtime_arguments")]
    runtime_arguments: Vec<RawArgument>,
    #[serde(default, alias = "package_arguments")]
    package_arguments: Vec<RawArgument>,
    #[serde(default, alias = "environment_variables")]
    environment_variables: Vec<RawNamed>,
    #[serde(default)]
    transport: Option<RawTransport>,
}

#[derive(Deserialize)]
struct RawTransport {
    r#type: String,
}

#[derive(Deserialize)]
struct RawRemote {
    r#type: String,
    url: String,
    #[serde(default)]
    headers: Vec<RawNamed>,
    #[serde(default)]
    variables: BTreeMap<String, RawInput>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawInput {
    description: String,
    #[serde(alias = "is_required")]
    is_required: bool,
    #[serde(alias = "is_secret")]
    is_secret: bool,
    format: Option<String>,
    value: Option<String>,
    default: Option<Value>,
    choices: Vec<String>,
    variables: BTreeMap<String, RawInput>,
}

#[derive(Deserialize)]
struct RawNamed {
    name: String,
    #[serde(flatten)]
    input: RawInput,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum RawArgument {
    Positional {
        #[serde(default, rename = "valueHint", alias = "value_hint")]
        value_hint: Option<String>,
        #[serde(default, rename = "isRepeated", alias = "is_repeated")]
        is_repeated: bool,
        #[serde(flatten)]
        input: RawInput,
    },
    Named {
        name: String,
        #[serde(default, rename = "isRepeated", alias = "is_repeated")]
        is_repeated: bool,
        #[serde(flatten)]
        input: RawInput,
    },
}

impl ServerDescription {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ServerJsonError> {
        if bytes.len() > MAX_BYTES {
            return Err(ServerJsonError::TooLarge);
        }
        let mut value: Value =
            serde_json::from_slice(bytes).map_err(ServerJsonError::Unreadable)?;
        // As the API of a registry answers it.
        if let Some(server) = value.get_mut("server").filter(|server| server.is_object()) {
            value = server.take();
        }
        let raw: RawServer = serde_json::from_value(value).map_err(ServerJsonError::Unreadable)?;
        let (mut options, mut left_out) = (Vec::new(), Vec::new());
        for (at, package) in raw.packages.iter().enumerate() {
            let title = package.title();
            match package.template() {
                Ok(launch) => options.push(ImportTemplate {
                    id: format!("package{}", at + 1),
                    title,
                    target: TargetTemplate::Local(launch),
                }),
                Err(why) => left_out.push(format!("{title}: {why}")),
            }
        }
        for (at, remote) in raw.remotes.iter().enumerate() {
            let title = format!("server at {}", shown(&remote.url, 200));
            match remote.template() {
                Ok(target) => options.push(ImportTemplate {
                    id: format!("remote{}", at + 1),
                    title,
                    target: TargetTemplate::Remote(target),
                }),
                Err(why) => left_out.push(format!("{title}: {why}")),
            }
        }
        if options.is_empty() {
            return Err(ServerJsonError::NothingToInstall(left_out));
        }
        let last = raw.name.rsplit('/').next().unwrap_or(&raw.name);
        Ok(Self {
            name: shown(raw.title.as_deref().unwrap_or(last), MAX_NAME),
            full_name: shown(&raw.name, 200),
            description: shown(&raw.description, MAX_TEXT),
            version: shown(&raw.version, MAX_NAME),
            options,
            left_out,
        })
    }
}

/// Fields that are collected while a template is made.
#[derive(Default)]
struct FieldList {
    fields: Vec<TemplateField>,
    names: BTreeSet<String>,
}

impl FieldList {
    /// Text for an input: its value with variables, or a field of its own.
    fn text(&mut self, name: &str, input: &RawInput, is_repeated: bool) -> TextTemplate {
        match &input.value {
            None => TextTemplate::field(self.add(name, input, is_repeated)),
            Some(value) => self.with_variables(value, &input.variables),
        }
    }

    /// `{name}` stands for the variable of this name; other braces are text.
    fn with_variables(
        &mut self,
        text: &str,
        variables: &BTreeMap<String, RawInput>,
    ) -> TextTemplate {
        let mut added = BTreeMap::new();
        TextTemplate::parse(text, "{", |name| {
            let variable = variables.get(name)?;
            if let Some(value) = &variable.value {
                return Some(Piece::Text(value.clone()));
            }
            let field = added.entry(name.to_owned());
            let field = field.or_insert_with(|| self.add(name, variable, false));
            Some(Piece::Field(field.clone()))
        })
    }

    /// A field for the input, under a name that no other has.
    fn add(&mut self, name: &str, input: &RawInput, repeated: bool) -> String {
        let label = shown(name.trim_start_matches('-'), MAX_NAME);
        let mut free = label.clone();
        let mut number = 2;
        while !self.names.insert(free.clone()) {
            free = format!("{label}_{number}");
            number += 1;
        }
        let kind = match input.format.as_deref() {
            _ if input.is_secret => FieldKind::Secret,
            _ if !input.choices.is_empty() => FieldKind::Choice,
            Some("number") => FieldKind::Number,
            Some("boolean") => FieldKind::Switch,
            Some("filepath") => FieldKind::File,
            _ => FieldKind::Text,
        };
        let default = match &input.default {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Bool(value)) => Some(value.to_string()),
            _ => None,
        };
        let default = default.filter(|text| !text.is_empty() && kind != FieldKind::Secret);
        self.fields.push(TemplateField {
            name: free.clone(),
            label,
            description: shown(&input.description, MAX_TEXT),
            kind,
            required: input.is_required,
            repeated: repeated && kind != FieldKind::Secret,
            default: default.into_iter().collect(),
            choices: input.choices.clone(),
            min: None,
            max: None,
        });
        free
    }

    fn argument(&mut self, argument: &RawArgument) -> ArgumentGroup {
        match argument {
            RawArgument::Positional { value_hint, is_repeated, input } => {
                let name = value_hint.as_deref().unwrap_or("value");
                ArgumentGroup(vec![self.text(name, input, *is_repeated)])
            }
            RawArgument::Named { name, input, .. } if input.is_bare() => {
                ArgumentGroup(vec![TextTemplate::plain(name.as_str())])
            }
            RawArgument::Named { name, is_repeated, input } => {
                let value = self.text(name, input, *is_repeated);
                // `--flag={value}` by the schema; a flag of one letter takes its value as the next word.
                if name.starts_with("--") {
                    let mut word = TextTemplate::plain(format!("{name}="));
                    value.0.into_iter().for_each(|piece| word.push(piece));
                    ArgumentGroup(vec![word])
                } else {
                    ArgumentGroup(vec![TextTemplate::plain(name.as_str()), value])
                }
            }
        }
    }
}

impl RawInput {
    /// Does it take no value at all, such as a flag?
    fn is_bare(&self) -> bool {
        self.value.is_none()
            && self.default.is_none()
            && self.format.is_none()
            && self.choices.is_empty()
            && !self.is_required
            && !self.is_secret
    }
}

impl RawPackage {
    fn title(&self) -> String {
        let version = self.version.as_deref().unwrap_or_default();
        let text = format!("{} package {} {version}", self.registry_type, self.identifier);
        shown(&text, 200)
    }

    fn template(&self) -> Result<LaunchTemplate, String> {
        if let Some(transport) = self.transport.as_ref().filter(|one| one.r#type != "stdio") {
            let transport = shown(&transport.r#type, MAX_NAME);
            return Err(format!(
                "it speaks {transport} instead of stdio; start it and add its URL"
            ));
        }
        let (runner, known): (&str, &[&str]) = match self.registry_type.as_str() {
            "npm" => ("npx", &["npx", "bunx", "pnpx"]),
            "pypi" => ("uvx", &["uvx"]),
            "oci" => ("docker", &["docker", "podman"]),
            "mcpb" => {
                let from = shown(&self.identifier, 200);
                return Err(format!("it is a bundle; fetch {from} and add it as a file"));
            }
            _ => return Err("its registry is not known here".to_owned()),
        };
        let runner =
            match self.runtime_hint.as_deref() {
                None => runner,
                Some(hint) => known.iter().find(|one| **one == hint).copied().ok_or_else(|| {
                    format!("{:?} is no program to run it by", shown(hint, MAX_NAME))
                })?,
            };
        let spec = self.spec()?;
        let mut list = FieldList::default();
        let plain = |word: &str| ArgumentGroup(vec![TextTemplate::plain(word)]);
        let mut args = Vec::new();
        let given: Vec<_> =
            self.runtime_arguments.iter().map(|argument| list.argument(argument)).collect();
        match self.registry_type.as_str() {
            "oci" => {
                let has_run = given.iter().any(|group| *group == plain("run"));
                if !has_run {
                    args.extend(["run", "-i", "--rm"].map(plain));
                }
                args.extend(given);
                for variable in &self.environment_variables {
                    args.push(ArgumentGroup(
                        ["-e", &variable.name].map(TextTemplate::plain).into(),
                    ));
                }
            }
            "npm" if given.is_empty() && runner == "npx" => args.push(plain("-y")),
            _ => args.extend(given),
        }
        args.push(plain(&spec));
        args.extend(self.package_arguments.iter().map(|argument| list.argument(argument)));
        let variables = self.environment_variables.iter();
        let env = variables.map(|one| (one.name.clone(), list.text(&one.name, &one.input, false)));
        let env = env.collect();
        let command = runner.to_owned();
        Ok(LaunchTemplate { command, args, env, cwd: None, fields: list.fields })
    }

    /// The package with its version, as its runner wants it.
    fn spec(&self) -> Result<String, String> {
        let fits = |text: &str, also: &str| {
            let plain =
                |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c) || also.contains(c);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
        };
        let identifier = &self.identifier;
        let is_image = self.registry_type == "oci";
        if !fits(identifier, if is_image { ":@" } else { "@" }) {
            return Err("its identifier is no name of a package".to_owned());
        }
        let Some(version) = self.version.as_deref().filter(|version| !version.is_empty()) else {
            return match is_image {
                true => Ok(identifier.clone()),
                false => Err("it names no version".to_owned()),
            };
        };
        let exact = version != "latest"
            && version.starts_with(|c: char| c.is_ascii_alphanumeric())
            && fits(version, "+:");
        if !exact {
            return Err(format!("{:?} is no exact version", shown(version, MAX_NAME)));
        }
        let tagged = identifier.rsplit('/').next().is_some_and(|name| name.contains([':', '@']));
        Ok(match is_image {
            true if tagged => identifier.clone(),
            true => format!("{identifier}:{version}"),
            false => format!("{identifier}@{version}"),
        })
    }
}

impl RawRemote {
    fn template(&self) -> Result<RemoteTemplate, String> {
        if !matches!(self.r#type.as_str(), "streamable-http" | "streamable" | "sse") {
            return Err(format!("{:?} is no transport", shown(&self.r#type, MAX_NAME)));
        }
        let mut list = FieldList::default();
        let url = list.with_variables(&self.url, &self.variables);
        let headers = self.headers.iter();
        let headers =
            headers.map(|one| (one.name.clone(), list.text(&one.name, &one.input, false)));
        let headers = headers.collect();
        Ok(RemoteTemplate { url, headers, fields: list.fields })
    }
}
