//! How far the start of an upstream has come, for the owner who waits for it.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use agentport_api::StartStep;

use super::stdio::stderr::LogRing;

/// The step a start is at.
#[derive(Debug, Default)]
pub(super) struct StartProgress(AtomicU8);

const STEPS: [StartStep; 3] =
    [StartStep::Connecting, StartStep::StartingProgram, StartStep::ListingTools];

impl StartProgress {
    pub(super) fn set(&self, step: StartStep) {
        let at = STEPS.iter().position(|each| *each == step).unwrap_or_default();
        self.0.store(u8::try_from(at).unwrap_or_default(), Ordering::Relaxed);
    }

    fn get(&self) -> StartStep {
        STEPS.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or(STEPS[0])
    }
}

/// Shows one start from outside. Clones show the same.
#[derive(Clone, Default)]
pub(crate) struct StartWatch {
    pub(super) ring: Arc<LogRing>,
    pub(super) step: Arc<StartProgress>,
}

impl StartWatch {
    pub(crate) fn step(&self) -> StartStep {
        self.step.get()
    }

    /// What a local server wrote last on its standard error.
    pub(crate) fn last_line(&self) -> Option<String> {
        self.ring.last_line()
    }

    #[cfg(test)]
    pub(crate) fn push_line(&self, line: &str) {
        self.ring.push(line);
    }
}
