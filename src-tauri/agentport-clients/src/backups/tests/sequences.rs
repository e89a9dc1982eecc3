//! Whatever is done to a file, by us and by hand, in any order: nobody's server is lost.

use std::collections::BTreeSet;

use agentport_core::Secret;
use proptest::{prelude::*, sample::select};

use super::*;
use crate::{
    apply::apply,
    document::Document,
    entry::{self, EntryTarget},
    plan::{self, ConsolidateWishes, KnownGateway, Plan},
};

#[derive(Debug, Clone, Copy)]
enum Step {
    Connect,
    /// With a new key.
    Reconnect,
    Consolidate,
    Disconnect,
    Restore,
    /// By hand: a server, as the first or as the last.
    Add {
        first: bool,
    },
    /// By hand: the last server that is not ours.
    TakeOut,
    /// By hand: our entry.
    TakeOutOurs,
    RemoveFile,
    Prune,
}

const FILES: [Option<&str>; 4] = [
    None,
    Some("{}"),
    Some("{\n  \"mcpServers\": {}\n}\n"),
    Some(
        "{\n  // mine\n  \"theme\": 1,\n  \"mcpServers\": {\n    \"base\": { \"command\": \"base\" } // local\n  }\n}\n",
    ),
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => select(vec![Step::Connect, Step::Consolidate, Step::Disconnect, Step::Restore]),
        2 => any::<bool>().prop_map(|first| Step::Add { first }),
        2 => select(vec![Step::Consolidate, Step::RemoveFile]),
        1 => select(vec![Step::Reconnect, Step::TakeOut, Step::TakeOutOurs, Step::Prune]),
    ];
    proptest::collection::vec(step, 3..14)
}

/// A file and everything of the person's that must be had back.
struct Run {
    scene: Scene,
    /// Servers that were put in and not taken out by hand.
    owned: BTreeSet<String>,
    count: u32,
}

impl Run {
    async fn new(file: Option<&str>) -> Self {
        let scene = Scene::new().await;
        if file.is_some() {
            scene.put(file);
        }
        let mut run = Self { scene, owned: BTreeSet::new(), count: 0 };
        run.owned = run.foreign();
        run
    }

    fn document(&self) -> Document {
        Document::parse(&self.scene.place, self.scene.bytes().as_deref()).unwrap()
    }

    /// The servers in the file that are not ours, each with what it starts.
    fn servers(&self) -> Vec<(String, serde_json::Value)> {
        let mut servers = self.document().servers().unwrap();
        servers.retain(|(name, _)| name != entry::ENTRY_NAME);
        servers
    }

    fn foreign(&self) -> BTreeSet<String> {
        let servers = self.servers();
        for (name, entry) in &servers {
            assert_eq!(entry["command"].as_str(), Some(name.as_str()), "another's definition");
        }
        let names: BTreeSet<String> = servers.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names.len(), servers.len(), "one of them stands there twice");
        names
    }

    async fn step(&mut self, step: Step) {
        let before = self.scene.bytes();
        let before = before.as_deref();
        let place = self.scene.place.clone();
        match step {
            Step::Connect => {
                let plan = plan::connect(&place, before, None, &target()).unwrap();
                self.carry_out(plan).await;
            }
            Step::Reconnect => {
                let plan = plan::reconnect(&place, before, None, &target()).unwrap();
                self.carry_out(plan).await;
            }
            Step::Consolidate => {
                let (known, wishes) = (KnownGateway::default(), ConsolidateWishes::default());
                let plan = plan::consolidate(&place, before, &target(), &known, &wishes).unwrap();
                self.carry_out(plan).await;
                assert!(self.foreign().is_empty(), "all are taken over");
            }
            Step::Disconnect => {
                let mut plan = plan::disconnect(&place, before).unwrap();
                let original = self.scene.backups.before_connect(&place, before).await.unwrap();
                if let (false, Some(original)) = (plan.is_empty(), original) {
                    plan = Plan::put_back(&place, before, original);
                }
                self.carry_out(plan).await;
            }
            Step::Restore => self.restore().await,
            Step::Add { first } => self.add(first),
            Step::TakeOut => {
                if let Some((name, _)) = self.servers().pop() {
                    self.take_out(&name);
                    self.owned.remove(&name);
                }
            }
            Step::TakeOutOurs => self.take_out(entry::ENTRY_NAME),
            Step::RemoveFile => {
                if before.is_some() {
                    let gone = self.foreign();
                    self.owned.retain(|name| !gone.contains(name));
                    self.scene.put(None);
                }
            }
            Step::Prune => drop(self.scene.backups.prune(Timestamp(9)).await.unwrap()),
        }
    }

    async fn carry_out(&mut self, plan: Plan) {
        self.count += 1;
        // Another key each time.
        let key = Secret::new(format!("ap_fake{:028}", self.count));
        let backups = &self.scene.backups;
        apply(&plan, Some(&key), backups, Timestamp(1), &mut |_| {}).await.unwrap();
    }

    async fn restore(&mut self) {
        let can_restore = can_restore(&self.scene).await;
        let now = self.scene.bytes();
        let plan = self.scene.backups.restore(&self.scene.place, now.as_deref(), None).await;
        match plan {
            Ok(plan) => {
                assert!(can_restore || plan.is_empty());
                assert!(plan.conflicts.is_empty(), "{}", conflict(&plan));
                self.carry_out(plan).await;
                assert!(
                    !self
                        .document()
                        .servers()
                        .unwrap()
                        .iter()
                        .any(|(name, _)| name == entry::ENTRY_NAME)
                );
            }
            Err(BackupsError::Nothing { .. }) => assert!(!can_restore),
            Err(other) => panic!("{other}"),
        }
        let there = self.foreign();
        let lost: Vec<_> = self.owned.difference(&there).collect();
        assert!(lost.is_empty(), "lost {lost:?}");
        // What was in a file that was removed may be back.
        self.owned = there;
    }

    fn add(&mut self, first: bool) {
        self.count += 1;
        let name = format!("s{}", self.count);
        let entry = serde_json::json!({ "command": name });
        let start = "\"mcpServers\": {";
        let text = self.scene.text().unwrap_or_default();
        if first && text.contains(start) {
            let comma = if self.document().servers().unwrap().is_empty() { "" } else { "," };
            let with = format!("{start}\n    \"{name}\": {entry}{comma}");
            self.scene.put(Some(&text.replacen(start, &with, 1)));
        } else {
            let mut document = self.document();
            document.set(&name, &entry).unwrap();
            std::fs::write(self.scene.file(), document.bytes()).unwrap();
        }
        self.owned.insert(name);
    }

    fn take_out(&self, name: &str) {
        let mut document = self.document();
        if document.remove(name).unwrap() {
            std::fs::write(self.scene.file(), document.bytes()).unwrap();
        }
    }
}

fn target() -> EntryTarget {
    EntryTarget {
        mcp_url: "http://127.0.0.1:4747/mcp".to_owned(),
        program: "/opt/agentport".into(),
        home: None,
        key_name: "cursor".to_owned(),
        variable: "AGENTPORT_KEY".to_owned(),
    }
}

async fn run(file: Option<&str>, steps: &[Step]) {
    let mut run = Run::new(file).await;
    for step in steps.iter().chain([&Step::Restore]) {
        run.step(*step).await;
    }
}

/// What was put in between connecting and taking over is not in the file from before, and nowhere else.
#[tokio::test]
async fn moved_servers_return_even_if_the_file_equals_its_original() {
    use Step::{Add, Connect, Consolidate, Disconnect, RemoveFile};
    let add = Add { first: true };
    for file in FILES {
        for steps in [
            &[Connect, add, Consolidate, Disconnect][..],
            &[Connect, add, Consolidate, Disconnect, Connect],
            &[Connect, add, Consolidate, RemoveFile],
            &[Connect, add, Consolidate, RemoveFile, Connect],
            &[
                Connect,
                add,
                Consolidate,
                RemoveFile,
                Connect,
                Disconnect,
                Connect,
                add,
                Consolidate,
            ],
        ] {
            run(file, steps).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn no_server_is_lost_whatever_is_done(file in select(FILES.to_vec()), steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(file, &steps));
    }
}
