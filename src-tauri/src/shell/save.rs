//! Downloads: what the owner's plane answers goes into a file, piece by piece, so that an export of any length fits.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::PoisonError,
};

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
    routes::{Answer, Refused, Shell, take},
    types::{Save, Saved},
};

/// Names are cut to this many characters; file systems take 255 bytes.
const LONGEST_NAME: usize = 60;
/// As many files of one name beside each other.
const MOST_ALIKE: u32 = 1_000;

#[derive(Debug, thiserror::Error)]
enum SaveError {
    #[error("the file could not be written")]
    Write(#[source] io::Error),
    #[error("the answer broke off")]
    BrokenOff(#[source] axum::Error),
}

pub(super) async fn save(State(shell): State<Shell>, body: String) -> Result<Response, Refused> {
    let Save { path, name } = take(&body)?;
    let request = Request::get(path.as_str()).body(Body::empty()).ok();
    let request = request
        .filter(|_| path.starts_with("/control/"))
        .ok_or_else(|| Refused::invalid("path", "That is no path of the gateway's."))?;
    let response = control::pass_on(State(shell.clone()), request).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    if super::is_stream(response.headers()) {
        return Err(Refused::invalid("path", "That has no end, so it is no file."));
    }
    let folder = shell.parts.desk.downloads().map_err(|error| Refused::failed(&error))?;
    let file = write(&folder, &safe(&name), response.into_body()).await;
    let file = file.map_err(|error| Refused::failed(&error))?;
    let shown = file.to_string_lossy().into_owned();
    shell.saved.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    Ok(Json(Saved { file: shown }).into_response())
}

pub(super) async fn reveal(State(shell): State<Shell>, body: String) -> Answer<StatusCode> {
    let Saved { file } = take(&body)?;
    let file = PathBuf::from(file);
    let ours = shell.saved.lock().unwrap_or_else(PoisonError::into_inner).contains(&file);
    if !ours || !file.is_file() {
        return Err(Refused::new(StatusCode::NOT_FOUND, "That file is not there any more."));
    }
    shell.parts.desk.reveal(&file).map_err(|error| Refused::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A plain name: no folder, nothing hidden, nothing a file system or a shell reads another way.
fn safe(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '-' };
    let name: String = sanitize::sanitize_line(name, LONGEST_NAME).chars().map(plain).collect();
    let name = name.trim_matches(['.', ' ', '-']);
    if name.is_empty() { "agentport".to_owned() } else { name.to_owned() }
}

async fn write(folder: &Path, name: &str, body: Body) -> Result<PathBuf, SaveError> {
    let (path, file) = create(folder, name).await.map_err(SaveError::Write)?;
    match fill(file, body).await {
        Ok(()) => Ok(path),
        Err(error) => {
            // Half a file looks like a whole one.
            let _ = tokio::fs::remove_file(&path).await;
            Err(error)
        }
    }
}

/// A new file of that name, or of the first one beside it that is free.
async fn create(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    tokio::fs::create_dir_all(folder).await?;
    let whole = Path::new(name);
    let stem = whole.file_stem().and_then(OsStr::to_str).unwrap_or(name);
    let ending = whole.extension().and_then(OsStr::to_str);
    let mut number = 1;
    loop {
        let beside = if number == 1 { stem.to_owned() } else { format!("{stem} ({number})") };
        let path = folder.join(match ending {
            Some(ending) => format!("{beside}.{ending}"),
            None => beside,
        });
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds what agents did, which is for the owner alone.
        #[cfg(unix)]
        options.mode(0o600);
        match options.open(&path).await {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_ALIKE => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn fill(mut file: File, mut body: Body) -> Result<(), SaveError> {
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
    use super::safe;

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
            assert_eq!(safe(name), plain, "{name:?}");
        }
        assert!(safe(&"x".repeat(500)).chars().count() <= 60);
    }
}
