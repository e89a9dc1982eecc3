//! Exit codes: 0 done · 1 error (usage errors too), denied, expired · 2 an approval is needed or still pending.
//!
//! Errors are printed here and nowhere else, once, with their chain of sources.

use std::process::ExitCode;

use crate::output::{self, ReaderGone};

/// How a command that ran to its end wants the process to exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    Done,
    /// The reason was already printed on stderr.
    Failed,
    ApprovalPending,
}

impl ExitStatus {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::ApprovalPending => 2,
        }
    }
}

/// Prints what clap refused, or its help or version.
pub(crate) fn usage(refused: &clap::Error) -> ExitCode {
    // With stdout and stderr closed there is nothing to print to.
    let _ = refused.print();
    usage_ending(refused).code().into()
}

/// Clap's own code for usage errors is 2, which here means that an approval is pending.
fn usage_ending(refused: &clap::Error) -> ExitStatus {
    if refused.use_stderr() { ExitStatus::Failed } else { ExitStatus::Done }
}

pub(crate) fn report(result: anyhow::Result<ExitStatus>) -> ExitCode {
    let ending = match result {
        Ok(ending) => ending,
        // `agentport logs | head` closes the pipe early, and that is no error.
        Err(error) if error.is::<ReaderGone>() => ExitStatus::Done,
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            ExitStatus::Failed
        }
    };
    ending.code().into()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::CliArgs;

    #[test]
    fn codes_are_those_of_the_contract() {
        for (ending, want) in
            [(ExitStatus::Done, 0), (ExitStatus::Failed, 1), (ExitStatus::ApprovalPending, 2)]
        {
            assert_eq!(ending.code(), want);
            assert_eq!(report(Ok(ending)), ExitCode::from(want));
        }
        assert_eq!(report(Err(ReaderGone.into())), ExitCode::from(0));
    }

    #[test]
    fn usage_errors_are_errors_and_help_is_not() {
        for (word, want) in [
            ("--nonsense", ExitStatus::Failed),
            ("--version", ExitStatus::Done),
            ("-h", ExitStatus::Done),
        ] {
            let refused = CliArgs::try_parse_from(["agentport", word]).unwrap_err();
            assert_eq!(usage_ending(&refused), want, "{word}");
        }
    }
}
