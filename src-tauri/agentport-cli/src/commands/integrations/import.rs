//! `agentport integrations add --bundle` and `--server-json`: servers from files, for the owner.

use std::path::Path;

use agentport_api::{
    CommandPreview, Connection, ImportOption, IntegrationView, LaunchView, ServerFileView, paths,
};
use agentport_core::IntegrationId;
use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::{filling, show, wait_ready::StartingIntegration};
use crate::{client::OwnerClient, confirm, context::Context, exit::ExitStatus, output};

/// What was asked for on the command line.
pub(super) struct ImportRequest<'a> {
    pub(super) file: &'a Path,
    pub(super) option: Option<&'a str>,
    pub(super) id: Option<&'a IntegrationId>,
    pub(super) name: Option<&'a str>,
    pub(super) fields: &'a [(String, String)],
    pub(super) yes: bool,
}

/// Reads the file, fills in what it asks for, shows the command, and installs it.
pub(super) async fn install(
    owner: &OwnerClient,
    context: &Context,
    request: &ImportRequest<'_>,
) -> Result<ExitStatus> {
    let path = std::path::absolute(request.file).context("cannot tell the current folder")?;
    let source = json!({ "from": "path", "path": path.to_string_lossy() });
    let read: ServerFileView = owner.post(paths::IMPORT_READ, &source).await?.read()?;
    output::note(&about(&read));
    let option = chosen(&read, request.option)?;
    let values = filling::fill(&option.launch, request.fields)?;
    let mut body = json!({
        "source": source,
        "digest": read.digest,
        "option": option.id,
        "id": request.id,
        "name": request.name,
        "values": values.to_json(),
    });
    let preview: CommandPreview = owner.post(paths::IMPORT_PREVIEW, &body).await?.read()?;
    if option.is_local {
        filling::accept(&preview, request.yes)?;
    }
    body["accepted_command"] = json!(preview.command);
    let id = request.id.unwrap_or(&read.id);
    let connection = shown_connection(option);
    let starting =
        StartingIntegration { owner, name: id.as_str(), connection: &connection, context };
    let answer = starting.add(paths::IMPORT_INSTALL, &body).await?;
    context.output.answer(&answer, |view: IntegrationView| show(view))?;
    Ok(ExitStatus::Done)
}

/// What a file says of itself. It is not checked by anybody.
fn about(read: &ServerFileView) -> String {
    let mut lines =
        vec![format!("{} {}", output::printable(&read.name), output::printable(&read.version))];
    if !read.author.is_empty() {
        lines.push(format!("by {} (as it says)", output::printable(&read.author)));
    }
    lines.push(output::printable(&read.description).to_string());
    lines.extend(read.left_out.iter().map(|one| format!("left out: {}", output::printable(one))));
    lines.join("\n")
}

fn chosen<'a>(read: &'a ServerFileView, wanted: Option<&str>) -> Result<&'a ImportOption> {
    let ids = || read.options.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", ");
    let wanted = match wanted {
        Some(wanted) => wanted.to_owned(),
        None if read.options.len() < 2 => {
            return read.options.first().context("nothing to install");
        }
        None if !confirm::on_a_terminal() => {
            bail!("there are several ways to install it; choose with --option: {}", ids())
        }
        None => {
            for one in &read.options {
                output::note(&format!("  {:<9} {}", one.id, one.title));
            }
            confirm::line(&format!("Which one? [{}] ", read.options[0].id))?.trim().to_owned()
        }
    };
    if wanted.is_empty() {
        return read.options.first().context("nothing to install");
    }
    let found = read.options.iter().find(|one| one.id == wanted);
    found.with_context(|| format!("there is no option {wanted:?}; there is {}", ids()))
}

/// For the progress line alone: whether a program starts, or an address is reached.
fn shown_connection(option: &ImportOption) -> Connection {
    let LaunchView { command, .. } = &option.launch;
    if option.is_local {
        local_connection(command)
    } else {
        Connection::RemoteMcp {
            url: command.clone(),
            headers: [].into(),
            oauth: None,
            timeout_seconds: None,
        }
    }
}

/// A local server, as far as progress is concerned.
pub(super) fn local_connection(command: &str) -> Connection {
    Connection::LocalMcp {
        command: command.to_owned(),
        args: Vec::new(),
        env: [].into(),
        secret_env: Vec::new(),
        cwd: None,
        secret_args: Vec::new(),
        timeout_seconds: None,
        startup_timeout_seconds: None,
    }
}
