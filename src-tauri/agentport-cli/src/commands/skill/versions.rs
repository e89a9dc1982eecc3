//! The skill's files. Each ends with a line that holds a digest of its content, by which a file of any earlier version is
//! recognised as written by AgentPort and unchanged, without a record elsewhere.

use sha2::{Digest as _, Sha256};

pub(super) static TEXTS: [&SkillFile; 2] = [
    &SkillFile { path: &["SKILL.md"], content: include_str!("../../../skill/SKILL.md") },
    &SkillFile {
        path: &["references", "command-line.md"],
        content: include_str!("../../../skill/references/command-line.md"),
    },
];

const SEAL: &str = "<!-- written by agentport ";
const SEAL_END: &str = " -->\n";

/// A file of the skill.
#[derive(Debug)]
pub(super) struct SkillFile {
    /// Within the skill's folder.
    pub(super) path: &'static [&'static str],
    pub(super) content: &'static str,
}

/// The file that exists in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InstalledFile {
    Nothing,
    /// As this version writes it.
    Current,
    /// As another version of AgentPort wrote it.
    Older,
    /// Changed, or not from AgentPort.
    Foreign,
}

impl SkillFile {
    pub(super) fn sealed(&self) -> String {
        // A checkout on Windows may have converted the line breaks.
        let content = self.content.replace("\r\n", "\n");
        format!("{content}\n{SEAL}{}{SEAL_END}", seal(&content))
    }

    pub(super) fn found(&self, there: Option<&[u8]>) -> InstalledFile {
        let Some(there) = there else { return InstalledFile::Nothing };
        if there == self.sealed().as_bytes() {
            return InstalledFile::Current;
        }
        let ours = std::str::from_utf8(there).is_ok_and(is_ours);
        if ours { InstalledFile::Older } else { InstalledFile::Foreign }
    }
}

fn is_ours(text: &str) -> bool {
    let sealed = text.strip_suffix(SEAL_END).and_then(|text| text.rsplit_once(SEAL));
    sealed
        .and_then(|(content, there)| Some((content.strip_suffix('\n')?, there)))
        .is_some_and(|(content, there)| seal(content) == there)
}

/// The first 16 hexadecimal digits of the SHA-256: it detects edits, not forgeries.
fn seal(content: &str) -> String {
    Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
