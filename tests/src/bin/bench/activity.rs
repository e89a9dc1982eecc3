//! A filtered page of a long activity, as the window asks for it.

use std::{path::Path, time::Instant};

use agentport_tests::{ExternalProgram, Gateway};
use serde_json::json;

use crate::{
    samples::median,
    table::{Budget, Table},
};

const ROWS: usize = 1_000_000;
/// Reads of one page; their median counts.
const READS: usize = 15;

/// Copies the one row there is, with ids, times, tools and outcomes of their own: one in a hundred was blocked.
const FILL: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
names = [row[1] for row in db.execute('PRAGMA table_info(activity)') if row[1] != 'seq']
own = {
    'id': 'randomblob(16)',
    'at': 'at - number * 1000',
    'tool': \"'tool-' || (number % 97)\",
    'outcome': \"CASE WHEN number % 100 = 0 THEN 'blocked' ELSE 'ok' END\",
}
values = ', '.join(own.get(name, name) for name in names)
db.execute(f'''
    WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
    INSERT INTO activity ({', '.join(names)})
    SELECT {values} FROM numbers, (SELECT * FROM activity LIMIT 1)''', [int(sys.argv[2])])
db.commit()
";

pub(crate) async fn measure(table: &mut Table) {
    let gateway = Gateway::start().await;
    let owner = gateway.owner().await;
    owner.add_fixture("local", &["--plain"]).await;
    owner.allow_all("local").await;
    let key = owner.create_key("bench").await;
    gateway.wire(&key).call_tool("local", "echo", json!({"text": "hello"})).await.ran();
    let setup = gateway.stop().await;
    let database = setup.place.home().join("agentport.sqlite");
    let count = ROWS.to_string();
    ExternalProgram::new(Path::new("python3"))
        .args(["-c", FILL])
        .args([&database])
        .args([count])
        .run()
        .await
        .ok();

    let gateway = setup.start().await;
    let owner = gateway.owner().await;
    for (name, query) in [
        ("newest", "limit=100"),
        ("of an outcome", "outcome=blocked&limit=100"),
        ("of a tool", "tool=tool-13&limit=100"),
        ("of a tool and an outcome that never met", "tool=tool-13&outcome=denied&limit=100"),
    ] {
        let mut reads = Vec::new();
        for _ in 0..READS {
            let begun = Instant::now();
            owner.activity(query).await;
            reads.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        table.add(
            format!("activity of 1,000,000 rows, page {name}: p50"),
            median(reads),
            "ms",
            Budget::AtMost(30.0),
        );
    }
    gateway.stop().await;
}
