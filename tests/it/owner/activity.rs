//! Chart and export of activity.

use futures::StreamExt as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::window::Window;

const CALLS: usize = 2_500;

/// Every row there is, by the page.
async fn listed(window: &Window, filters: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut before = String::new();
    loop {
        let page = window.read(&format!("/control/activity?limit=1000{filters}{before}")).await;
        rows.extend(page["items"].as_array().expect("rows").iter().cloned());
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return rows,
        }
    }
}

/// RFC 4180, read back.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => record.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(chars.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            (other, _) => cell.push(other),
        }
    }
    assert!(cell.is_empty() && record.is_empty() && !quoted, "it ends with a line break");
    records
}

#[tokio::test]
async fn an_export_is_complete_ordered_and_no_formula() {
    let window = Window::open().await;
    let plain = window.key("plain").await;
    let evil = window.key("=HYPERLINK(\"http://x\",\"y\")").await;
    let agents = [window.agent(&plain), window.agent(&evil)];
    futures::stream::iter(0..CALLS)
        .for_each_concurrent(16, |number| {
            let agent = &agents[number % 2];
            async move {
                let tool = if number % 5 == 0 { "delete_note" } else { "list_notes" };
                let arguments = if number % 5 == 0 { json!({ "id": 1 }) } else { json!({}) };
                agent.call_tool("demo", tool, arguments).await;
            }
        })
        .await;
    agents[0].call_tool("demo", "add_note", json!({ "text": "a, \"b\"\r\n=1+1" })).await.request();
    let rows = listed(&window, "").await;
    assert_eq!(rows.len(), CALLS + 1);

    let export = window.send(Method::GET, "/control/activity/export?format=jsonl", None).await;
    assert_eq!(export.header("content-type"), Some("application/jsonl"));
    let name = export.header("content-disposition").expect("a name");
    assert!(name.starts_with("attachment; filename=\"agentport-activity-"), "{name}");
    let exported: Vec<Value> =
        export.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(exported, rows, "every row, in the order of the list");

    let export = window.send(Method::GET, "/control/activity/export?format=csv", None).await;
    assert_eq!(export.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let records = parsed(&export.text);
    let (head, records) = records.split_first().expect("headings");
    assert_eq!(records.len(), rows.len());
    let column = |name: &str| head.iter().position(|head| head == name).expect("a column");
    for (record, row) in records.iter().zip(&rows) {
        assert_eq!(record.len(), head.len());
        assert_eq!(record[column("id")], row["id"].as_str().expect("an id"));
        let agent = row["agent_name"].as_str().expect("a name");
        let shown = if agent.starts_with('=') { format!("'{agent}") } else { agent.to_owned() };
        assert_eq!(record[column("agent_name")], shown);
        let arguments: Value = serde_json::from_str(&record[column("arguments")]).expect("JSON");
        assert_eq!(arguments, row["arguments"]);
        for cell in record {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
        }
    }

    // The filters of the list, and no others.
    for filters in
        ["&outcome=blocked", &format!("&agent={}", plain.id), "&q=delete&tool=delete_note"]
    {
        let rows = listed(&window, filters).await;
        assert!(!rows.is_empty() && rows.len() <= CALLS, "{filters}");
        let path = format!("/control/activity/export?format=jsonl{filters}");
        let export = window.send(Method::GET, &path, None).await.text;
        let exported: Vec<Value> =
            export.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(exported, rows, "{filters}");
    }
    for bad in
        ["format=xls", "limit=5", "before=1.2", "buckets=3", "outcome=splendid", "colour=red"]
    {
        let path = format!("/control/activity/export?{bad}");
        let refused = window.send(Method::GET, &path, None).await;
        assert!(refused.status.is_client_error(), "{bad}: {}", refused.text);
    }

    chart_and_list_agree(&window, &rows).await;
    window.close().await;
}

async fn chart_and_list_agree(window: &Window, rows: &[Value]) {
    let oldest = rows.last().expect("a row")["at"].as_str().expect("a moment").to_owned();
    for (filters, buckets) in
        [("", 7), ("", 200), ("&outcome=blocked", 3), ("&tool=list_notes", 1), ("&q=delete", 10)]
    {
        let path = format!("/control/activity/chart?since={oldest}&buckets={buckets}{filters}");
        let chart = window.read(&path).await;
        let list = listed(window, &format!("{filters}&since={oldest}")).await;
        let bars = chart["buckets"].as_array().expect("buckets");
        assert!(bars.len() <= buckets && !bars.is_empty(), "{}", bars.len());
        let sum = |field: &str| {
            bars.iter().map(|bar| bar[field].as_u64().expect("a number")).sum::<u64>()
        };
        let of = |outcomes: &[&str]| {
            let fits =
                |row: &&Value| outcomes.contains(&row["outcome"].as_str().unwrap_or_default());
            list.iter().filter(fits).count() as u64
        };
        assert_eq!(sum("ran"), of(&["ok", "running"]), "{path}");
        assert_eq!(
            sum("failed"),
            of(&["tool_error", "upstream_error", "cancelled", "interrupted"]),
            "{path}"
        );
        assert_eq!(sum("stopped"), of(&["blocked", "denied", "refused"]), "{path}");
        assert_eq!(sum("undecided"), of(&["pending", "expired"]), "{path}");
        let asked = list.iter().filter(|row| !row["approval"].is_null()).count() as u64;
        assert_eq!(sum("asked"), asked, "{path}");
    }
    let whole = window.read("/control/activity/chart").await;
    assert_eq!(whole["buckets"].as_array().expect("buckets").len(), 48, "a day in half hours");
    assert_eq!(whole["bucket_ms"], 1_800_000);
    for bad in [
        "buckets=0",
        "buckets=201",
        "limit=3",
        "before=1.2",
        "format=csv",
        "since=2999-01-01T00:00:00Z",
    ] {
        let refused =
            window.send(Method::GET, &format!("/control/activity/chart?{bad}"), None).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", refused.text);
    }
}
