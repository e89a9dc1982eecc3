//! Checks that `agentport` and `ap` on PATH are this installation's: skills and scripts call them by name.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::finding::DoctorReport;

pub(super) fn check(report: &mut DoctorReport) {
    let Some(own) = env::current_exe().ok().and_then(|path| path.canonicalize().ok()) else {
        return;
    };
    let directories: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    for name in ["agentport", "ap"] {
        one(name, &own, &directories, report);
    }
}

fn one(name: &str, own: &Path, directories: &[PathBuf], report: &mut DoctorReport) {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let found = directories.iter().map(|dir| dir.join(&file)).find(|path| is_program(path));
    let beside = own.with_file_name(&file);
    let Some(found) = found else {
        let mend = match (beside.is_file(), own.parent()) {
            (true, Some(dir)) => format!("add {} to PATH", dir.display()),
            _ => "install AgentPort's command line".to_owned(),
        };
        return report.warn(
            name,
            format!("There is no `{name}` on PATH; skills and scripts call it."),
            mend,
        );
    };
    // This program under another name, or the one installed in the same folder.
    let is_ours = found
        .canonicalize()
        .is_ok_and(|path| path == own || beside.canonicalize().is_ok_and(|beside| path == beside));
    match is_ours {
        true => report.ok(name, format!("`{name}` is {}.", found.display())),
        false => report.warn(
            name,
            format!("`{name}` on PATH is {}, and this is {}.", found.display(), own.display()),
            "update or remove the other one, or change the order of PATH",
        ),
    }
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    path.is_file()
}
