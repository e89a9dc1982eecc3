//! `agentport approvals`: the owner's inbox and decisions.

use agentport_api::{ApprovalView, Deny, GrantChoice, Pause, paths};
use agentport_core::approval::Audience;
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    client::{OwnerClient, json_object, with_query_if},
    context::Context,
    duration,
    exit::ExitStatus,
    format,
    lookup::{self, LookupKind},
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List requests
    List {
        /// Which ones
        #[arg(long, value_enum, default_value_t)]
        state: StateFilter,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Show one request in full
    Show {
        /// Id, beginning of an id, or the link the agent showed
        id: String,
    },
    /// Let a request through
    Approve {
        /// Id, beginning of an id, or the link the agent showed
        id: String,
        /// once, exact (these arguments from now on), for:30m, session, or always (this tool from now on)
        #[arg(long, default_value = "once", value_parser = grant)]
        grant: GrantChoice,
        /// Grant it to every agent, not only to the one that asked
        #[arg(long)]
        every_agent: bool,
        /// Also let through the requests of this tool that wait already, as far as the grant covers them
        #[arg(long)]
        also_waiting: bool,
        /// Run it with these arguments instead
        #[arg(long, value_name = "JSON", value_parser = json_object)]
        arguments: Option<Box<RawValue>>,
    },
    /// Turn a request down
    Deny {
        /// Id, beginning of an id, or the link the agent showed
        id: String,
        /// The reason that the agent gets
        #[arg(long)]
        reason: Option<String>,
    },
    /// Stop every call of every agent, allowed ones too
    Pause,
    /// Let calls run again
    Resume,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateFilter {
    #[default]
    Pending,
    /// Expired without a decision
    Missed,
    Decided,
    All,
}

/// `agentport_api::Approve`, with edited arguments as they were written.
#[derive(Serialize)]
struct ApproveBody {
    grant: GrantChoice,
    audience: Audience,
    also_waiting: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Box<RawValue>>,
}

impl ApprovalsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::List { state, limit } => {
                let name =
                    state.to_possible_value().expect("none is skipped").get_name().to_owned();
                let path = paths::with_query(paths::APPROVALS.into(), "state", name);
                let answer = owner.get(&with_query_if(path, "limit", limit)).await?;
                context.output.list(&answer, |requests| list(requests, state))?;
            }
            Self::Show { id } => {
                let id = find(&owner, &id).await?;
                let answer = owner.get(&paths::fill(paths::APPROVAL, &id)).await?;
                context.output.answer(&answer, show)?;
            }
            Self::Approve { id, grant, every_agent, also_waiting, arguments } => {
                let id = find(&owner, &id).await?;
                let audience = if every_agent { Audience::EveryAgent } else { Audience::ThisAgent };
                let body = ApproveBody { grant, audience, also_waiting, arguments };
                let answer = owner.post(&paths::fill(paths::APPROVE, &id), &body).await?;
                context.output.answer(&answer, decided)?;
            }
            Self::Deny { id, reason } => {
                let id = find(&owner, &id).await?;
                let body = Deny { reason };
                let answer = owner.post(&paths::fill(paths::DENY, &id), &body).await?;
                context.output.answer(&answer, decided)?;
            }
            Self::Pause => pause(&owner, context, true).await?,
            Self::Resume => pause(&owner, context, false).await?,
        }
        Ok(ExitStatus::Done)
    }
}

async fn pause(owner: &OwnerClient, context: &Context, paused: bool) -> Result<()> {
    let body = Pause { paused };
    owner.post(paths::PAUSE, &body).await?;
    context
        .output
        .own(&body, || if paused { "Paused: no call runs." } else { "Calls run again." }.into())
}

/// The id of the request. A whole id is used as it is; the gateway answers whether it exists.
async fn find(owner: &OwnerClient, wanted: &str) -> Result<String> {
    let wanted = wanted.trim_end_matches('/').rsplit('/').next().unwrap_or(wanted);
    if wanted.parse::<agentport_core::ApprovalId>().is_ok() {
        return Ok(wanted.to_owned());
    }
    let kind = LookupKind {
        noun: "request",
        list: "agentport approvals list --state all",
        id: |view: &ApprovalView| view.id.to_string(),
        names: |_| Vec::new(),
    };
    let path = paths::with_query(paths::APPROVALS.into(), "state", "all");
    let all = owner.list(&paths::with_query(path, "limit", 1000)).await?;
    lookup::find(&kind, &all, wanted).map(|view| view.id.to_string())
}

/// `once`, `exact`, `for:30m`, `session`, `always`.
fn grant(text: &str) -> Result<GrantChoice, String> {
    Ok(match text {
        "once" => GrantChoice::Once,
        "exact" => GrantChoice::Exact,
        "session" => GrantChoice::Session,
        "always" => GrantChoice::Always,
        _ => match text.strip_prefix("for:") {
            Some(span) => GrantChoice::For { minutes: duration::minutes(span)? },
            None => return Err("use once, exact, for:30m, session or always".into()),
        },
    })
}

fn decided(view: ApprovalView) -> String {
    let what = format!("{} / {}", view.integration, output::one_line(&view.tool));
    let note = if view.edited { " (with your arguments)" } else { "" };
    format!(
        "{what} of {}: {}{note}",
        output::one_line(&view.agent_name),
        format::state(&view.state)
    )
}

fn list(requests: Vec<ApprovalView>, which: StateFilter) -> String {
    let rows = requests.into_iter().map(|view| {
        let state = match which {
            StateFilter::Pending => format!("expires {}", format::when(view.expires_at)),
            _ => format::state(&view.state),
        };
        [
            view.id.to_string(),
            output::cut(&view.agent_name, 24),
            format!("{} / {}", view.integration, output::name(&view.tool, 40)),
            state,
            // Last and whole: what is cut off here could be what matters.
            view.summary,
        ]
    });
    let empty =
        if which == StateFilter::Pending { "Nothing waits for you." } else { "There are none." };
    output::table(["ID", "AGENT", "TOOL", "STATE", "WHAT IT WOULD DO"], rows.collect(), empty)
}

fn show(view: ApprovalView) -> String {
    let arguments = arguments_in_lines(&view.arguments);
    let title = view.tool_title.map(|title| format!(" ({title})")).unwrap_or_default();
    let hint = format::tool_effect(view.effect, view.classified);
    output::fields(&[
        ("Request", view.id.to_string()),
        ("Agent", view.agent_name),
        ("Tool", format!("{} / {}{title}", view.integration_name, view.tool_display)),
        ("Would", view.summary),
        (
            "Arguments",
            if view.edited { format!("{arguments}\n(edited by you)") } else { arguments },
        ),
        // In quotation marks, so that the agent's text is not mistaken for ours.
        ("Agent says", view.additional_info.map(|said| format!("“{said}”")).unwrap_or_default()),
        ("Does", hint),
        ("Why asked", view.why),
        (
            "Also waiting",
            match view.also_waiting {
                0 => String::new(),
                1 => "1 other request for this tool".into(),
                n => format!("{n} other requests for this tool"),
            },
        ),
        ("Asked", format::when(view.created_at)),
        ("Expires", format::when(view.expires_at)),
        ("State", format::state(&view.state)),
    ])
}

/// The arguments as JSON. Texts of several lines stand below it, line by line: in JSON a second command behind a line
/// break is easily overlooked.
fn arguments_in_lines(arguments: &Value) -> String {
    let mut outline = arguments.clone();
    let mut below = String::new();
    for (name, value) in outline.as_object_mut().into_iter().flatten() {
        let Some(text) = value.as_str().filter(|text| text.contains(['\n', '\r'])) else {
            continue;
        };
        let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
        below += &format!("\n{}:", output::one_line(name));
        below.extend(lines.iter().map(|line| format!("\n  │ {line}")));
        *value = format!("({} lines, below)", lines.len()).into();
    }
    serde_json::to_string_pretty(&outline).unwrap_or_default() + &below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_several_lines_are_shown_as_lines() {
        let arguments = serde_json::json!({ "command": "ls\nrm -rf .\r\n", "n": 1 });
        assert_eq!(
            arguments_in_lines(&arguments),
            "{\n  \"command\": \"(3 lines, below)\",\n  \"n\": 1\n}\ncommand:\n  │ ls\n  │ rm -rf .\n  │ "
        );
        assert_eq!(arguments_in_lines(&serde_json::json!({ "a": "b" })), "{\n  \"a\": \"b\"\n}");
        assert_eq!(arguments_in_lines(&serde_json::json!([1])), "[\n  1\n]");
    }

    #[test]
    fn grants() {
        for (text, want) in [
            ("once", GrantChoice::Once),
            ("exact", GrantChoice::Exact),
            ("for:30m", GrantChoice::For { minutes: 30 }),
            ("for:2h", GrantChoice::For { minutes: 120 }),
            ("session", GrantChoice::Session),
            ("always", GrantChoice::Always),
        ] {
            assert_eq!(grant(text), Ok(want), "{text}");
        }
        for bad in ["", "for", "for:", "for:30", "for:0m", "Always", "forever"] {
            assert!(grant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn edited_arguments_are_sent_as_they_were_written() {
        let arguments = json_object(r#"{"n": 1.0, "big": 123456789012345678901}"#).unwrap();
        let body = ApproveBody {
            grant: GrantChoice::For { minutes: 5 },
            audience: Audience::ThisAgent,
            also_waiting: false,
            arguments: Some(arguments),
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"grant":{"kind":"for","minutes":5},"audience":"this_agent","also_waiting":false,"arguments":{"n": 1.0, "big": 123456789012345678901}}"#
        );
    }
}
