//! The parts of `cargo xtask test`, one after the other, added up.
//!
//! Tests that need more than a build (a desktop session, finished packages) are marked `#[ignore]`, so that a plain
//! `cargo test` works anywhere. Here a later stage runs them, and then they were not skipped: each test counts once.

use std::{process::Command, time::Instant};

use anyhow::Result;

use crate::{
    process,
    test_report::{self, TestCounts},
};

/// What a stage does with the tests that are marked `#[ignore]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IgnoredTests {
    /// There is no other stage for them.
    Skipped,
    /// A later stage may run them.
    Left,
    /// It runs them, and nothing else.
    Run,
}

#[derive(Debug, Default)]
pub(crate) struct TestStages {
    all: TestCounts,
    /// Tests that a stage has left and none has run yet.
    left: u32,
}

impl TestStages {
    /// Runs a command that prints test results, line by line, as `read` understands them.
    pub(crate) fn run(
        &mut self,
        name: &str,
        command: &mut Command,
        read: fn(&str) -> Option<TestCounts>,
        ignored: IgnoredTests,
    ) -> Result<()> {
        let begun = Instant::now();
        let mut here = TestCounts::default();
        let ended_well = process::watch(command, |line| {
            if let Some(found) = read(&test_report::plain(line)) {
                here += found;
            }
        })?;
        let (here, left) = self.add(here, ended_well, ignored);
        let left = if left > 0 { format!(", {left} left for later") } else { String::new() };
        let seconds = begun.elapsed().as_secs();
        process::say(&format!("== {name}: {here}{left} in {seconds} s\n"));
        Ok(())
    }

    /// A stage whose preparations failed.
    pub(crate) fn broken(&mut self, name: &str, error: &anyhow::Error) {
        process::warn(&format!("error: {error:#}"));
        self.add(TestCounts::default(), false, IgnoredTests::Skipped);
        process::say(&format!("== {name}: not run\n"));
    }

    /// The sum. What was left and not run was skipped after all.
    pub(crate) fn sum(&self) -> TestCounts {
        TestCounts { skipped: self.all.skipped + self.left, ..self.all }
    }

    /// Gives what counts for the stage itself, and how many tests it left.
    fn add(
        &mut self,
        mut here: TestCounts,
        ended_well: bool,
        ignored: IgnoredTests,
    ) -> (TestCounts, u32) {
        // One that did not compile, or died, says nothing of how many failed.
        if !ended_well && here.failed == 0 {
            here.failed = 1;
        }
        let mut left = 0;
        match ignored {
            IgnoredTests::Skipped => {}
            IgnoredTests::Left => {
                left = std::mem::take(&mut here.skipped);
                self.left += left;
            }
            IgnoredTests::Run => self.left = self.left.saturating_sub(here.passed + here.failed),
        }
        self.all += here;
        (here, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u32, failed: u32, skipped: u32) -> TestCounts {
        TestCounts { passed, failed, skipped }
    }

    #[test]
    fn a_test_counts_once() {
        let mut stages = TestStages::default();
        stages.add(tally(10, 0, 1), true, IgnoredTests::Skipped);
        assert_eq!(stages.add(tally(100, 0, 7), true, IgnoredTests::Left), (tally(100, 0, 0), 7));
        assert_eq!(stages.sum(), tally(110, 0, 8));
        stages.add(tally(4, 1, 0), false, IgnoredTests::Run);
        assert_eq!(stages.sum(), tally(114, 1, 3));
        stages.add(tally(2, 0, 0), true, IgnoredTests::Run);
        assert_eq!(stages.sum(), tally(116, 1, 1));
    }

    #[test]
    fn what_dies_has_failed() {
        for ignored in [IgnoredTests::Skipped, IgnoredTests::Left, IgnoredTests::Run] {
            let mut stages = TestStages::default();
            stages.add(tally(3, 0, 0), false, ignored);
            assert_eq!(stages.sum().failed, 1, "{ignored:?}");
        }
    }
}
