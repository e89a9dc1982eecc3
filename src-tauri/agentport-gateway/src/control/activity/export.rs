//! Export of activity as JSON Lines or CSV: all rows that match the filters, newest first, streamed page by page.

use std::io;

use agentport_api::ActivityRow;
use agentport_core::ErrorChain;
use axum::{
    body::{Body, Bytes},
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use futures::stream;
use http::{HeaderValue, header};

use super::ActivityQuery;
use crate::{
    clock,
    control::{
        Control,
        error::{ApiError, ApiResult},
    },
    store::{ActivityFilter, Store},
};

/// Rows in memory at a time.
const PAGE: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jsonl,
    Csv,
}

pub(in crate::control) async fn export(
    State(control): State<Control>,
    Query(which): Query<ActivityQuery>,
) -> ApiResult<Response> {
    which.without(&["limit", "before", "buckets"])?;
    let format = match which.format.as_deref() {
        None | Some("jsonl") => Format::Jsonl,
        Some("csv") => Format::Csv,
        Some(other) => {
            let detail = format!("{other:?} is no format; use jsonl or csv");
            return Err(ApiError::invalid("format", detail));
        }
    };
    let filter = ActivityFilter { limit: PAGE, ..which.filter()? };
    control.up_to_now().await;
    let (kind, ending) = match format {
        Format::Jsonl => ("application/jsonl", "jsonl"),
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
    };
    let day = clock::now().to_string();
    let day = day.get(..10).unwrap_or_default();
    let name = format!("attachment; filename=\"agentport-activity-{day}.{ending}\"");
    let rows = Rows { store: control.store.clone(), filter: Some(filter), format };
    let head =
        (format == Format::Csv).then(|| Ok(Bytes::from(csv_line(HEADINGS.map(str::to_owned)))));
    let all = futures::StreamExt::chain(stream::iter(head), stream::try_unfold(rows, Rows::page));
    let mut response = Body::from_stream(all).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

struct Rows {
    store: Store,
    /// `None`: the last page has been read.
    filter: Option<ActivityFilter>,
    format: Format,
}

impl Rows {
    /// A page as text. On an error the response is cut off, so that a client does not take a part for the whole.
    async fn page(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let Some(mut filter) = self.filter.take() else { return Ok(None) };
        let page = self.store.activity(&filter).await.map_err(|error| {
            tracing::error!(error = %ErrorChain(&error), "an export of the activity broke off");
            io::Error::other(error)
        })?;
        let mut text = String::new();
        for row in page.items {
            text.push_str(&match self.format {
                Format::Jsonl => serde_json::to_string(&row).map_err(io::Error::other)? + "\n",
                Format::Csv => csv_line(cells(row)),
            });
        }
        if let Some(next) = page.next {
            filter.before = Some(next.parse().map_err(io::Error::other)?);
            self.filter = Some(filter);
        }
        Ok(Some((Bytes::from(text), self)))
    }
}

const HEADINGS: [&str; 20] = [
    "at",
    "id",
    "agent",
    "agent_name",
    "integration",
    "tool",
    "outcome",
    "decision",
    "reason",
    "approval",
    "waited_ms",
    "ran_us",
    "bytes_in",
    "bytes_out",
    "error",
    "entry_point",
    "arguments",
    "arguments_hash",
    "digest",
    "account",
];

fn cells(row: ActivityRow) -> [String; 20] {
    let json = |value: Option<String>| value.unwrap_or_default();
    [
        row.at.to_string(),
        row.id.to_string(),
        row.agent.to_string(),
        row.agent_name,
        row.integration,
        row.tool,
        row.outcome.as_str().to_owned(),
        row.decision.map(|mode| mode.as_str().to_owned()).unwrap_or_default(),
        json(row.reason.and_then(|reason| serde_json::to_string(&reason).ok())),
        row.approval.map(|id| id.to_string()).unwrap_or_default(),
        row.waited_ms.to_string(),
        row.ran_us.to_string(),
        row.bytes_in.to_string(),
        row.bytes_out.to_string(),
        row.error.unwrap_or_default(),
        row.entry_point.as_str().to_owned(),
        row.arguments.to_string(),
        row.arguments_hash.map(|hash| hash.to_string()).unwrap_or_default(),
        row.digest.map(|digest| digest.to_string()).unwrap_or_default(),
        row.account.unwrap_or_default(),
    ]
}

/// A record as in RFC 4180 §2. Most values are chosen by agents and upstreams, so cells that a spreadsheet would run as a
/// formula get a leading apostrophe.
fn csv_line<const N: usize>(cells: [String; N]) -> String {
    let cells = cells.map(|cell| {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        let cell = if formula { format!("'{cell}") } else { cell };
        match cell.contains([',', '"', '\r', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell,
        }
    });
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (cell, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("1=1", "1=1"),
        ] {
            assert_eq!(csv_line([cell.to_owned(), "x".to_owned()]), format!("{written},x\r\n"));
        }
    }
}
