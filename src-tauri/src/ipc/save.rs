//! Downloads: streams an answer of the control API into a file, so that an export of any length fits.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use agentport_api::paths;
use agentport_core::sanitize;
use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt as _,
};

use super::{
    control,
    routes::{IpcProblem, IpcResult, IpcState, parse_body},
    types::{Save, Saved},
};

/// Characters of a file name; file systems take 255 bytes.
const MAX_NAME_CHARS: usize = 60;
/// Files of one name side by side: `name`, `name (2)` and so on.
const MAX_SAME_NAME: u32 = 1_000;

#[derive(Debug, thiserror::Error)]
enum SaveError {
    #[error("the file could not be written")]
    Write(#[source] io::Error),
    #[error("the answer broke off")]
    BrokenOff(#[source] axum::Error),
}

pub(super) async fn save(
    State(ipc): State<IpcState>,
    body: String,
) -> Result<Response, IpcProblem> {
    let Save { path, name } = parse_body(&body)?;
    let request = Request::get(path.as_str()).body(Body::empty()).ok();
    let request = request
        .filter(|_| path.starts_with(paths::PREFIX))
        .ok_or_else(|| IpcProblem::invalid("path", "That is not a path of the gateway."))?;
    let response = control::forward(State(ipc.clone()), request).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    if super::is_stream(response.headers()) {
        return Err(IpcProblem::invalid("path", "That is a stream without an end, not a file."));
    }
    let folder = ipc.context.platform.downloads().map_err(|error| IpcProblem::failed(&error))?;
    let file = write_file(&folder, &safe_name(&name), response.into_body()).await;
    let file = file.map_err(|error| IpcProblem::failed(&error))?;
    let shown = file.to_string_lossy().into_owned();
    ipc.saved.lock().push(file);
    Ok(Json(Saved { file: shown }).into_response())
}

pub(super) async fn reveal(State(ipc): State<IpcState>, body: String) -> IpcResult<StatusCode> {
    let Saved { file } = parse_body(&body)?;
    let file = PathBuf::from(file);
    let ours = ipc.saved.lock().contains(&file);
    if !ours || !file.is_file() {
        return Err(IpcProblem::new(StatusCode::NOT_FOUND, "That file no longer exists."));
    }
    ipc.context.platform.reveal(&file).map_err(|error| IpcProblem::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A plain name: no folder, not hidden, no character that a file system or a shell treats specially.
fn safe_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '-' };
    let name: String = sanitize::sanitize_line(name, MAX_NAME_CHARS).chars().map(plain).collect();
    let name = name.trim_matches(['.', ' ', '-']);
    if name.is_empty() { "agentport".to_owned() } else { name.to_owned() }
}

async fn write_file(folder: &Path, name: &str, body: Body) -> Result<PathBuf, SaveError> {
    let (path, file) = create(folder, name).await.map_err(SaveError::Write)?;
    match copy_body(file, body).await {
        Ok(()) => Ok(path),
        Err(error) => {
            // A partial file looks like a whole one.
            let _ = tokio::fs::remove_file(&path).await;
            Err(error)
        }
    }
}

/// A new file of that name, or of the first free numbered one.
async fn create(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    tokio::fs::create_dir_all(folder).await?;
    let whole = Path::new(name);
    let stem = whole.file_stem().and_then(OsStr::to_str).unwrap_or(name);
    let ending = whole.extension().and_then(OsStr::to_str);
    let mut number = 1;
    loop {
        let numbered = if number == 1 { stem.to_owned() } else { format!("{stem} ({number})") };
        let path = folder.join(match ending {
            Some(ending) => format!("{numbered}.{ending}"),
            None => numbered,
        });
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // Exports hold what agents did: readable by the owner alone.
        #[cfg(unix)]
        options.mode(0o600);
        match options.open(&path).await {
            Ok(file) => return Ok((path, file)),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && number < MAX_SAME_NAME =>
            {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn copy_body(mut file: File, mut body: Body) -> Result<(), SaveError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(SaveError::BrokenOff)?;
        if let Some(bytes) = frame.data_ref() {
            file.write_all(bytes).await.map_err(SaveError::Write)?;
        }
    }
    file.flush().await.map_err(SaveError::Write)
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn names_are_made_plain() {
        for (name, plain) in [
            ("activity.jsonl", "activity.jsonl"),
            ("Backup 2026-11-20.json", "Backup 2026-11-20.json"),
            ("../../.ssh/authorized_keys", "ssh-authorized_keys"),
            ("/etc/passwd", "etc-passwd"),
            ("C:\\con\u{202e}.txt", "C--con.txt"),
            (".hidden", "hidden"),
            ("..", "agentport"),
            ("", "agentport"),
            ("a\nb\0c.csv", "a bc.csv"),
        ] {
            assert_eq!(safe_name(name), plain, "{name:?}");
        }
        assert!(safe_name(&"x".repeat(500)).chars().count() <= 60);
    }
}
