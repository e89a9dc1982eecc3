//! The command line as an agent's shell sees it: what it prints, where, and how it ends; with and without a terminal.
//!
//! Each file of `tests/fixtures/shell` is a session: the lines in it are run in their order by `sh`, as an agent would run
//! them, and what they print has to be what stands below them. With `AGENTPORT_UPDATE_SNAPSHOTS=1` the answers are
//! written anew, to be read: would an agent, or a person, know what to do next?
//!
//! What the sessions have: the program on the `PATH`, an agent's key in `$KEY`, the file with the owner's password in
//! `$OWNER`, and a folder of their own to be in.

mod masked;
mod terminal;
mod transcript;

use std::{path::Path, process::Command};

use agentport_tests::{SOON, gateway::Setup, process::Process, programs, within};

use self::{
    masked::Masks,
    terminal::on_a_terminal,
    transcript::{Block, Said, Transcript},
};
use crate::scene::Scene;

/// Runs the lines of one session.
struct Shell<'a> {
    setup: &'a Setup,
    key: &'a str,
    masks: Masks,
}

impl Shell<'_> {
    async fn answer(&self, block: &Block) -> Said {
        let files = self.setup.place.files();
        let errors = files.join(format!(".errors-{}", uuid::Uuid::new_v4()));
        let mut sh = Command::new("sh");
        sh.args(["-c", &block.line]);
        let command = if block.on_a_terminal { on_a_terminal(&sh, &block.typed) } else { sh };
        let mut process = Process::start(self.environment(command), &errors);
        process.close_stdin();
        let stdout = within(SOON * 3, &block.line, process.rest()).await;
        let status = process.ended(SOON).await.expect("it ends");
        let stderr = std::fs::read_to_string(&errors).expect("what it said on stderr");
        std::fs::remove_file(errors).expect("a file to remove");
        Said {
            stdout: self.masks.mask(&stdout),
            stderr: self.masks.mask(&stderr),
            code: status.code(),
        }
    }

    /// What a user's shell has, and nothing else of this machine.
    fn environment(&self, mut command: Command) -> Command {
        let place = &self.setup.place;
        let own = programs::agentport().parent().expect("a program lies in a directory");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(own.to_owned()).chain(std::env::split_paths(&path));
        let from = self.setup.command(&[]);
        command.env_clear().current_dir(place.files());
        command.envs(from.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", std::env::join_paths(path).expect("directories"));
        command.env("AGENTPORT_HOME", place.home());
        command.env("TERM", "xterm").env("OWNER", place.password_file()).env("KEY", self.key);
        command
    }
}

/// Runs the session `name` and compares.
async fn holds(name: &str, setup: &Setup, key: &str, numbers: &[(u32, &'static str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/shell/{name}.txt"));
    let text = std::fs::read_to_string(&path).expect("the session");
    let mut transcript = Transcript::read(&text);
    let shell = Shell { setup, key, masks: Masks::new(&setup.place, numbers) };
    for block in transcript.blocks() {
        let said = shell.answer(block).await;
        block.said = said;
    }
    let got = transcript.to_string();
    if got == text {
        return;
    }
    if std::env::var_os("AGENTPORT_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, got).expect("the session is written");
        return;
    }
    let at = text.lines().zip(got.lines()).take_while(|(want, got)| want == got).count();
    panic!(
        "{}, line {}; AGENTPORT_UPDATE_SNAPSHOTS=1 writes it anew\nwanted:\n{text}\ngot:\n{got}",
        path.display(),
        at + 1
    );
}

async fn beside_a_gateway(name: &str) {
    let scene = Scene::empty().await;
    let numbers = [(u32::from(scene.gateway.port()), "PORT"), (scene.gateway.pid(), "PID")];
    holds(name, &scene.gateway.setup, &scene.key.key, &numbers).await;
    scene.stop().await;
}

#[tokio::test]
async fn an_agent_works_through_it() {
    beside_a_gateway("agent").await;
}

#[tokio::test]
async fn the_owner_decides_with_it() {
    beside_a_gateway("owner").await;
}

#[tokio::test]
async fn agents_cannot_use_the_owners_commands() {
    beside_a_gateway("not-the-owner").await;
}

#[tokio::test]
async fn on_a_terminal_it_asks_and_marks() {
    beside_a_gateway("terminal").await;
}

#[tokio::test]
async fn without_a_gateway_it_says_so() {
    let fake = format!("ap_{}", "0".repeat(32));
    holds("no-gateway", &Setup::default(), &fake, &[]).await;
}

#[tokio::test]
async fn wrong_words_are_errors() {
    holds("usage", &Setup::default(), "", &[]).await;
}
