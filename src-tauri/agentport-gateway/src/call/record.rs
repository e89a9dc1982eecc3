//! The record of a call in progress: made here, kept by the journal.

use std::{sync::Arc, time::Instant};

use agentport_core::{
    CallId, ErrorChain,
    activity::{CallEnd, CallStart, EntryPoint},
    arguments::ArgumentsHash,
    redact, sanitize,
};
use serde_json::Value;

use super::{
    Request,
    outcome::{Outcome, Refusal},
};
use crate::{agents::Agent, catalogue::PublishedTool, clock, journal::Journal};

/// Bytes of a failure's text that are kept.
const MAX_ERROR: usize = 500;
/// Characters that are kept of the name of an integration or a tool that was not found.
const MAX_UNRESOLVED_NAME: usize = 200;

/// The start of a call of a tool that was found, before policy was asked.
pub(crate) fn call_start(
    id: CallId,
    agent: &Agent,
    tool: &PublishedTool,
    arguments: &Value,
    hash: ArgumentsHash,
    entry_point: EntryPoint,
) -> CallStart {
    let names = (tool.integration.to_string(), tool.name().to_owned());
    CallStart {
        arguments_hash: Some(hash),
        digest: Some(tool.digest),
        bytes_in: json_bytes(arguments),
        ..CallStart::new(
            id,
            clock::now(),
            agent.id,
            names,
            redact::redacted(arguments),
            entry_point,
        )
    }
}

/// The end of a call, `ran` since the upstream was called (if it was).
fn call_end(start: &CallStart, outcome: &Outcome, ran: Option<Instant>) -> CallEnd {
    let ran_us = ran.map_or(0, |since| since.elapsed().as_micros());
    let (bytes_out, error) = match outcome {
        Outcome::Ran(result) => (json_bytes(&**result), None),
        Outcome::Refused(refusal) => (0, Some(refusal.to_string())),
        Outcome::Failed { error, .. } => (0, Some(ErrorChain(error).to_string())),
        _ => (0, None),
    };
    CallEnd {
        ran_us: u64::try_from(ran_us).unwrap_or(u64::MAX),
        bytes_out,
        error: error.map(|text| sanitize::sanitize_line(&text, MAX_ERROR)),
        ..CallEnd::new(start.id, outcome.kind())
    }
}

/// Writes the rows of calls to the journal.
pub(crate) struct CallRecorder {
    journal: Arc<Journal>,
}

impl CallRecorder {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal }
    }

    /// Writes the start of a call. Fails if it can't be written: then the call must not run.
    pub(super) fn start(&self, record: &CallStart) -> Result<(), Refusal> {
        self.journal.begin(record).map_err(|error| {
            tracing::error!(error = %ErrorChain(&error), "a call could not be recorded");
            Refusal::NotRecorded
        })
    }

    /// Writes the end of a call that ran since `started`.
    pub(super) fn end(&self, record: &CallStart, outcome: &Outcome, started: Instant) {
        if let Err(error) = self.journal.end(&call_end(record, outcome, Some(started))) {
            // The row stays as begun, which reads as interrupted. The agent gets the result all the same: the call has
            // happened, and hiding that would make it happen twice.
            tracing::error!(error = %ErrorChain(&error), "the end of a call could not be recorded");
        }
    }

    /// Records a call that did not run, and answers it. If that can't be written, the answer says so.
    pub(super) fn record_refused(&self, record: CallStart, outcome: Outcome) -> Outcome {
        match self.journal.record(&record, &call_end(&record, &outcome, None)) {
            Ok(()) => outcome,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a call could not be recorded");
                Outcome::Refused(Refusal::NotRecorded)
            }
        }
    }

    /// The same for a call whose tool was not found.
    pub(super) fn record_unresolved(&self, request: &Request, refusal: Refusal) -> Outcome {
        let cut = |text: &str| sanitize::sanitize_line(text, MAX_UNRESOLVED_NAME);
        let arguments = Value::Object(request.arguments.clone());
        let (id, now) = (CallId(uuid::Uuid::now_v7()), clock::now());
        let (agent, redacted) = (request.agent.id, redact::redacted(&arguments));
        let names = (cut(&request.integration), cut(&request.tool));
        let record = CallStart {
            bytes_in: json_bytes(&arguments),
            ..CallStart::new(id, now, agent, names, redacted, request.entry_point)
        };
        self.record_refused(record, Outcome::Refused(refusal))
    }
}

/// Length of the JSON text of `value`, without making it.
pub(crate) fn json_bytes(value: &impl serde::Serialize) -> u64 {
    struct Count(u64);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail, and what cannot be written as JSON has no length.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
