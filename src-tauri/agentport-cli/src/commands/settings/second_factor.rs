//! `agentport settings second-factor`: one-time codes of an authenticator app (TOTP, RFC 6238). A code is never an
//! argument.

use agentport_api::{RecoveryCodes, SecondFactor as State, SecondFactorSetup, paths};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::{client::OwnerClient, confirm, context::Context, format, output, secrets};

#[derive(Debug, Subcommand)]
pub(crate) enum SecondFactorCommand {
    /// Set it up: shows a secret for your authenticator app, asks for a first code, and prints the recovery codes
    On,
    /// Do without it
    Off,
    /// Is it on?
    Status,
    /// Make new recovery codes; the old ones are no longer good
    RecoveryCodes,
}

impl SecondFactorCommand {
    pub(crate) async fn run(self, owner: &OwnerClient, context: &Context) -> Result<()> {
        match self {
            Self::On => {
                let setup: SecondFactorSetup =
                    owner.control().post(paths::SECOND_FACTOR_BEGIN, &json!({})).await?;
                explain(&setup);
                let code = secrets::one_time_code()?;
                let body = json!({ "code": code.expose() });
                let answer = owner.post(paths::SECOND_FACTOR_ENABLE, &body).await?;
                context.output.answer(&answer, codes)?;
            }
            Self::Off => {
                owner.delete(paths::SECOND_FACTOR).await?;
                context
                    .output
                    .own(&json!({ "on": false }), || "The second factor is off.".into())?;
            }
            Self::Status => {
                let answer = owner.get(paths::SECOND_FACTOR).await?;
                context.output.answer(&answer, state)?;
            }
            Self::RecoveryCodes => {
                let answer = owner.post(paths::SECOND_FACTOR_RECOVERY_CODES, &json!({})).await?;
                context.output.answer(&answer, codes)?;
            }
        }
        Ok(())
    }
}

/// On stderr, so that stdout holds the recovery codes and nothing else.
fn explain(setup: &SecondFactorSetup) {
    if confirm::on_a_terminal() {
        output::note("Scan this with your authenticator app, or type the secret into it:\n");
        output::note(&drawn(&setup.qr));
    }
    output::note(&output::fields(&[
        ("Secret", setup.secret.clone()),
        ("Address", setup.uri.clone()),
    ]));
    output::note("Then give the first code it shows.");
}

/// Two rows of the QR code in each line, with the quiet zone scanners want (ISO/IEC 18004 §9.1), light on dark or dark
/// on light: they read both.
fn drawn(rows: &[String]) -> String {
    const QUIET: usize = 4;
    let width = rows.len() + 2 * QUIET;
    let dark = |x: usize, y: usize| {
        let cell = y.checked_sub(QUIET).zip(x.checked_sub(QUIET));
        cell.and_then(|(y, x)| rows.get(y)?.as_bytes().get(x)).is_some_and(|cell| *cell == b'1')
    };
    let line = |y: usize| {
        (0..width).map(move |x| match (dark(x, y), dark(x, y + 1)) {
            (true, true) => ' ',
            (true, false) => '▄',
            (false, true) => '▀',
            (false, false) => '█',
        })
    };
    (0..width).step_by(2).map(|y| line(y).collect::<String>()).collect::<Vec<_>>().join("\n")
}

fn codes(made: RecoveryCodes) -> String {
    output::note(
        "The second factor is on. Each of these codes is good once, without your authenticator. They are shown this \
         once: keep them where you will find them.",
    );
    made.codes.join("\n")
}

fn state(state: State) -> String {
    if !state.on {
        return "The second factor is off.".to_owned();
    }
    let since = state.since.map(format::when).unwrap_or_default();
    output::fields(&[
        ("Second factor", format!("on, since {since}")),
        ("Recovery codes", format!("{} left", state.recovery_codes_left)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_make_a_line() {
        let rows = ["10".to_owned(), "11".to_owned()];
        let drawn = drawn(&rows);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 5, "ten rows with the quiet zone");
        assert!(lines.iter().all(|line| line.chars().count() == 10), "{drawn}");
        assert_eq!(lines[2], "████ ▀████");
        assert_eq!(lines[0], "██████████");
    }
}
