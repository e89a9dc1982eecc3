//! The activity row of a call, while the call is in progress.

use std::{sync::Arc, time::Instant};

use agentport_core::{
    AgentId, ApprovalId, CallId, ErrorChain, Timestamp,
    arguments::ArgumentsHash,
    policy::{Mode, Reason},
    redact,
    tool::DefinitionDigest,
};
use serde_json::Value;

use super::{
    Request,
    outcome::{Outcome, Refusal},
};
use crate::{
    agents::Agent,
    catalogue::PublishedTool,
    clock,
    journal::{Begin, End, Journal},
};

/// Bytes of a failure's text that are kept.
const MAX_ERROR: usize = 500;

/// What is known of a call so far.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: CallId,
    pub(crate) at: Timestamp,
    pub(crate) agent: AgentId,
    pub(crate) integration: String,
    pub(crate) tool: String,
    /// Redacted already.
    pub(crate) arguments: Value,
    pub(crate) hash: Option<ArgumentsHash>,
    pub(crate) digest: Option<DefinitionDigest>,
    pub(crate) decision: Option<Mode>,
    pub(crate) because: Option<Reason>,
    pub(crate) approval: Option<ApprovalId>,
    pub(crate) waited_ms: u64,
    pub(crate) bytes_in: u64,
    pub(crate) door: &'static str,
}

impl Record {
    pub(crate) fn new(
        id: CallId,
        agent: &Agent,
        tool: &PublishedTool,
        arguments: &Value,
        hash: ArgumentsHash,
        door: &'static str,
    ) -> Self {
        Self {
            id,
            at: clock::now(),
            agent: agent.id,
            integration: tool.integration.to_string(),
            tool: tool.name().to_owned(),
            arguments: redact::redacted(arguments),
            hash: Some(hash),
            digest: Some(tool.digest),
            decision: None,
            because: None,
            approval: None,
            waited_ms: 0,
            bytes_in: json_bytes(arguments),
            door,
        }
    }

    /// The same row under an approval's id, which its decision and its run will complete.
    pub(crate) fn for_approval(&self, id: ApprovalId) -> Self {
        Self {
            id: CallId(id.0),
            approval: Some(id),
            arguments: self.arguments.clone(),
            integration: self.integration.clone(),
            tool: self.tool.clone(),
            ..*self
        }
    }

    pub(crate) fn begin(&self) -> Begin {
        Begin {
            id: self.id,
            at: self.at,
            agent: self.agent,
            integration: self.integration.clone(),
            tool: self.tool.clone(),
            arguments: self.arguments.clone(),
            arguments_hash: self.hash,
            digest: self.digest,
            decision: self.decision,
            because: self.because,
            approval: self.approval,
            waited_ms: self.waited_ms,
            bytes_in: self.bytes_in,
            door: self.door,
        }
    }

    /// The end of this call, `ran` since the upstream was called (if it was).
    pub(crate) fn end(&self, outcome: &Outcome, ran: Option<Instant>) -> End {
        let ran_us = ran.map_or(0, |since| since.elapsed().as_micros());
        let (bytes_out, error) = match outcome {
            Outcome::Ran(result) => (json_bytes(&**result), None),
            Outcome::Refused(refusal) => (0, Some(refusal.to_string())),
            Outcome::Failed { error, .. } => (0, Some(ErrorChain(error).to_string())),
            _ => (0, None),
        };
        End {
            id: self.id,
            outcome: outcome.kind(),
            ran_us: u64::try_from(ran_us).unwrap_or(u64::MAX),
            bytes_out,
            error: error.map(|text| agentport_core::sanitize::sanitize_line(&text, MAX_ERROR)),
        }
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
    pub(super) fn start(&self, record: &Record) -> Result<(), Refusal> {
        self.journal.begin(&record.begin()).map_err(|error| {
            tracing::error!(error = %ErrorChain(&error), "a call could not be recorded");
            Refusal::NotRecorded
        })
    }

    /// Writes the end of a call that ran since `started`.
    pub(super) fn end(&self, record: &Record, outcome: &Outcome, started: Instant) {
        if let Err(error) = self.journal.end(&record.end(outcome, Some(started))) {
            // The row stays as begun, which reads as interrupted. The agent gets the result all the same: the call has
            // happened, and hiding that would make it happen twice.
            tracing::error!(error = %ErrorChain(&error), "the end of a call could not be recorded");
        }
    }

    /// Records a call that did not run, and answers it. If that can't be written, the answer says so.
    pub(super) fn record_refused(&self, record: Record, outcome: Outcome) -> Outcome {
        match self.journal.record(&record.begin(), &record.end(&outcome, None)) {
            Ok(()) => outcome,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a call could not be recorded");
                Outcome::Refused(Refusal::NotRecorded)
            }
        }
    }

    /// The same for a call whose tool was not found.
    pub(super) fn record_unresolved(&self, request: &Request, refusal: Refusal) -> Outcome {
        let cut = |text: &str| agentport_core::sanitize::sanitize_line(text, 200);
        let arguments = Value::Object(request.arguments.clone());
        let record = Record {
            id: CallId(uuid::Uuid::now_v7()),
            at: clock::now(),
            agent: request.agent.id,
            integration: cut(&request.integration),
            tool: cut(&request.tool),
            arguments: redact::redacted(&arguments),
            hash: None,
            digest: None,
            decision: None,
            because: None,
            approval: None,
            waited_ms: 0,
            bytes_in: json_bytes(&arguments),
            door: request.door,
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
