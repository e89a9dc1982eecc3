//! Installing a server from a file: an MCPB bundle, or the `server.json` of a registry.

use std::path::Path;

use agentport_api::{
    AddIntegration, CommandPreview, ImportKind, ImportOption, ImportSource, InstallImport,
    ServerFileView,
};
use agentport_core::{IntegrationId, audit::Actor};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    InstallError, Installer,
    local_server::{check_accepted, check_folders},
};
use crate::{
    imports::{
        ImportContent, ImportFile, ImportTemplate, MAX_FILE_BYTES, ReadError, StoreBundleError,
        TargetTemplate,
    },
    integrations::AddError,
    launch::FilledTemplate,
    store::IntegrationRow,
};

/// Why a server was not installed from a file. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("{0:?} is no absolute path")]
    RelativePath(String),
    #[error("the file {path:?} cannot be read")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{0:?} is no file")]
    NoFile(String),
    #[error("the file is larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("the data of the file is no base64")]
    NoBase64,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the file is another one than was read before; read it again")]
    OtherFile,
    #[error("the file has no option {option:?}; it has {known}")]
    NoOption { option: String, known: String },
    #[error(transparent)]
    Store(#[from] StoreBundleError),
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl From<AddError> for ImportError {
    fn from(error: AddError) -> Self {
        Self::Install(error.into())
    }
}

/// A file, the option that is wanted, and what it becomes.
struct PreparedImport {
    file: ImportFile,
    id: IntegrationId,
    option: ImportTemplate,
    filled: FilledTemplate,
}

impl Installer {
    /// What a file describes. Nothing is kept.
    pub(crate) async fn read_import(
        &self,
        source: &ImportSource,
    ) -> Result<ServerFileView, ImportError> {
        let file = load(source).await?;
        let id = self.suggested_id(&file)?;
        let options = self.options(&file, &id)?;
        let view = |option: &ImportTemplate| ImportOption {
            id: option.id.clone(),
            title: option.title.clone(),
            is_local: matches!(option.target, TargetTemplate::Local(_)),
            launch: match &option.target {
                TargetTemplate::Local(launch) => launch.view(),
                TargetTemplate::Remote(remote) => remote.view(),
            },
        };
        let options = options.iter().map(view).collect();
        let digest = file.digest;
        Ok(match file.content {
            ImportContent::Bundle(bundle) => ServerFileView {
                kind: ImportKind::Bundle,
                digest,
                id,
                name: bundle.manifest.display_name,
                description: bundle.manifest.description,
                version: bundle.manifest.version,
                author: bundle.manifest.author,
                options,
                left_out: Vec::new(),
            },
            ImportContent::ServerJson(server) => ServerFileView {
                kind: ImportKind::ServerJson,
                digest,
                id,
                name: server.name,
                description: server.description,
                version: server.version,
                author: server.full_name,
                options,
                left_out: server.left_out,
            },
        })
    }

    /// What would run, with what was filled in.
    pub(crate) async fn preview_import(
        &self,
        wanted: &InstallImport,
    ) -> Result<CommandPreview, ImportError> {
        let prepared = self.prepare(wanted).await?;
        let connection = &prepared.filled.connection;
        let command = match connection.program() {
            Some(program) => program.line(),
            None => connection.summary(),
        };
        Ok(CommandPreview { command })
    }

    /// Unpacks a bundle, starts the server as it was filled in and accepted, and keeps it.
    pub(crate) async fn install_import(
        &self,
        wanted: InstallImport,
        actor: Actor,
    ) -> Result<IntegrationRow, ImportError> {
        let PreparedImport { file, id, option, filled } = self.prepare(&wanted).await?;
        check_accepted(&filled.connection, wanted.accepted_command.as_deref())?;
        if let TargetTemplate::Local(launch) = &option.target {
            check_folders(&launch.fields, &wanted.values).await?;
        }
        // Until it is added, no other bundle may come into its directory.
        let bundles = &self.integrations.bundles;
        let _busy = bundles.lock().await;
        if self.integrations.catalogue.get(&id).is_some() {
            return Err(AddError::Exists(id).into());
        }
        let name = wanted.name.unwrap_or_else(|| file_name_of(&file).to_owned());
        let is_bundle = matches!(file.content, ImportContent::Bundle(_));
        if let ImportContent::Bundle(mut bundle) = file.content {
            let directory = bundles.directory(&id, &file.digest);
            let store = bundles.clone();
            tokio::task::spawn_blocking(move || store.unpack(&mut bundle, &directory))
                .await
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        }
        let addition = AddIntegration {
            id: Some(id.clone()),
            attempt: None,
            name: Some(name),
            tags: Vec::new(),
            connection: filled.connection,
            secrets: filled.secrets,
            keep_unreachable: false,
            enabled: None,
            untried: false,
            imported: None,
        };
        let added = self.integrations.add_integration(addition, actor).await;
        // Another one of this id that was added meanwhile cannot run from there: its directory would be in its command.
        if is_bundle && added.is_err() {
            self.integrations.remove_bundles(&id).await;
        }
        Ok(added?)
    }

    async fn prepare(&self, wanted: &InstallImport) -> Result<PreparedImport, ImportError> {
        let file = load(&wanted.source).await?;
        if file.digest != wanted.digest {
            return Err(ImportError::OtherFile);
        }
        let id = match &wanted.id {
            Some(id) => id.clone(),
            None => self.suggested_id(&file)?,
        };
        let mut options = self.options(&file, &id)?;
        let at = match &wanted.option {
            None => Some(0),
            Some(option) => options.iter().position(|one| one.id == *option),
        };
        let Some(at) = at else {
            let known = options.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", ");
            let option = wanted.option.clone().unwrap_or_default();
            return Err(ImportError::NoOption { option, known });
        };
        let option = options.swap_remove(at);
        let filled = match &option.target {
            TargetTemplate::Local(launch) => launch.fill(&wanted.values),
            TargetTemplate::Remote(remote) => remote.fill(&wanted.values),
        };
        let filled = filled.map_err(InstallError::from)?;
        Ok(PreparedImport { file, id, option, filled })
    }

    fn suggested_id(&self, file: &ImportFile) -> Result<IntegrationId, AddError> {
        let name = match &file.content {
            ImportContent::Bundle(bundle) => &bundle.manifest.name,
            ImportContent::ServerJson(server) => &server.name,
        };
        self.integrations.free_id(name)
    }

    /// The ways to install a file as an integration of this id.
    fn options(
        &self,
        file: &ImportFile,
        id: &IntegrationId,
    ) -> Result<Vec<ImportTemplate>, ImportError> {
        match &file.content {
            ImportContent::ServerJson(server) => Ok(server.options.clone()),
            ImportContent::Bundle(bundle) => {
                let directory = self.integrations.bundles.directory(id, &file.digest);
                Ok(vec![bundle.import_template(&directory).map_err(ReadError::from)?])
            }
        }
    }
}

fn file_name_of(file: &ImportFile) -> &str {
    match &file.content {
        ImportContent::Bundle(bundle) => &bundle.manifest.display_name,
        ImportContent::ServerJson(server) => &server.name,
    }
}

/// Reads a file whole, and checks it.
async fn load(source: &ImportSource) -> Result<ImportFile, ImportError> {
    let bytes = match source {
        ImportSource::Path { path } => read_file(path).await?,
        ImportSource::Data { data } => {
            if data.len() / 4 * 3 > MAX_FILE_BYTES {
                return Err(ImportError::TooLarge);
            }
            STANDARD.decode(data).map_err(|_| ImportError::NoBase64)?
        }
    };
    let read = tokio::task::spawn_blocking(move || ImportFile::read(bytes)).await;
    Ok(read.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?)
}

async fn read_file(path: &str) -> Result<Vec<u8>, ImportError> {
    if !Path::new(path).is_absolute() {
        return Err(ImportError::RelativePath(path.to_owned()));
    }
    let failed = |source| ImportError::File { path: path.to_owned(), source };
    let found = tokio::fs::metadata(path).await.map_err(failed)?;
    // A pipe or a device would never end.
    if !found.is_file() {
        return Err(ImportError::NoFile(path.to_owned()));
    }
    if found.len() > u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX) {
        return Err(ImportError::TooLarge);
    }
    tokio::fs::read(path).await.map_err(failed)
}
