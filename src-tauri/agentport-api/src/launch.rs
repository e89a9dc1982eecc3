//! Local servers described with the values that the owner fills in: entries of the directory, MCPB bundles and the
//! packages of a registry's `server.json`.

use std::collections::BTreeMap;

use agentport_core::Secret;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A command before it is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LaunchView {
    /// What will run, with `{name}` where the value of a field goes.
    pub command: String,
    /// What is to be filled in, in the order it should be asked.
    pub fields: Vec<LaunchField>,
}

/// A value the owner fills in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LaunchField {
    /// The name to send it under.
    pub name: String,
    /// What to call it.
    pub label: String,
    /// More about it; empty where there is no more to say.
    pub description: String,
    /// What it takes.
    pub kind: FieldKind,
    /// It must have a value.
    pub required: bool,
    /// It takes several values.
    pub repeated: bool,
    /// What it is, if nothing is filled in; empty: nothing. Never of a secret.
    pub default: Vec<String>,
    /// What to choose from, where its kind is `choice`.
    pub choices: Vec<String>,
    /// Where it goes.
    pub goes_into: FieldPlace,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FieldKind {
    /// The absolute path of a folder that exists.
    Folder,
    /// The absolute path of a file.
    File,
    /// Any text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Switch,
    /// A secret, which goes to the vault and is never shown again.
    Secret,
    /// One of its choices.
    Choice,
}

/// Where the value of a field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FieldPlace {
    /// An argument of the command.
    Arg,
    /// A variable of its environment.
    Env,
    /// A header of every request.
    Header,
    /// The address.
    Url,
}

/// `POST /control/available/{id}/preview` answers [`CommandPreview`]: what would run with these values. Nothing starts.
#[derive(Debug, Default, Deserialize, TS)]
#[serde(default)]
#[ts(export, optional_fields)]
pub struct FieldValues {
    /// By the names of the fields; several where a field is repeated.
    #[ts(as = "Option<BTreeMap<String, Vec<String>>>")]
    pub fields: BTreeMap<String, Vec<String>>,
    /// By the names of the fields that are secret.
    #[ts(type = "Record<string, string>", optional)]
    pub secrets: BTreeMap<String, Secret>,
}

/// A command as it will run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CommandPreview {
    /// The variables, the command, its arguments and its folder on one line; secrets are placeholders. Sent back as
    /// `accepted_command`, it says that the owner has seen it and agrees. Of a remote server: its address.
    pub command: String,
}
