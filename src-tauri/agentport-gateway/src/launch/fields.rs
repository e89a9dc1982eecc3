//! Values of fields: what each may be.

use std::{collections::BTreeMap, path::Path};

use agentport_api::{FieldKind, FieldPlace, FieldValues, LaunchField};
use agentport_core::{Secret, sanitize};
use serde::Deserialize;

/// Longest value, in bytes.
const MAX_VALUE: usize = 8 * 1024;
/// Most values of a field that is repeated.
const MAX_VALUES: usize = 64;

/// A field of a template.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateField {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) kind: FieldKind,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) repeated: bool,
    #[serde(default)]
    pub(crate) default: Vec<String>,
    #[serde(default)]
    pub(crate) choices: Vec<String>,
    /// Smallest number.
    #[serde(default)]
    pub(crate) min: Option<f64>,
    /// Largest number.
    #[serde(default)]
    pub(crate) max: Option<f64>,
}

/// Why the values do not fit the fields. Never holds a secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("{label} has to be filled in")]
    Missing { name: String, label: String },
    #[error("there is no field {name:?} to fill in")]
    Unknown { name: String },
    #[error("{label} takes one value, not several")]
    Several { name: String, label: String },
    #[error("{label}: {value:?} {why}")]
    Unfit { name: String, label: String, value: String, why: String },
    #[error("{label} is a secret and holds a character that cannot be passed on")]
    UnfitSecret { name: String, label: String },
    #[error("{label} is a secret, which can stand in the query of an address alone")]
    SecretInAddress { name: String, label: String },
}

impl FieldError {
    /// The field at fault.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::Missing { name, .. }
            | Self::Unknown { name }
            | Self::Several { name, .. }
            | Self::Unfit { name, .. }
            | Self::UnfitSecret { name, .. }
            | Self::SecretInAddress { name, .. } => name,
        }
    }
}

/// The values of a field that is filled in.
#[derive(Debug)]
pub(super) enum FieldValue {
    Shown(Vec<String>),
    Secret(Secret),
}

impl TemplateField {
    pub(super) fn view(&self, goes_into: FieldPlace) -> LaunchField {
        LaunchField {
            name: self.name.clone(),
            label: self.label.clone(),
            description: self.description.clone(),
            kind: self.kind,
            required: self.required,
            repeated: self.repeated,
            default: self.default.clone(),
            choices: self.choices.clone(),
            goes_into,
        }
    }

    fn is_secret(&self) -> bool {
        self.kind == FieldKind::Secret
    }

    fn unfit(&self, value: &str, why: impl Into<String>) -> FieldError {
        FieldError::Unfit {
            name: self.name.clone(),
            label: self.label.clone(),
            value: sanitize::sanitize_line(value, 100),
            why: why.into(),
        }
    }

    fn check(&self, value: &str) -> Result<(), FieldError> {
        let unfit = |why: &str| Err(self.unfit(value, why));
        if value.len() > MAX_VALUE {
            return unfit("is too long");
        }
        // A line break in an argument would make the command unreadable for who agrees to it.
        if value.contains(char::is_control) {
            return unfit("holds a line break or another control character");
        }
        match self.kind {
            FieldKind::Folder | FieldKind::File if !Path::new(value).is_absolute() => {
                unfit("is no absolute path")
            }
            FieldKind::Number => {
                let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
                let Some(number) = number else { return unfit("is no number") };
                if self.min.is_some_and(|min| number < min)
                    || self.max.is_some_and(|max| number > max)
                {
                    return unfit("is out of range");
                }
                Ok(())
            }
            FieldKind::Switch if !matches!(value, "true" | "false") => {
                unfit("is neither true nor false")
            }
            FieldKind::Choice if !self.choices.iter().any(|choice| choice == value) => {
                Err(self.unfit(value, format!("is none of {}", self.choices.join(", "))))
            }
            FieldKind::Folder
            | FieldKind::File
            | FieldKind::Text
            | FieldKind::Switch
            | FieldKind::Secret
            | FieldKind::Choice => Ok(()),
        }
    }

    /// What it is, with its default where nothing is filled in. `None`: nothing.
    fn value(&self, values: &FieldValues) -> Result<Option<FieldValue>, FieldError> {
        let missing = || FieldError::Missing { name: self.name.clone(), label: self.label.clone() };
        if self.is_secret() {
            let secret = values.secrets.get(&self.name).map(Secret::expose).unwrap_or_default();
            let secret = secret.trim_end_matches(['\n', '\r']);
            if secret.is_empty() {
                return if self.required { Err(missing()) } else { Ok(None) };
            }
            if secret.contains(['\0', '\n', '\r']) || secret.len() > MAX_VALUE {
                return Err(FieldError::UnfitSecret {
                    name: self.name.clone(),
                    label: self.label.clone(),
                });
            }
            return Ok(Some(FieldValue::Secret(Secret::new(secret))));
        }
        let given = values.fields.get(&self.name);
        let filled = given.into_iter().flatten().filter(|value| !value.is_empty());
        let mut filled: Vec<String> = filled.cloned().collect();
        // An empty list is the owner's choice of nothing; an absent one leaves the default.
        if given.is_none() {
            filled.clone_from(&self.default);
        }
        if filled.is_empty() {
            return if self.required { Err(missing()) } else { Ok(None) };
        }
        if (filled.len() > 1 && !self.repeated) || filled.len() > MAX_VALUES {
            return Err(FieldError::Several { name: self.name.clone(), label: self.label.clone() });
        }
        filled.iter().try_for_each(|value| self.check(value))?;
        Ok(Some(FieldValue::Shown(filled)))
    }
}

/// The values of all fields that have one.
pub(super) fn checked<'a>(
    fields: &'a [TemplateField],
    values: &FieldValues,
) -> Result<BTreeMap<&'a str, FieldValue>, FieldError> {
    let known = |name: &str, secret: bool| {
        fields.iter().any(|field| field.name == name && field.is_secret() == secret)
    };
    let unknown = values.fields.keys().find(|name| !known(name, false));
    let unknown = unknown.or_else(|| values.secrets.keys().find(|name| !known(name, true)));
    if let Some(name) = unknown {
        return Err(FieldError::Unknown { name: name.clone() });
    }
    let mut checked = BTreeMap::new();
    for field in fields {
        if let Some(value) = field.value(values)? {
            checked.insert(field.name.as_str(), value);
        }
    }
    Ok(checked)
}
