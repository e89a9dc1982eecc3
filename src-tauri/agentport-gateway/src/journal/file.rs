//! The journal's files: one that is written, and those before it that wait to be imported.
//!
//! They are numbered in the order they were begun. A process begins a file of its own, so a line that was torn off is
//! always the last of its file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::{line::Line, rows::Position};
use crate::data_dir::{create_dir, private};

/// A file that has grown to this many bytes is followed by a new one.
const FULL: u64 = 8 * 1024 * 1024;
/// Bytes imported in one transaction, unless one line is longer.
const CHUNK: u64 = 512 * 1024;
/// A buffer that one long line has blown up is not kept.
const BUFFER: usize = 64 * 1024;

pub(super) struct Files {
    dir: PathBuf,
    current: Mutex<Current>,
    /// Told about every line.
    pub(super) written: Notify,
}

/// The file that is written.
struct Current {
    file: File,
    number: u64,
    /// Bytes in it, all of them whole lines.
    length: u64,
    /// A write failed halfway, and the half could not be taken back.
    torn: bool,
    buffer: Vec<u8>,
}

/// Some lines of one file.
pub(super) struct Chunk {
    pub(super) lines: Vec<Line>,
    /// Where the next chunk begins.
    pub(super) next: u64,
}

impl Files {
    /// Opens the directory: begins a new file, drops the files before `imported`, and says where what has not been
    /// imported begins.
    pub(super) fn open(dir: &Path, imported: Position) -> io::Result<(Self, Position)> {
        create_dir(dir)?;
        let mut numbers = numbers(dir)?;
        for number in numbers.extract_if(.., |number| *number < imported.file) {
            fs::remove_file(path(dir, number))?;
        }
        let last = numbers.iter().copied().max().unwrap_or(0).max(imported.file);
        let number = last + 1;
        let current = Current {
            file: create(&path(dir, number))?,
            number,
            length: 0,
            torn: false,
            buffer: Vec::new(),
        };
        let oldest = match numbers.iter().copied().min() {
            Some(file) if file == imported.file => imported,
            Some(file) => Position { file, bytes: 0 },
            None => Position { file: number, bytes: 0 },
        };
        let files =
            Self { dir: dir.to_owned(), current: Mutex::new(current), written: Notify::new() };
        Ok((files, oldest))
    }

    /// Appends what `fill` puts into the buffer (whole lines) in one write. If that fails, nothing has been appended.
    pub(super) fn append(
        &self,
        fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut current = self.current();
        let current = &mut *current;
        if current.torn {
            self.follow(current)?;
        }
        current.buffer.clear();
        current.buffer.shrink_to(BUFFER);
        fill(&mut current.buffer)?;
        if let Err(error) = current.file.write_all(&current.buffer) {
            current.torn = current.file.set_len(current.length).is_err();
            return Err(error);
        }
        current.length += current.buffer.len() as u64;
        self.written.notify_one();
        Ok(())
    }

    /// Begins a new file if the current one is full.
    pub(super) fn rotate(&self) -> io::Result<()> {
        let mut current = self.current();
        if current.length < FULL { Ok(()) } else { self.follow(&mut current) }
    }

    fn follow(&self, current: &mut Current) -> io::Result<()> {
        let number = current.number + 1;
        current.file = create(&path(&self.dir, number))?;
        current.number = number;
        current.length = 0;
        current.torn = false;
        Ok(())
    }

    /// Where the next line will be written.
    pub(super) fn end(&self) -> Position {
        let current = self.current();
        Position { file: current.number, bytes: current.length }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // What a panic left in the buffer is cleared before the next line.
        self.current.lock()
    }

    /// The lines from a place on, at least one unless there is none. A line without its end is dropped: it was torn
    /// off. Blocks.
    pub(super) fn read(&self, from: Position) -> io::Result<Chunk> {
        let path = path(&self.dir, from.file);
        let mut file = File::open(&path)?;
        let end = self.end();
        // Of the file that is written, only what is known to be whole.
        let length = match from.file == end.file {
            true => end.bytes,
            false => file.metadata()?.len(),
        };
        file.seek(SeekFrom::Start(from.bytes))?;
        let left = length.saturating_sub(from.bytes);
        let mut bytes = Vec::new();
        let mut read = 0;
        let whole = loop {
            let more = left.saturating_sub(read).min(CHUNK);
            if more == 0 {
                break None;
            }
            let got = (&mut file).take(more).read_to_end(&mut bytes)? as u64;
            if got == 0 {
                break None;
            }
            read += got;
            if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
                break Some(last + 1);
            }
        };
        let Some(whole) = whole else {
            if !bytes.is_empty() {
                tracing::warn!(
                    file = %path.display(),
                    bytes = bytes.len(),
                    "dropped a torn last line of the journal"
                );
            }
            return Ok(Chunk { lines: Vec::new(), next: from.bytes + read });
        };
        let lines = bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.filter_map(|line| parse(&path, line)).collect();
        Ok(Chunk { lines, next: from.bytes + whole as u64 })
    }

    /// Deletes a file that has been imported, and says which is next.
    pub(super) fn delete(&self, file: u64) -> io::Result<u64> {
        fs::remove_file(path(&self.dir, file))?;
        let next = numbers(&self.dir)?.into_iter().filter(|number| *number > file).min();
        Ok(next.unwrap_or_else(|| self.end().file))
    }
}

/// A whole line that is not ours cannot have come from us: it is reported and passed over.
fn parse(path: &Path, line: &[u8]) -> Option<Line> {
    match serde_json::from_slice(line) {
        Ok(line) => Some(line),
        Err(error) => {
            // Where, not what: the error could quote the line.
            tracing::error!(
                file = %path.display(),
                column = error.column(),
                "passed over a line of the journal that makes no sense"
            );
            None
        }
    }
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.jsonl"))
}

fn create(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().append(true).create_new(true)).open(path)
}

fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(numbers)
}
