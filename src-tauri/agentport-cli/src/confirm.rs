//! Questions to the person at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};

use crate::output;

/// Can a person be asked? Both stdin and stderr must be terminals.
pub(crate) fn on_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal. Anything but a clear yes is no.
pub(crate) fn yes(question: &str) -> Result<bool> {
    Ok(is_yes(&line(&format!("{question} [y/N] "))?))
}

/// Asks on the terminal for a line, which is returned with its line break.
pub(crate) fn line(question: &str) -> Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{}", output::printable(question))
        .and_then(|()| err.flush())
        .context("cannot write to the terminal")?;
    drop(err);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read from the terminal")?;
    Ok(line)
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_clear_yes_is_yes() {
        for yes in ["y\n", "Y", " yes \r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n", "no", "yep", "yy"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
