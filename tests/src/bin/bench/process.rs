//! The gateway as a process: how soon it listens, what it holds, what a command costs.

use std::time::{Duration, Instant};

use agentport_tests::{Gateway, programs};
use nix::unistd::{SysconfVar, sysconf};
use serde_json::json;

use crate::{
    samples::median,
    table::{Budget, Table},
};

const STARTS: usize = 7;
const COMMANDS: usize = 15;
/// Until whatever the start left behind has been given back.
const SETTLE: Duration = Duration::from_secs(3);

/// Processor time a process has used so far.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    let (_, fields) = stat.rsplit_once(") ").expect("a line of stat");
    let fields: Vec<_> = fields.split(' ').collect();
    // proc(5): utime and stime are fields 14 and 15; the state, field 3, is the first here.
    let ticks: u64 =
        [fields[11], fields[12]].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}

/// Memory that is the process's alone plus its share of what it shares, in MiB.
pub(crate) fn pss(pid: u32) -> f64 {
    let rollup =
        std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("the process is there");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("a figure");
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number");
    kib / 1024.0
}

pub(crate) async fn measure(table: &mut Table) {
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    for number in 0..10 {
        owner.add_fixture(&format!("local-{number}"), &["--plain"]).await;
    }
    owner.allow_all("local-0").await;
    let key = owner.create_key("bench").await;
    let mut setup = gateway.stop().await;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let gateway = setup.start().await;
        starts.push(begun.elapsed().as_secs_f64() * 1e3);
        setup = gateway.stop().await;
    }
    table.add("start to listening, 10 integrations", median(starts), "ms", Budget::AtMost(15.0));

    let gateway = setup.start().await;
    tokio::time::sleep(SETTLE).await;
    table.add(
        "idle, 10 integrations not running: PSS",
        pss(gateway.pid()),
        "MiB",
        Budget::AtMost(20.0),
    );

    let wire = gateway.wire(&key);
    let call = || wire.call_tool("local-0", "echo", json!({"text": "hello"}));
    call().await.ran();
    let mut over_http = Vec::new();
    for _ in 0..COMMANDS {
        let begun = Instant::now();
        call().await.ran();
        over_http.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let run = |words: &[&str]| {
        let mut commands = Vec::new();
        for _ in 0..COMMANDS {
            let mut command = gateway.setup.command(words);
            command
                .env("AGENTPORT_HOME", gateway.place().home())
                .env("AGENTPORT_API_KEY", &key.key);
            let begun = Instant::now();
            let output = command.output().expect("the command runs");
            commands.push(begun.elapsed().as_secs_f64() * 1e3);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        median(commands)
    };
    let called = run(&[
        "tools",
        "call",
        "--integration",
        "local-0",
        "--tool",
        "echo",
        "--args",
        r#"{"text":"hello"}"#,
    ]);
    let beyond = called - median(over_http);
    table.add("agentport tools call, beyond the call itself", beyond, "ms", Budget::AtMost(5.0));
    // The list takes the gateway no time to speak of, so all of it is the command's.
    table.add("agentport tools list", run(&["tools", "list"]), "ms", Budget::AtMost(5.0));
    gateway.stop().await;
    let size = std::fs::metadata(programs::agentport()).expect("the program").len();
    table.add("size of the program", size as f64 / 1e6, "MB", Budget::AtMost(25.0));
}
