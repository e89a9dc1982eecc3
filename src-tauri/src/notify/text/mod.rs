//! Texts and buttons of the notifications.
//!
//! Foreign text is sanitised, cut, and placed where it cannot pass for ours: a title is one line, the gateway's own
//! sentence comes first, and the agent's words come after it, on a line of their own, in quotation marks that they cannot
//! close.

use std::time::Duration;

use agentport_api::{ConsentView, RedirectTarget};
use agentport_core::{RuleId, sanitize, summary::MAX_SUMMARY, tool::ToolEffect};

use super::{
    Intent, NotificationSettings,
    notification::{ActionButton, DisplayTime, Notification},
};
use crate::gateway::state::{PendingRequest, RequestId};

/// Characters of an agent's name.
const MAX_AGENT: usize = 40;
/// Characters of the label of an account.
const MAX_ACCOUNT: usize = 40;
/// Characters of what the agent wants, which names the tool.
const MAX_WISH: usize = 60;
/// Characters of the agent's own words.
const MAX_NOTE: usize = 80;
/// Characters of where an agent goes after it was let in.
const MAX_TARGET: usize = 80;
/// Characters of a message's title, and of its body.
const MAX_TITLE: usize = 100;
const MAX_BODY: usize = 400;
/// Characters of an agent's words that are processed. The gateway accepts few more.
const MAX_RAW_NOTE: usize = 4000;

const OPEN_TO_SEE: &str = "Open it to see what it asks for.";

/// One request.
pub(super) fn request(request: &PendingRequest, settings: &NotificationSettings) -> Notification {
    let id = request.id;
    let deny = ActionButton { name: "deny", label: "Deny", intent: Intent::Deny(id) };
    // A tool that destroys, a change of what is installed, and what is mostly not shown here are reviewed before
    // they are allowed. A one-time code needs a field.
    let needs_review = request.effect == ToolEffect::Destroys
        || request.once_only
        || settings.hide_details
        || request.arguments.hides_most();
    let buttons = if needs_review || settings.second_factor {
        vec![review(id.into()), deny]
    } else {
        vec![
            ActionButton { name: "approve", label: "Approve", intent: Intent::Approve(id) },
            deny,
            ActionButton { name: "always", label: "Always allow", intent: Intent::Always(id) },
        ]
    };
    let (title, body) = if settings.hide_details {
        ("An agent waits for you".to_owned(), OPEN_TO_SEE.to_owned())
    } else {
        details(request)
    };
    Notification {
        title,
        body,
        buttons,
        on_body: Some(Intent::Open(id.into())),
        display_time: DisplayTime::UntilDecided,
    }
}

fn review(id: RequestId) -> ActionButton {
    ActionButton { name: "review", label: "Review…", intent: Intent::Open(id) }
}

/// An agent that wants to be let in.
pub(super) fn consent(consent: &ConsentView, settings: &NotificationSettings) -> Notification {
    let id = consent.id;
    // What comes from another computer, or goes on to a web site, is not seen on this screen: it is reviewed.
    let elsewhere = consent.remote || matches!(consent.redirect, RedirectTarget::Site { .. });
    let first = if settings.second_factor || settings.hide_details || elsewhere {
        review(id.into())
    } else {
        let agent = consent.known_as.as_ref().map(|known| known.id);
        ActionButton { name: "let-in", label: "Let in", intent: Intent::LetIn(id, agent) }
    };
    let refuse = ActionButton { name: "refuse", label: "Refuse", intent: Intent::Refuse(id) };
    let (title, body) = match (settings.hide_details, &consent.known_as) {
        (true, _) => ("A new agent wants in", "Open it to see which.".to_owned()),
        (false, None) => ("A new agent wants in", consent_details(consent)),
        (false, Some(_)) => ("An agent wants in again", consent_details(consent)),
    };
    Notification {
        title: title.to_owned(),
        body,
        buttons: vec![first, refuse],
        on_body: Some(Intent::Open(id.into())),
        display_time: DisplayTime::UntilDecided,
    }
}

/// What it calls itself stands in quotation marks that it cannot close.
fn consent_details(consent: &ConsentView) -> String {
    let quoted = |name: &str| non_empty_or(quotable(name, MAX_AGENT), "nothing");
    // From another computer the digits have to be typed, as the page shows them.
    let whence = match consent.remote {
        true => "It comes from another computer.".to_owned(),
        false => format!("Your browser shows {}.", consent.code),
    };
    let seen = match &consent.known_as {
        Some(known) => {
            let profile = known.profile.as_deref().map_or_else(
                || "sees everything".to_owned(),
                |profile| format!("profile “{}”", quoted(profile)),
            );
            format!("Let in as “{}” again: {profile}.", quoted(&known.name))
        }
        None => format!("Let in as “{}”: sees everything.", quoted(&consent.suggested_name)),
    };
    format!(
        "It calls itself “{}” (unverified).\nIt goes on to {}.\n{whence}\n{seen}",
        quoted(&consent.client_name),
        sanitize::sanitize_line(&consent.redirect.to_string(), MAX_TARGET),
    )
}

fn details(request: &PendingRequest) -> (String, String) {
    let agent = non_empty_or(sanitize::sanitize_line(&request.agent_name, MAX_AGENT), "An agent");
    let wish = non_empty_or(sanitize::sanitize_line(&request.wish(), MAX_WISH), "a tool");
    let mut arguments = String::new();
    let mut body =
        non_empty_or(sanitize::sanitize_line(&request.summary, MAX_SUMMARY), OPEN_TO_SEE);
    for line in request.arguments.lines.iter().filter(|line| !is_in_summary(line, &body)) {
        arguments.push_str(&format!("\n{line}"));
    }
    if let Some(account) = &request.account {
        body.push_str(&format!("\nAccount: {}", sanitize::sanitize_line(account, MAX_ACCOUNT)));
    }
    body.push_str(&arguments);
    match request.effect {
        ToolEffect::Reads | ToolEffect::Changes => {}
        ToolEffect::Destroys if request.classified => {
            body.push_str("\nYou classified this tool as one that destroys.");
        }
        ToolEffect::Destroys => body.push_str("\nThis tool says that it destroys."),
        ToolEffect::Undeclared => {
            body.push_str("\nThis tool doesn't say whether it destroys.");
        }
    }
    let note = request.additional_info.as_deref().map(|note| quotable(note, MAX_NOTE));
    if let Some(note) = note.filter(|note| !note.is_empty()) {
        body.push_str(&format!("\n{agent} says: “{note}”"));
    }
    (format!("{agent} wants {wish}"), body)
}

/// The summary shows this argument (`name: value`) in full already.
fn is_in_summary(line: &str, summary: &str) -> bool {
    line.split_once(": ").is_some_and(|(name, value)| {
        summary.contains(&format!("{name} \"{value}\""))
            || summary.ends_with(&format!("{name} {value}"))
            || summary.contains(&format!("{name} {value},"))
    })
}

/// All requests beyond the first few. `others_shown`: some of the first have notifications of their own.
pub(super) fn summary(more: usize, total: usize, others_shown: bool) -> Notification {
    let title = match (others_shown, more) {
        (true, 1) => "1 more request waits".to_owned(),
        (true, more) => format!("{more} more requests wait"),
        (false, _) => format!("{total} requests wait for you"),
    };
    Notification {
        title,
        body: "Open the inbox to decide them.".to_owned(),
        buttons: vec![ActionButton {
            name: "inbox",
            label: "Open inbox",
            intent: Intent::OpenInbox,
        }],
        on_body: Some(Intent::OpenInbox),
        display_time: DisplayTime::UntilDecided,
    }
}

/// A rule the owner has just made. Without `buttons` it says where to undo it.
pub(super) fn undo(
    rule: RuleId,
    sentence: &str,
    still_waiting: u32,
    settings: &NotificationSettings,
    buttons: bool,
    display_time: Duration,
) -> Notification {
    let sentence = match settings.hide_details {
        true => "You allowed a tool.".to_owned(),
        false => non_empty_or(sanitize::sanitize_line(sentence, MAX_BODY), "You allowed a tool."),
    };
    let sentence = match still_waiting {
        0 => sentence,
        1 => format!("{sentence}\n1 other request for it still waits for you."),
        many => format!("{sentence}\n{many} other requests for it still wait for you."),
    };
    let (body, buttons) = if buttons {
        (sentence, vec![ActionButton { name: "undo", label: "Undo", intent: Intent::Undo(rule) }])
    } else {
        (format!("{sentence}\nTake it back under Policy."), Vec::new())
    };
    Notification {
        title: "Allowed from now on".to_owned(),
        body,
        buttons,
        on_body: None,
        display_time: DisplayTime::For(display_time),
    }
}

/// What a request will look like. Its buttons do nothing.
pub(super) fn sample(display_time: Duration) -> Notification {
    let button = |name, label| ActionButton { name, label, intent: Intent::DismissSample };
    Notification {
        title: "Notifications arrive".to_owned(),
        body: "Requests of your agents will look like this. These buttons do nothing.".to_owned(),
        buttons: vec![
            button("approve", "Approve"),
            button("deny", "Deny"),
            button("always", "Always allow"),
        ],
        on_body: Some(Intent::DismissSample),
        display_time: DisplayTime::For(display_time),
    }
}

/// A message of the app.
pub(super) fn message(title: &str, body: &str, display_time: Duration) -> Notification {
    Notification {
        title: non_empty_or(sanitize::sanitize_line(title, MAX_TITLE), "AgentPort"),
        body: sanitize::sanitize_lines(body, MAX_BODY),
        buttons: Vec::new(),
        on_body: None,
        display_time: DisplayTime::For(display_time),
    }
}

fn non_empty_or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

/// An agent's words in a form that can be quoted: one line, without markup, without our quotation marks.
fn quotable(note: &str, max_chars: usize) -> String {
    let plain = without_tags(sanitize::sanitize_line(note, MAX_RAW_NOTE));
    sanitize::sanitize_line(&plain.replace(['“', '”', '„', '‟'], "\""), max_chars)
}

/// Removes what reads as a tag (`<b>`, `</a>`, `<!--`), repeatedly: removing one can make another.
fn without_tags(mut text: String) -> String {
    while let Some((from, to)) = tag(&text) {
        text.replace_range(from..to, "");
    }
    text
}

fn tag(text: &str) -> Option<(usize, usize)> {
    text.match_indices('<').find_map(|(from, _)| {
        let inside = &text[from + 1..];
        let opens = inside.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let to = inside.find('>').filter(|_| opens)?;
        Some((from, from + 1 + to + 1))
    })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) fn pending_request(number: u128) -> PendingRequest {
    use crate::gateway::state::ArgumentExcerpt;

    PendingRequest {
        id: agentport_core::ApprovalId(uuid::Uuid::from_u128(number)),
        agent_name: "Claude".to_owned(),
        integration_name: "Demo notes".to_owned(),
        account: None,
        tool: "add_note".to_owned(),
        tool_title: Some("Add a note".to_owned()),
        summary: "Add note in Demo notes: text \"hello\"".to_owned(),
        arguments: ArgumentExcerpt::default(),
        additional_info: None,
        effect: ToolEffect::Changes,
        classified: false,
        once_only: false,
    }
}

#[cfg(test)]
pub(super) fn waiting_consent(number: u128) -> ConsentView {
    use agentport_api::ConsentState;
    use agentport_core::{ConsentId, Timestamp};

    ConsentView {
        id: ConsentId(uuid::Uuid::from_u128(number)),
        state: ConsentState::Waiting,
        code: "4731".to_owned(),
        client_name: "Cursor".to_owned(),
        client_uri: None,
        redirect: RedirectTarget::App { scheme: "cursor".to_owned() },
        redirect_uri: "cursor://anysphere.cursor-mcp/oauth/callback".to_owned(),
        remote: false,
        suggested_name: "Cursor".to_owned(),
        known_as: None,
        created_at: Timestamp(0),
        expires_at: Timestamp(600_000),
    }
}
