//! Checks for what killed processes left: interrupted changes of clients' files, temporary files, damaged originals.

use std::path::PathBuf;

use agentport_clients::{
    atomic_write,
    backups::{Backups, BackupsError},
    client::{Client, Machine},
};
use agentport_gateway::data_dir::DataDir;

use super::finding::DoctorReport;

const ABOUT: &str = "kept originals";

pub(super) async fn check(home: Option<&DataDir>, fix: bool, report: &mut DoctorReport) {
    half_written(fix, report);
    let Some(home) = home else { return };
    if let Err(error) = journal(&home.root().join("clients"), fix, report).await {
        let says = format!("The kept originals cannot be used: {:#}.", anyhow::Error::from(error));
        report.fail(
            ABOUT,
            says,
            "until then no client's file is changed; `agentport backups verify` says more",
        );
    }
}

async fn journal(
    root: &std::path::Path,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), BackupsError> {
    let Some(backups) = Backups::look(root).await? else { return Ok(()) };
    let undecided = backups.undecided().await?;
    if !undecided.is_empty() {
        let files = listed(&undecided);
        if fix {
            // Opening completes or reverts the interrupted change.
            Backups::open(root).await?;
            report.mended(
                ABOUT,
                format!("A change was cut short, and settled by looking at {files}."),
            );
        } else {
            let says = format!(
                "A change of {files} was cut short. The file is as it was or as it was to be, whole."
            );
            report.warn(ABOUT, says, "agentport doctor --fix; the next change settles it too");
        }
    }
    let kept = backups.verify(None).await?;
    let damaged = kept.iter().filter(|one| one.intact == Some(false)).count();
    match (damaged, kept.len()) {
        (0, 0) => {}
        (0, all) => report.ok(ABOUT, format!("All {all} are what they were.")),
        (damaged, all) => report.fail(
            ABOUT,
            format!("{damaged} of {all} are damaged or gone."),
            "`agentport backups verify` says which; those cannot be restored",
        ),
    }
    backups.close().await;
    Ok(())
}

/// Checks the folder of every file that a client could have.
fn half_written(fix: bool, report: &mut DoctorReport) {
    let Some(machine) = Machine::this() else { return };
    let places = Client::all().iter().flat_map(|client| client.places(&machine, None));
    for place in places {
        let left = atomic_write::left_over(&place.path).unwrap_or_default();
        if left.is_empty() {
            continue;
        }
        let files = listed(&left);
        match fix && atomic_write::sweep(&place.path).is_ok_and(|swept| swept == left.len()) {
            true => report.mended(
                &place.client.id,
                format!("What was left half-written was removed: {files}."),
            ),
            false => report.warn(
                &place.client.id,
                format!("A process that was killed left {files}."),
                "agentport doctor --fix",
            ),
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
