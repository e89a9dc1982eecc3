//! What the tests of keeping, restoring and carrying out need: a home, one file of a client's, plans made by hand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use agentport_core::Timestamp;
use tempfile::TempDir;

use super::{Backups, restore::empty};
use crate::{
    apply::apply,
    client::{Client, FileFormat, Place},
    plan::{FileChange, Plan},
    types::{FileScope, PlanAction},
};

pub(crate) struct Scene {
    dir: TempDir,
    pub(crate) backups: Backups,
    pub(crate) place: Place,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let backups = Backups::open(&dir.path().join("home/clients")).await.unwrap();
        let place = Place {
            client: Client::by_id("cursor").unwrap(),
            scope: FileScope::User,
            path: dir.path().join("mcp.json"),
            target: crate::atomic_write::target(&dir.path().join("mcp.json")).unwrap(),
            format: FileFormat::Json,
            container: vec!["mcpServers".to_owned()],
        };
        Self { dir, backups, place }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.place.path.clone()
    }

    pub(crate) fn put(&self, text: Option<&str>) {
        match text {
            Some(text) => fs::write(self.file(), text).unwrap(),
            None => fs::remove_file(self.file()).unwrap(),
        }
    }

    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        crate::atomic_write::read(&self.file()).unwrap()
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// From what is there to `after`.
    pub(crate) fn plan(&self, what: PlanAction, after: &str) -> Plan {
        self.plan_of(what, Some(after.as_bytes()))
    }

    /// The same; `None` takes the file away.
    pub(crate) fn plan_of(&self, what: PlanAction, after: Option<&[u8]>) -> Plan {
        let mut plan = empty(&self.place, self.bytes().as_deref());
        plan.what = what;
        plan.files[0].after = after.map(<[u8]>::to_vec);
        plan
    }

    pub(crate) async fn carry_out(&self, plan: &Plan) {
        apply(plan, None, &self.backups, Timestamp(1), &mut |_| {}).await.unwrap();
    }

    /// Changes the file as ourselves.
    pub(crate) async fn touch(&self, what: PlanAction, after: &str) {
        self.carry_out(&self.plan(what, after)).await;
    }

    /// The plan of a restore as things are.
    pub(crate) async fn restoring(&self) -> Plan {
        self.backups.restore(&self.place, self.bytes().as_deref(), None).await.unwrap()
    }
}

pub(crate) fn change(path: &Path, before: Option<&str>, after: Option<&str>) -> FileChange {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    FileChange {
        path: path.to_owned(),
        target: crate::atomic_write::target(path).unwrap(),
        before: bytes(before),
        after: bytes(after),
        mode: None,
    }
}
