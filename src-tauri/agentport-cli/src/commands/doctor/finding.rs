//! Findings of the checks, and their text form.

use serde::Serialize;

use crate::output::{self, TextStyle};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FindingState {
    Ok,
    /// Worth knowing.
    Info,
    /// It works, and could be better or safer.
    Warn,
    /// Something does not work, or is open to other accounts.
    Fail,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What was checked: `gateway`, `keychain`, a client's id …
    about: String,
    state: FindingState,
    /// A sentence.
    says: String,
    /// The next step: a command or a click.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
    /// `--fix` has repaired it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mended: bool,
}

/// All findings, in the order of the checks.
#[derive(Debug, Default, Serialize)]
pub(super) struct DoctorReport {
    findings: Vec<Finding>,
}

impl DoctorReport {
    pub(super) fn ok(&mut self, about: &str, says: impl Into<String>) {
        self.push(about, FindingState::Ok, says, None);
    }

    pub(super) fn info(&mut self, about: &str, says: impl Into<String>, mend: Option<&str>) {
        self.push(about, FindingState::Info, says, mend);
    }

    pub(super) fn warn(&mut self, about: &str, says: impl Into<String>, mend: impl AsRef<str>) {
        self.push(about, FindingState::Warn, says, Some(mend.as_ref()));
    }

    pub(super) fn fail(&mut self, about: &str, says: impl Into<String>, mend: impl AsRef<str>) {
        self.push(about, FindingState::Fail, says, Some(mend.as_ref()));
    }

    /// A fault that `--fix` has repaired.
    pub(super) fn mended(&mut self, about: &str, says: impl Into<String>) {
        self.push(about, FindingState::Ok, says, None);
        if let Some(last) = self.findings.last_mut() {
            last.mended = true;
        }
    }

    fn push(
        &mut self,
        about: &str,
        state: FindingState,
        says: impl Into<String>,
        mend: Option<&str>,
    ) {
        let mend = mend.map(output::one_line);
        let says = output::one_line(&says.into());
        self.findings.push(Finding { about: about.to_owned(), state, says, mend, mended: false });
    }

    pub(super) fn has_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.state == FindingState::Fail)
    }

    /// One line for each finding, and one more for its next step.
    pub(super) fn text(&self) -> String {
        let width = self.findings.iter().map(|one| one.about.chars().count()).max().unwrap_or(0);
        let mut lines = Vec::new();
        for Finding { about, state, says, mend, mended } in &self.findings {
            let (word, style) = match state {
                FindingState::Ok if *mended => ("mended", TextStyle::Green),
                FindingState::Ok => ("ok", TextStyle::Green),
                FindingState::Info => ("info", TextStyle::Dim),
                FindingState::Warn => ("warn", TextStyle::Yellow),
                FindingState::Fail => ("fail", TextStyle::Red),
            };
            let word = output::marked(&format!("{word:6}"), style);
            lines.push(format!("{word}  {about:width$}  {says}"));
            if let Some(mend) = mend {
                lines.push(format!("{:8}{:width$}  → {mend}", "", ""));
            }
        }
        lines.join("\n")
    }
}

/// A path as it is typed into a POSIX shell.
pub(super) fn typed(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_and_says_what_to_do() {
        let mut report = DoctorReport::default();
        report.ok("gateway", "It\nanswers.");
        assert!(!report.has_failed());
        report.fail("x", "It does not.", "do this");
        report.mended("x", "It was open.");
        assert_eq!(
            report.text(),
            "ok      gateway  It answers.\n\
             fail    x        It does not.\n                 → do this\n\
             mended  x        It was open."
        );
        assert!(report.has_failed());
    }

    #[test]
    fn paths_can_be_pasted() {
        for (path, want) in
            [("/a/b.json", "/a/b.json"), ("/a b/it's", r"'/a b/it'\''s'"), ("/$a", "'/$a'")]
        {
            assert_eq!(typed(path.as_ref()), want);
        }
    }
}
