//! Texts for values that several commands show: times, states, health, connections.

use std::time::Duration;

use agentport_api::{AccountState, Connection, Health};
use agentport_core::{
    Timestamp,
    approval::{State, sentences},
    policy::Mode,
    tool::ToolEffect,
};
use agentport_gateway::clock;

/// `3 min ago`, `in 8 min`: rounded to the unit that matters.
pub(crate) fn when(moment: Timestamp) -> String {
    let now = clock::now();
    if moment > now {
        format!("in {}", length(moment.since(now)))
    } else {
        match length(now.since(moment)).as_str() {
            "0 s" => "just now".into(),
            ago => format!("{ago} ago"),
        }
    }
}

pub(crate) fn maybe_when(moment: Option<Timestamp>) -> String {
    moment.map_or_else(|| "–".into(), when)
}

fn length(span: Duration) -> String {
    match span.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s @ 60..7_200 => format!("{} min", nearest(s, 60)),
        s @ 7_200..172_800 => format!("{} h", nearest(s, 3_600)),
        s => format!("{} days", nearest(s, 86_400)),
    }
}

fn nearest(seconds: u64, unit: u64) -> u64 {
    (seconds + unit / 2) / unit
}

/// To the second, in UTC.
pub(crate) fn stamp(moment: Timestamp) -> String {
    Timestamp(moment.0 - moment.0.rem_euclid(1_000)).to_string()
}

pub(crate) fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Allow => "allow",
        Mode::RequireApproval => "require approval",
        Mode::Deny => "deny",
    }
}

/// What a tool does, and whose word that is.
pub(crate) fn tool_effect(effect: ToolEffect, classified: bool) -> String {
    let says = match (effect, classified) {
        (ToolEffect::Reads, _) => "reads",
        (ToolEffect::Changes, _) => "changes",
        (ToolEffect::Destroys, true) => "destroys",
        (ToolEffect::Destroys, false) => "says it destroys",
        (ToolEffect::Undeclared, _) => "doesn't say",
    };
    if classified { format!("{says} (you said so)") } else { says.to_owned() }
}

pub(crate) fn health(health: &Health) -> String {
    match health {
        Health::Idle => "idle".into(),
        Health::Starting => "starting".into(),
        Health::Ready => "ready".into(),
        Health::NeedsAuth { message } => format!("needs auth: {message}"),
        Health::Failed { message, retry_at: None } => format!("failed: {message}"),
        Health::Failed { message, retry_at: Some(at) } => {
            format!("failed: {message} (tried again {})", when(*at))
        }
        Health::Disabled => "switched off".into(),
    }
}

pub(crate) fn account(state: &AccountState) -> String {
    match state {
        AccountState::Connected => "connected".into(),
        AccountState::Expires { at } => format!("expires {}", when(*at)),
        AccountState::SignInNeeded { message } => format!("sign-in needed: {message}"),
        AccountState::Unreachable { message, retry_at: None } => format!("unreachable: {message}"),
        AccountState::Unreachable { message, retry_at: Some(at) } => {
            format!("unreachable: {message} (tried again {})", when(*at))
        }
    }
}

pub(crate) fn connection(connection: &Connection) -> String {
    match connection.program() {
        Some(program) => command_line(program.command, program.args),
        None => connection.summary(),
    }
}

/// A command as it is typed into a POSIX shell, quoted where needed.
pub(crate) fn command_line(command: &str, args: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,%".contains(c);
    let quoted = std::iter::once(command).chain(args.iter().map(String::as_str)).map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.to_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

pub(crate) fn state(state: &State) -> String {
    sentences::state_for_owner(state, when)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_long() {
        for (seconds, want) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (599, "10 min"),
            (7_200, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), want);
        }
        assert_eq!(when(clock::now()), "just now");
        assert!(when(clock::now().plus(Duration::from_secs(600))).starts_with("in "));
    }

    #[test]
    fn stamps_to_the_second() {
        assert_eq!(stamp(Timestamp(1_999)), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn quotes_what_a_shell_would_take_apart() {
        let args = ["-y", "", "a b", "it's", "$HOME"].map(str::to_owned);
        assert_eq!(command_line("npx", &args), r"npx -y '' 'a b' 'it'\''s' '$HOME'");
    }
}
