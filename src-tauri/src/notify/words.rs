//! How notices are worded.
//!
//! Every text that is not ours is cleaned, cut to length, and stands where it can pass for nothing else: a title is one
//! line, the sentence computed by the gateway comes first, and the agent's own words come after it, on a line of
//! their own, in quotation marks that they cannot close.

use std::time::Duration;

use agentport_core::{RuleId, sanitize, summary::MAX_SUMMARY};

use super::{
    Intent, Waiting, Wishes,
    notice::{Button, Notice, Stays},
};

/// Characters of an agent's name.
const MAX_AGENT: usize = 40;
/// Characters of a tool's name.
const MAX_TOOL: usize = 60;
/// Characters of the agent's own words.
const MAX_NOTE: usize = 160;
/// Characters of what the shell has to say.
const MAX_TITLE: usize = 100;
const MAX_BODY: usize = 400;
/// Characters of an agent's words that are looked at. The gateway takes few more.
const MAX_READ: usize = 4000;

const LOOK: &str = "Open it to see what it asks for.";

/// One request.
pub(super) fn request(request: &Waiting, wishes: &Wishes) -> Notice {
    let id = request.id;
    let deny = Button { name: "deny", label: "Deny", intent: Intent::Deny(id) };
    // What may destroy, changes what is installed or is not told here is looked at before it is allowed, and a one-time
    // code needs a field to stand in.
    let looked_at = request.destructive || request.once_only || wishes.hide_details;
    let buttons = if looked_at || wishes.second_factor {
        vec![Button { name: "review", label: "Review…", intent: Intent::Open(id) }, deny]
    } else {
        vec![
            Button { name: "approve", label: "Approve", intent: Intent::Approve(id) },
            deny,
            Button { name: "always", label: "Always", intent: Intent::Always(id) },
        ]
    };
    let (title, body) = if wishes.hide_details {
        ("An agent waits for you".to_owned(), LOOK.to_owned())
    } else {
        details(request)
    };
    Notice { title, body, buttons, on_body: Some(Intent::Open(id)), stays: Stays::UntilDecided }
}

fn details(request: &Waiting) -> (String, String) {
    let agent = or(sanitize::sanitize_line(&request.agent, MAX_AGENT), "An agent");
    let tool = or(sanitize::sanitize_line(&request.tool, MAX_TOOL), "a tool");
    let mut body = or(sanitize::sanitize_line(&request.summary, MAX_SUMMARY), LOOK);
    if request.destructive {
        body.push_str("\nThis tool may destroy.");
    }
    if let Some(note) = request.note.as_deref().map(own_words).filter(|note| !note.is_empty()) {
        body.push_str(&format!("\n{agent} says: “{note}”"));
    }
    (format!("{agent} wants {tool}"), body)
}

/// All requests beyond the first few. `shown`: some of those have notices of their own.
pub(super) fn summary(more: usize, total: usize, shown: bool) -> Notice {
    let title = match (shown, more) {
        (true, 1) => "1 more request waits".to_owned(),
        (true, more) => format!("{more} more requests wait"),
        (false, _) => format!("{total} requests wait for you"),
    };
    Notice {
        title,
        body: "Open the inbox to decide them.".to_owned(),
        buttons: vec![Button { name: "inbox", label: "Open inbox", intent: Intent::OpenInbox }],
        on_body: Some(Intent::OpenInbox),
        stays: Stays::UntilDecided,
    }
}

/// A rule the owner has just made. Without `buttons` it says where to take it back.
pub(super) fn undo(
    rule: RuleId,
    sentence: &str,
    wishes: &Wishes,
    buttons: bool,
    lasts: Duration,
) -> Notice {
    let sentence = match wishes.hide_details {
        true => "You allowed a tool.".to_owned(),
        false => or(sanitize::sanitize_line(sentence, MAX_BODY), "You allowed a tool."),
    };
    let (body, buttons) = if buttons {
        (sentence, vec![Button { name: "undo", label: "Undo", intent: Intent::Undo(rule) }])
    } else {
        (format!("{sentence}\nTake it back under Policy."), Vec::new())
    };
    Notice {
        title: "Allowed from now on".to_owned(),
        body,
        buttons,
        on_body: None,
        stays: Stays::For(lasts),
    }
}

/// What the shell has to say.
pub(super) fn tell(title: &str, body: &str, lasts: Duration) -> Notice {
    Notice {
        title: or(sanitize::sanitize_line(title, MAX_TITLE), "AgentPort"),
        body: sanitize::sanitize_lines(body, MAX_BODY),
        buttons: Vec::new(),
        on_body: None,
        stays: Stays::For(lasts),
    }
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

/// An agent's words as they may be quoted: one line, without markup, without our quotation marks.
fn own_words(note: &str) -> String {
    let plain = without_tags(sanitize::sanitize_line(note, MAX_READ));
    sanitize::sanitize_line(&plain.replace(['“', '”', '„', '‟'], "\""), MAX_NOTE)
}

/// Takes out what reads as a tag (`<b>`, `</a>`, `<!--`), until nothing does: taking one out can make another.
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
pub(super) fn waiting(number: u128) -> Waiting {
    Waiting {
        id: agentport_core::ApprovalId(uuid::Uuid::from_u128(number)),
        agent: "Claude".to_owned(),
        integration: "Demo notes".to_owned(),
        tool: "add_note".to_owned(),
        summary: "Add note in Demo notes: text \"hello\"".to_owned(),
        note: None,
        destructive: false,
        once_only: false,
    }
}
