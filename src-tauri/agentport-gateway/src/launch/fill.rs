//! Filling a template in.

use std::collections::{BTreeMap, BTreeSet};

use agentport_api::{Connection, FieldValues};
use agentport_core::{Secret, placeholder::placeholders};

use super::{
    ArgumentGroup, LaunchTemplate, RemoteTemplate, TemplateField,
    fields::{FieldError, FieldValue, checked},
    text::{Piece, TextTemplate},
};

/// A connection, and the secrets it asks for.
#[derive(Debug)]
pub(crate) struct FilledTemplate {
    pub(crate) connection: Connection,
    pub(crate) secrets: BTreeMap<String, Secret>,
}

/// The values in force, and the secrets that have got a placeholder.
struct Filling<'a> {
    fields: &'a [TemplateField],
    values: BTreeMap<&'a str, FieldValue>,
    /// Names that are taken: those of variables that hold secrets.
    taken: BTreeSet<String>,
    /// By the name of their field: the name of the placeholder.
    placed: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
}

/// A word with placeholders for its secrets.
struct FilledWord {
    text: String,
    is_secret: bool,
}

impl LaunchTemplate {
    /// The command with these values.
    pub(crate) fn fill(&self, values: &FieldValues) -> Result<FilledTemplate, FieldError> {
        let mut filling = Filling::new(&self.fields, values)?;
        filling.taken = self.env.keys().cloned().collect();
        let (mut env, mut secret_env) = (BTreeMap::new(), Vec::new());
        for (name, template) in &self.env {
            let Some(value) = filling.whole(template)? else { continue };
            match value {
                FieldValue::Shown(mut value) => {
                    env.insert(name.clone(), value.pop().unwrap_or_default());
                }
                FieldValue::Secret(secret) => {
                    secret_env.push(name.clone());
                    filling.secrets.insert(name.clone(), secret);
                }
            }
        }
        let (mut args, mut secret_args) = (Vec::new(), Vec::new());
        for group in &self.args {
            for word in filling.group(group)? {
                if word.is_secret {
                    secret_args.push(u32::try_from(args.len()).unwrap_or(u32::MAX));
                }
                args.push(word.text);
            }
        }
        let connection = Connection::LocalMcp {
            command: self.command.clone(),
            args,
            env,
            secret_env,
            cwd: self.cwd.clone(),
            secret_args,
            timeout_seconds: None,
            startup_timeout_seconds: None,
        };
        Ok(FilledTemplate { connection, secrets: filling.secrets })
    }
}

impl RemoteTemplate {
    /// The address and headers with these values.
    pub(crate) fn fill(&self, values: &FieldValues) -> Result<FilledTemplate, FieldError> {
        let mut filling = Filling::new(&self.fields, values)?;
        let url = match filling.word(&self.url, None)? {
            Some(word) => word,
            None => return Err(filling.first_missing(&self.url)),
        };
        let path = url.text.split_once('?').map_or(url.text.as_str(), |(path, _)| path);
        if let Some(name) = placeholders(path).next() {
            return Err(filling.misplaced(name));
        }
        let mut headers = BTreeMap::new();
        for (name, template) in &self.headers {
            if let Some(word) = filling.word(template, None)? {
                headers.insert(name.clone(), word.text);
            }
        }
        let connection =
            Connection::RemoteMcp { url: url.text, headers, oauth: None, timeout_seconds: None };
        Ok(FilledTemplate { connection, secrets: filling.secrets })
    }
}

impl<'a> Filling<'a> {
    fn new(fields: &'a [TemplateField], values: &FieldValues) -> Result<Self, FieldError> {
        Ok(Self {
            fields,
            values: checked(fields, values)?,
            taken: BTreeSet::new(),
            placed: BTreeMap::new(),
            secrets: BTreeMap::new(),
        })
    }

    fn field(&self, name: &str) -> Option<&'a TemplateField> {
        self.fields.iter().find(|field| field.name == name)
    }

    fn label(&self, name: &str) -> String {
        self.field(name).map_or_else(|| name.to_owned(), |field| field.label.clone())
    }

    fn first_missing(&self, template: &TextTemplate) -> FieldError {
        let missing = template.fields().find(|name| !self.values.contains_key(name));
        let name = missing.unwrap_or_default().to_owned();
        FieldError::Missing { label: self.label(&name), name }
    }

    fn misplaced(&self, placeholder: &str) -> FieldError {
        let field = self.placed.iter().find(|(_, placed)| *placed == placeholder);
        let name = field.map(|(name, _)| name.clone()).unwrap_or_default();
        FieldError::SecretInAddress { label: self.label(&name), name }
    }

    /// The words of a group: none, or once for each value of the field in it that is repeated.
    fn group(&mut self, group: &ArgumentGroup) -> Result<Vec<FilledWord>, FieldError> {
        let repeated = group.fields().find(|&name| self.field(name).is_some_and(|f| f.repeated));
        let rounds = match repeated.map(|name| (name, self.values.get(name))) {
            None => 1,
            Some((_, Some(FieldValue::Shown(values)))) => values.len(),
            Some((_, Some(FieldValue::Secret(_)))) => 1,
            Some((_, None)) => 0,
        };
        let mut words = Vec::new();
        for round in 0..rounds {
            for template in &group.0 {
                match self.word(template, Some(round))? {
                    Some(word) => words.push(word),
                    None => return Ok(Vec::new()),
                }
            }
        }
        Ok(words)
    }

    /// A word with placeholders for secrets. `round`: which value of a field that is repeated.
    fn word(
        &mut self,
        template: &TextTemplate,
        round: Option<usize>,
    ) -> Result<Option<FilledWord>, FieldError> {
        let mut word = FilledWord { text: String::new(), is_secret: false };
        for piece in &template.0 {
            match piece {
                Piece::Text(text) => word.text.push_str(text),
                Piece::Field(name) => match self.values.get(name.as_str()) {
                    None => return Ok(None),
                    Some(FieldValue::Shown(values)) => match (values.as_slice(), round) {
                        ([value], _) => word.text.push_str(value),
                        (values, Some(round)) => word.text.push_str(&values[round]),
                        (_, None) => {
                            let (name, label) = (name.clone(), self.label(name));
                            return Err(FieldError::Several { name, label });
                        }
                    },
                    Some(FieldValue::Secret(secret)) => {
                        let secret = secret.clone();
                        let placeholder = self.place(name, secret);
                        word.text.extend(["{", &placeholder, "}"]);
                        word.is_secret = true;
                    }
                },
            }
        }
        Ok(Some(word))
    }

    /// The placeholder of a secret, the same wherever it stands.
    fn place(&mut self, field: &str, secret: Secret) -> String {
        if let Some(placed) = self.placed.get(field) {
            return placed.clone();
        }
        let free = (1..).map(|number| format!("token{number}"));
        let mut free =
            free.filter(|name| !self.taken.contains(name) && !self.secrets.contains_key(name));
        let placeholder = free.next().unwrap_or_default();
        self.secrets.insert(placeholder.clone(), secret);
        self.placed.insert(field.to_owned(), placeholder.clone());
        placeholder
    }

    /// A value that is kept whole: where one part of it is secret, all of it is.
    fn whole(&self, template: &TextTemplate) -> Result<Option<FieldValue>, FieldError> {
        let (mut text, mut is_secret) = (String::new(), false);
        for piece in &template.0 {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Field(name) => match self.values.get(name.as_str()) {
                    None => return Ok(None),
                    Some(FieldValue::Shown(values)) => match values.as_slice() {
                        [value] => text.push_str(value),
                        _ => {
                            let (name, label) = (name.clone(), self.label(name));
                            return Err(FieldError::Several { name, label });
                        }
                    },
                    Some(FieldValue::Secret(secret)) => {
                        text.push_str(secret.expose());
                        is_secret = true;
                    }
                },
            }
        }
        Ok(Some(if is_secret {
            FieldValue::Secret(Secret::new(text))
        } else {
            FieldValue::Shown(vec![text])
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn template() -> LaunchTemplate {
        serde_json::from_value(json!({
            "command": "npx",
            "args": ["-y", "pkg@1.0.0", ["--root", "{folders}"], ["--limit={limit}"], ["--key", "{key}"], "{mode}"],
            "env": {"MODE": "{mode}", "AUTH": "Bearer {key}", "FIXED": "{not a field}"},
            "fields": [
                {"name": "folders", "label": "Folders", "kind": "folder", "required": true, "repeated": true},
                {"name": "limit", "label": "Limit", "kind": "number", "min": 1.0, "max": 10.0},
                {"name": "mode", "label": "Mode", "kind": "choice", "choices": ["a", "b"], "default": ["a"]},
                {"name": "key", "label": "Key", "kind": "secret"},
            ],
        }))
        .unwrap()
    }

    fn filled(values: Value) -> Result<FilledTemplate, String> {
        let values = serde_json::from_value(values).unwrap();
        template().fill(&values).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_words_and_secrets_are_placeholders() {
        let values = json!({
            "fields": {"folders": ["/a b", "/c; rm -rf $HOME"], "limit": ["5"]},
            "secrets": {"key": "obviously-fake\n"},
        });
        let FilledTemplate { connection, secrets } = filled(values).unwrap();
        assert_eq!(
            serde_json::to_value(&connection).unwrap(),
            json!({
                "type": "local_mcp", "command": "npx",
                "args": [
                    "-y", "pkg@1.0.0", "--root", "/a b", "--root", "/c; rm -rf $HOME", "--limit=5",
                    "--key", "{token1}", "a",
                ],
                "env": {"FIXED": "{not a field}", "MODE": "a"},
                "secret_env": ["AUTH"], "secret_args": [8], "cwd": null,
            })
        );
        let secrets: Vec<_> =
            secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect();
        assert_eq!(secrets, [("AUTH", "Bearer obviously-fake"), ("token1", "obviously-fake")]);
        assert!(!format!("{connection:?}").contains("obviously-fake"));
    }

    #[test]
    fn what_has_no_value_is_left_out_with_its_flag() {
        let filled = filled(json!({"fields": {"folders": ["/a"], "mode": []}})).unwrap();
        let program = filled.connection.program().unwrap();
        assert_eq!(program.args, ["-y", "pkg@1.0.0", "--root", "/a"]);
        assert!(!program.env.contains_key("MODE") && program.secret_env.is_empty());
        assert_eq!(program.line(), "\"FIXED={not a field}\" npx -y pkg@1.0.0 --root /a");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (values, want) in [
            (json!({}), "Folders has to be filled in"),
            (json!({"fields": {"folders": ["a"]}}), "Folders: \"a\" is no absolute path"),
            (json!({"fields": {"folders": ["/a\n/b"]}}), "control character"),
            (json!({"fields": {"folders": ["/a"], "limit": ["1", "2"]}}), "takes one value"),
            (json!({"fields": {"folders": ["/a"], "limit": ["11"]}}), "out of range"),
            (json!({"fields": {"folders": ["/a"], "limit": ["x"]}}), "is no number"),
            (json!({"fields": {"folders": ["/a"], "mode": ["c"]}}), "is none of a, b"),
            (json!({"fields": {"folders": ["/a"], "other": ["c"]}}), "no field \"other\""),
            (json!({"fields": {"folders": ["/a"], "key": ["fake"]}}), "no field \"key\""),
            (
                json!({"fields": {"folders": ["/a"]}, "secrets": {"key": "fake\nfake"}}),
                "Key is a secret and holds a character",
            ),
        ] {
            let refused = filled(values.clone()).unwrap_err();
            assert!(refused.contains(want) && !refused.contains("fake"), "{values}: {refused}");
        }
    }

    #[test]
    fn a_secret_stands_in_headers_or_the_query_of_an_address() {
        let secret: TemplateField =
            serde_json::from_value(json!({"name": "key", "label": "Key", "kind": "secret"}))
                .unwrap();
        let values = serde_json::from_value(json!({"secrets": {"key": "obviously-fake"}})).unwrap();
        let remote = |url: &str, header: &str| {
            let template = RemoteTemplate {
                url: TextTemplate::from(url.to_owned()),
                headers: [("X-Key".to_owned(), TextTemplate::from(header.to_owned()))].into(),
                fields: vec![secret.clone()],
            };
            template.fill(&values)
        };
        let filled = remote("https://h.test/mcp?key={key}", "Bearer {key}").unwrap();
        assert_eq!(filled.connection.url(), Some("https://h.test/mcp?key={token1}"));
        assert_eq!(filled.connection.headers().unwrap()["X-Key"], "Bearer {token1}");
        assert_eq!(filled.secrets["token1"].expose(), "obviously-fake");
        let refused = remote("https://h.test/{key}/mcp", "x").unwrap_err();
        assert!(matches!(refused, FieldError::SecretInAddress { .. }), "{refused}");
    }
}
