//! Commands of local servers, and addresses of remote ones, described with the values that the owner fills in. Pure:
//! entries of the directory, MCPB bundles and registry files become templates, and filled templates become connections.
//!
//! Invariants: a value is one word or part of one, never split or read by a shell. A secret stands in no connection: it
//! is returned beside it, under the name by which the connection asks for it.

mod fields;
mod fill;
mod package;
mod text;

pub(crate) use self::{
    fields::{FieldError, TemplateField},
    fill::FilledTemplate,
    package::{package_of, pinned},
    text::{Piece, TextTemplate},
};

use std::collections::BTreeMap;

use agentport_api::{FieldPlace, LaunchView};
use serde::Deserialize;

/// What a local server runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaunchTemplate {
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) args: Vec<ArgumentGroup>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, TextTemplate>,
    /// The folder it starts in.
    #[serde(skip)]
    pub(crate) cwd: Option<String>,
    #[serde(default)]
    pub(crate) fields: Vec<TemplateField>,
}

/// Arguments that belong together, such as a flag and its value. They are left out where a field in them has no value,
/// and repeated for each value of one that is repeated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "WordOrWords")]
pub(crate) struct ArgumentGroup(pub(crate) Vec<TextTemplate>);

#[derive(Deserialize)]
#[serde(untagged)]
enum WordOrWords {
    Word(TextTemplate),
    Words(Vec<TextTemplate>),
}

impl From<WordOrWords> for ArgumentGroup {
    fn from(words: WordOrWords) -> Self {
        match words {
            WordOrWords::Word(word) => Self(vec![word]),
            WordOrWords::Words(words) => Self(words),
        }
    }
}

/// How a remote server is reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RemoteTemplate {
    pub(crate) url: TextTemplate,
    pub(crate) headers: BTreeMap<String, TextTemplate>,
    pub(crate) fields: Vec<TemplateField>,
}

impl LaunchTemplate {
    /// As the owner reads it before it is filled in.
    pub(crate) fn view(&self) -> LaunchView {
        let variables = self.env.iter().map(|(name, value)| format!("{name}={value}"));
        let words = self.args.iter().flat_map(|group| &group.0).map(TextTemplate::to_string);
        let words = variables.chain([self.command.clone()]).chain(words);
        let in_arguments = |name: &str| self.args.iter().any(|group| group.names(name));
        let fields = self.fields.iter().map(|field| {
            let place = if in_arguments(&field.name) { FieldPlace::Arg } else { FieldPlace::Env };
            field.view(place)
        });
        LaunchView { command: words.collect::<Vec<_>>().join(" "), fields: fields.collect() }
    }

    /// Its words that are the same whatever is filled in.
    pub(crate) fn fixed_words(&self) -> Vec<String> {
        let fixed = |word: &TextTemplate| word.literal().map(str::to_owned);
        self.args.iter().flat_map(|group| &group.0).filter_map(fixed).collect()
    }
}

impl RemoteTemplate {
    /// As the owner reads it before it is filled in.
    pub(crate) fn view(&self) -> LaunchView {
        let fields = self.fields.iter().map(|field| {
            let in_url = self.url.fields().any(|name| name == field.name);
            field.view(if in_url { FieldPlace::Url } else { FieldPlace::Header })
        });
        LaunchView { command: self.url.to_string(), fields: fields.collect() }
    }
}

impl ArgumentGroup {
    fn names(&self, field: &str) -> bool {
        self.fields().any(|name| name == field)
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(TextTemplate::fields)
    }
}
