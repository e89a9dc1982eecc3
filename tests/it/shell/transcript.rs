//! Format of recorded shell sessions.
//!
//! ```text
//! # What stands here is for readers.
//! $ a line for the shell
//! > and its next line
//! | what it wrote to stdout
//! ! what it wrote to stderr
//! = 0
//! ```
//!
//! `% ` instead of `$ ` runs the line on a terminal, where `< ` is what somebody types, and `| ` what is on the screen.

use std::fmt;

/// How a command ended, and what it said before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: Option<i32>,
}

/// A command, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) line: String,
    pub(super) on_a_terminal: bool,
    pub(super) typed: Vec<String>,
    pub(super) said: Said,
}

enum Part {
    /// An empty line, or a remark.
    Remark(String),
    Block(Block),
}

pub(super) struct Transcript(Vec<Part>);

impl Transcript {
    /// Reads the commands. The answers in `text` are left out: the commands are run to have them.
    pub(super) fn read(text: &str) -> Self {
        let mut parts = Vec::new();
        for line in text.lines() {
            let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
            match (mark, parts.last_mut()) {
                ("$ " | "% ", _) => parts.push(Part::Block(Block {
                    line: rest.to_owned(),
                    on_a_terminal: mark == "% ",
                    ..Block::default()
                })),
                ("> ", Some(Part::Block(block))) => {
                    block.line.push('\n');
                    block.line.push_str(rest);
                }
                ("< ", Some(Part::Block(block))) => block.typed.push(rest.to_owned()),
                ("| " | "|" | "! " | "!" | "= ", Some(Part::Block(_))) => {}
                _ => {
                    assert!(line.is_empty() || line.starts_with('#'), "what is {line:?}?");
                    parts.push(Part::Remark(line.to_owned()));
                }
            }
        }
        Self(parts)
    }

    pub(super) fn blocks(&mut self) -> impl Iterator<Item = &mut Block> {
        self.0.iter_mut().filter_map(|part| match part {
            Part::Block(block) => Some(block),
            Part::Remark(_) => None,
        })
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Remark(line) => writeln!(f, "{line}")?,
                Part::Block(block) => block.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.on_a_terminal { "%" } else { "$" };
        let mut mark = first;
        for line in self.line.lines() {
            writeln!(f, "{mark} {line}")?;
            mark = ">";
        }
        let said = [
            ("<", self.typed.join("\n")),
            ("|", self.said.stdout.clone()),
            ("!", self.said.stderr.clone()),
        ];
        for (mark, text) in said {
            for line in text.lines() {
                writeln!(f, "{}", format!("{mark} {line}").trim_end())?;
            }
        }
        match self.said.code {
            Some(code) => writeln!(f, "= {code}"),
            None => writeln!(f, "= killed"),
        }
    }
}

#[test]
fn a_session_is_written_as_it_was_read() {
    let text = "# Remark\n$ cat <<E\n> a\n> E\n| a\n|\n| b\n! e\n= 0\n\n% read\n< yes\n= 1\n";
    let mut read = Transcript::read(text);
    let said = [
        Said { stdout: "a\n\nb\n".to_owned(), stderr: "e\n".to_owned(), code: Some(0) },
        Said { code: Some(1), ..Said::default() },
    ];
    for (block, said) in read.blocks().zip(said) {
        block.said = said;
    }
    assert_eq!(read.to_string(), text);
    assert_eq!(read.blocks().next().unwrap().line, "cat <<E\na\nE");
}
