//! An error printed together with its sources: `failed operation: cause: cause`.

use std::{error::Error, fmt};

/// Displays an error and its sources, joined by `: `.
///
/// `Display` of our errors never repeats the source, so this is the one printer of a chain, used where an error leaves
/// the program: in a log line, an answer, or on a terminal.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
