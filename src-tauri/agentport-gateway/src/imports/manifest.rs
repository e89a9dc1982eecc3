//! `manifest.json` of an MCPB bundle (MANIFEST.md, versions 0.1 to 0.4). Of it is read what says how the server runs and
//! what its owner fills in; tools, prompts, icons and translations are not.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use agentport_api::FieldKind;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ImportTemplate, TargetTemplate, shown};
use crate::launch::{ArgumentGroup, LaunchTemplate, Piece, TemplateField, TextTemplate};

/// Versions of the manifest that are understood.
const VERSIONS: [&str; 4] = ["0.1", "0.2", "0.3", "0.4"];
/// How the manifest calls this system (`process.platform` of Node.js).
const PLATFORM: &str = if cfg!(target_os = "macos") {
    "darwin"
} else if cfg!(windows) {
    "win32"
} else {
    "linux"
};
/// Most characters of texts that are shown.
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 500;

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("the bundle's manifest.json cannot be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("the bundle's manifest.json has version {0:?}; {known} are known", known = VERSIONS.join(", "))]
    UnknownVersion(String),
    #[error("the bundle runs on {0} alone, and this is {PLATFORM}")]
    OtherPlatform(String),
    #[error("the bundle's manifest.json names {path:?}, which is not in the bundle")]
    MissingFile { path: String },
    #[error("the bundle's manifest.json asks for user_config.{0}, which it does not describe")]
    UnknownField(String),
    #[error("the bundle's manifest.json lets the command itself be filled in, which is refused")]
    OpenCommand,
    #[error("user_config.{name} in the bundle's manifest.json: {why}")]
    BadField { name: String, why: String },
}

/// A manifest that was read and checked.
#[derive(Debug)]
pub(crate) struct BundleManifest {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) author: String,
    server: ServerPart,
    fields: Vec<TemplateField>,
}

#[derive(Deserialize)]
struct RawManifest {
    #[serde(alias = "dxt_version")]
    manifest_version: String,
    name: String,
    #[serde(default)]
    display_name: Option<String>,
    version: String,
    #[serde(default)]
    description: String,
    author: Author,
    server: ServerPart,
    #[serde(default)]
    user_config: Map<String, Value>,
    #[serde(default)]
    compatibility: Compatibility,
}

#[derive(Deserialize)]
struct Author {
    name: String,
}

#[derive(Debug, Deserialize)]
struct ServerPart {
    r#type: ServerType,
    entry_point: String,
    #[serde(default)]
    mcp_config: Option<McpConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ServerType {
    Node,
    Python,
    Binary,
    Uv,
}

#[derive(Debug, Default, Deserialize)]
struct McpConfig {
    command: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    platform_overrides: BTreeMap<String, ConfigOverride>,
}

#[derive(Debug, Default, Deserialize)]
struct ConfigOverride {
    command: Option<String>,
    args: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct Compatibility {
    #[serde(default)]
    platforms: Vec<String>,
}

#[derive(Deserialize)]
struct RawField {
    r#type: RawKind,
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    default: Value,
    #[serde(default)]
    multiple: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    min: Option<f64>,
    #[serde(default)]
    max: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawKind {
    String,
    Number,
    Boolean,
    Directory,
    File,
}

impl BundleManifest {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let raw: RawManifest = serde_json::from_slice(bytes).map_err(ManifestError::Unreadable)?;
        if !VERSIONS.contains(&raw.manifest_version.as_str()) {
            return Err(ManifestError::UnknownVersion(shown(&raw.manifest_version, MAX_NAME)));
        }
        let platforms = &raw.compatibility.platforms;
        if !platforms.is_empty() && !platforms.iter().any(|name| name == PLATFORM) {
            return Err(ManifestError::OtherPlatform(shown(&platforms.join(", "), MAX_NAME)));
        }
        let fields = raw.user_config.into_iter().map(|(name, value)| read_field(name, value));
        let manifest = Self {
            display_name: shown(raw.display_name.as_deref().unwrap_or(&raw.name), MAX_NAME),
            name: shown(&raw.name, MAX_NAME),
            version: shown(&raw.version, MAX_NAME),
            description: shown(&raw.description, MAX_TEXT),
            author: shown(&raw.author.name, MAX_NAME),
            fields: fields.collect::<Result<_, _>>()?,
            server: raw.server,
        };
        // Whatever is wrong with its command is said before a directory is known.
        manifest.template(Path::new("/"), |_| false)?;
        Ok(manifest)
    }

    /// Are the files there that the manifest names?
    pub(super) fn check_files(&self, holds: impl Fn(&str) -> bool) -> Result<(), ManifestError> {
        let entry = self.server.entry_point.trim_start_matches("./");
        let windows = format!("{entry}.exe");
        let found = holds(entry) || (self.server.r#type == ServerType::Binary && holds(&windows));
        let project = self.server.r#type != ServerType::Uv || holds("pyproject.toml");
        match (found, project) {
            (true, true) => Ok(()),
            (false, _) => Err(ManifestError::MissingFile { path: shown(entry, 200) }),
            (true, false) => Err(ManifestError::MissingFile { path: "pyproject.toml".to_owned() }),
        }
    }

    /// How the server runs once it is unpacked into this directory, which has these files.
    pub(crate) fn import_template(
        &self,
        directory: &Path,
        holds: impl Fn(&str) -> bool,
    ) -> Result<ImportTemplate, ManifestError> {
        let launch = self.template(directory, holds)?;
        let program = match self.server.r#type {
            ServerType::Node => "Node.js",
            ServerType::Python => "Python",
            ServerType::Binary => "a program of its own",
            ServerType::Uv => "Python, by uv",
        };
        Ok(ImportTemplate {
            id: "bundle".to_owned(),
            title: format!("MCPB bundle, which runs {program}"),
            target: TargetTemplate::Local(launch),
        })
    }

    fn template(
        &self,
        directory: &Path,
        holds: impl Fn(&str) -> bool,
    ) -> Result<LaunchTemplate, ManifestError> {
        let usual = self.usual_config();
        let (command, args, env) = match &self.server.mcp_config {
            None => (&usual.command, &usual.args, &usual.env),
            Some(config) => {
                let other = config.platform_overrides.get(PLATFORM);
                (
                    other.and_then(|other| other.command.as_ref()).unwrap_or(&config.command),
                    other.and_then(|other| other.args.as_ref()).unwrap_or(&config.args),
                    other.and_then(|other| other.env.as_ref()).unwrap_or(&config.env),
                )
            }
        };
        let command = self.text(command, directory)?;
        if command.fields().next().is_some() {
            return Err(ManifestError::OpenCommand);
        }
        let words = args.iter().map(|word| self.text(word, directory)).collect::<Result<_, _>>()?;
        let env = env.iter().map(|(name, value)| Ok((name.clone(), self.text(value, directory)?)));
        Ok(LaunchTemplate {
            command: program(&command.to_string(), directory, holds),
            args: self.grouped(words),
            env: env.collect::<Result<_, ManifestError>>()?,
            // Arguments may be relative to the bundle.
            cwd: Some(directory.to_string_lossy().into_owned()),
            fields: self.fields.clone(),
        })
    }

    /// What runs where the manifest does not say: the host decides (MANIFEST.md, "UV Runtime").
    fn usual_config(&self) -> McpConfig {
        let entry = format!("${{__dirname}}/{}", self.server.entry_point.trim_start_matches("./"));
        let (command, args) = match self.server.r#type {
            ServerType::Node => ("node".to_owned(), vec![entry]),
            ServerType::Python => ("python".to_owned(), vec![entry]),
            ServerType::Binary => (entry, Vec::new()),
            ServerType::Uv => {
                let run = ["run", "--directory", "${__dirname}"].map(str::to_owned);
                (
                    "uv".to_owned(),
                    run.into_iter().chain([self.server.entry_point.clone()]).collect(),
                )
            }
        };
        McpConfig { command, args, ..McpConfig::default() }
    }

    /// Text with the variables of MANIFEST.md, "Variable Substitution", put in.
    fn text(&self, text: &str, directory: &Path) -> Result<TextTemplate, ManifestError> {
        let mut unknown = None;
        let template = TextTemplate::parse(text, "${", |name| {
            if let Some(field) = name.strip_prefix("user_config.") {
                if !self.fields.iter().any(|known| known.name == field) {
                    unknown = Some(shown(field, MAX_NAME));
                }
                return Some(Piece::Field(field.to_owned()));
            }
            if name == "__dirname" {
                return Some(Piece::Text(directory.to_string_lossy().into_owned()));
            }
            system_text(name).map(Piece::Text)
        });
        unknown.map_or(Ok(template), |field| Err(ManifestError::UnknownField(field)))
    }

    /// A flag before a value that may be left out goes with it.
    fn grouped(&self, words: Vec<TextTemplate>) -> Vec<ArgumentGroup> {
        let may_be_absent = |word: &TextTemplate| {
            let [Piece::Field(name)] = word.0.as_slice() else { return false };
            let field = self.fields.iter().find(|field| field.name == *name);
            field.is_some_and(|field| !field.required && !field.repeated)
        };
        let is_flag = |word: &TextTemplate| {
            let text = word.to_string();
            word.fields().next().is_none() && text.starts_with('-') && !text.contains('=')
        };
        let mut groups: Vec<ArgumentGroup> = Vec::new();
        for word in words {
            match groups.last_mut() {
                Some(ArgumentGroup(before))
                    if may_be_absent(&word) && before.len() == 1 && is_flag(&before[0]) =>
                {
                    before.push(word);
                }
                _ => groups.push(ArgumentGroup(vec![word])),
            }
        }
        groups
    }
}

/// The program as it is started: one of the bundle by its whole path, and `python` by the name it has here.
fn program(command: &str, directory: &Path, holds: impl Fn(&str) -> bool) -> String {
    let relative = command.trim_start_matches("./");
    let inside = |relative: &str| directory.join(relative).to_string_lossy().into_owned();
    if Path::new(command).is_absolute() {
        let within = Path::new(command).strip_prefix(directory).ok().and_then(Path::to_str);
        let windows = within.map(|path| format!("{path}.exe"));
        return match windows {
            Some(windows) if cfg!(windows) && holds(&windows) => inside(&windows),
            _ => command.to_owned(),
        };
    }
    let windows = format!("{relative}.exe");
    if cfg!(windows) && holds(&windows) {
        return inside(&windows);
    }
    if holds(relative) {
        return inside(relative);
    }
    match command {
        "python" if cfg!(not(windows)) => "python3".to_owned(),
        other => other.to_owned(),
    }
}

/// A variable of the system.
fn system_text(name: &str) -> Option<String> {
    let home = || env::home_dir().filter(|home| home.is_absolute());
    let inside = |folder: &str| home().map(|home| home.join(folder));
    let path: Option<PathBuf> = match name {
        "HOME" => home(),
        "DESKTOP" => inside("Desktop"),
        "DOCUMENTS" => inside("Documents"),
        "DOWNLOADS" => inside("Downloads"),
        "pathSeparator" | "/" => return Some(std::path::MAIN_SEPARATOR_STR.to_owned()),
        _ => return None,
    };
    path.map(|path| path.to_string_lossy().into_owned())
}

fn read_field(name: String, value: Value) -> Result<TemplateField, ManifestError> {
    let bad = |why: String| ManifestError::BadField { name: shown(&name, MAX_NAME), why };
    let raw: RawField = serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
    let kind = match raw.r#type {
        RawKind::String if raw.sensitive => FieldKind::Secret,
        RawKind::String => FieldKind::Text,
        RawKind::Number => FieldKind::Number,
        RawKind::Boolean => FieldKind::Switch,
        RawKind::Directory => FieldKind::Folder,
        RawKind::File => FieldKind::File,
    };
    let default = match (&raw.default, kind) {
        // A secret that everybody has is none.
        (Value::Null, _) | (_, FieldKind::Secret) => Vec::new(),
        (Value::Array(values), _) => values
            .iter()
            .map(default_text)
            .collect::<Option<_>>()
            .ok_or_else(|| bad("its default is no list of texts".to_owned()))?,
        (value, _) => {
            vec![default_text(value).ok_or_else(|| bad("its default is no text".to_owned()))?]
        }
    };
    Ok(TemplateField {
        label: shown(&raw.title, MAX_NAME),
        description: shown(&raw.description, MAX_TEXT),
        kind,
        required: raw.required,
        repeated: raw.multiple && matches!(kind, FieldKind::Folder | FieldKind::File),
        default: default.into_iter().filter(|text| !text.is_empty()).collect(),
        choices: Vec::new(),
        min: raw.min,
        max: raw.max,
        name,
    })
}

fn default_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let filled = TextTemplate::parse(&text, "${", |name| system_text(name).map(Piece::Text));
    Some(filled.to_string())
}
