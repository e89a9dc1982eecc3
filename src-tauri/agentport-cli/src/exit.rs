//! How the program ends: 0 done · 1 error (usage errors too), denied, expired · 2 an approval is needed or still waits.
//!
//! An error is printed here and nowhere else, once, with everything that led to it.

use std::process::ExitCode;

use crate::output::{self, ReaderGone};

/// How a command that ran to its end wants the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    /// What was to be said has been said on stderr.
    Failed,
    WaitsForApproval,
}

impl Ending {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::WaitsForApproval => 2,
        }
    }
}

/// What clap refused, or its help and version.
pub(crate) fn usage(refused: &clap::Error) -> ExitCode {
    // Nothing is left to tell where stdout and stderr are gone.
    let _ = refused.print();
    usage_ending(refused).code().into()
}

/// Clap's own code for usage errors is 2, which here means something else.
fn usage_ending(refused: &clap::Error) -> Ending {
    if refused.use_stderr() { Ending::Failed } else { Ending::Done }
}

pub(crate) fn report(result: anyhow::Result<Ending>) -> ExitCode {
    let ending = match result {
        Ok(ending) => ending,
        // `agentport logs | head`: the reader had enough.
        Err(error) if error.is::<ReaderGone>() => Ending::Done,
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            Ending::Failed
        }
    };
    ending.code().into()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Args;

    #[test]
    fn codes_are_those_of_the_contract() {
        for (ending, want) in
            [(Ending::Done, 0), (Ending::Failed, 1), (Ending::WaitsForApproval, 2)]
        {
            assert_eq!(ending.code(), want);
            assert_eq!(report(Ok(ending)), ExitCode::from(want));
        }
        assert_eq!(report(Err(ReaderGone.into())), ExitCode::from(0));
    }

    #[test]
    fn usage_errors_are_errors_and_help_is_not() {
        for (word, want) in
            [("--nonsense", Ending::Failed), ("--version", Ending::Done), ("-h", Ending::Done)]
        {
            let refused = Args::try_parse_from(["agentport", word]).unwrap_err();
            assert_eq!(usage_ending(&refused), want, "{word}");
        }
    }
}
