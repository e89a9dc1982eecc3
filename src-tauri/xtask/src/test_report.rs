//! How many tests passed, from what the test programs print.

use std::ops::AddAssign;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TestCounts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl AddAssign for TestCounts {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl std::fmt::Display for TestCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// `test result: ok. 42 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s`
pub(crate) fn of_cargo(line: &str) -> Option<TestCounts> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    Some(sum(counts.split("; ")))
}

/// The line without colours: vitest writes them into a pipe as well.
pub(crate) fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        // A sequence ends with its first letter (ECMA-48 §5.4).
        rest = after
            .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
            .get(1..)
            .unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// `      Tests  12 passed | 1 failed | 2 skipped (15)`
pub(crate) fn of_vitest(line: &str) -> Option<TestCounts> {
    let counts = line.trim_start().strip_prefix("Tests  ")?;
    Some(sum(counts.split(" (").next()?.split(" | ")))
}

fn sum<'a>(counts: impl Iterator<Item = &'a str>) -> TestCounts {
    let mut tally = TestCounts::default();
    for count in counts {
        let Some((number, word)) = count.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        match word {
            "passed" => tally.passed += number,
            "failed" => tally.failed += number,
            "ignored" | "skipped" | "todo" => tally.skipped += number,
            _ => {}
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargo() {
        let line = "test result: FAILED. 42 passed; 3 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.02s";
        assert_eq!(of_cargo(line), Some(TestCounts { passed: 42, failed: 3, skipped: 1 }));
        for other in ["test a ... ok", "running 3 tests", "test result: ", ""] {
            assert_eq!(of_cargo(other), None, "{other}");
        }
    }

    #[test]
    fn reads_through_colours() {
        let line = "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m56 passed\x1b[39m\x1b[22m\x1b[90m (56)\x1b[39m";
        assert_eq!(plain(line), "      Tests  56 passed (56)");
        assert_eq!(plain("none"), "none");
        assert_eq!(plain("cut off \x1b[3"), "cut off ");
    }

    #[test]
    fn reads_vitest() {
        for (line, want) in [
            ("      Tests  12 passed (12)", TestCounts { passed: 12, failed: 0, skipped: 0 }),
            (
                " Tests  1 failed | 2 passed | 3 skipped | 1 todo (7)",
                TestCounts { passed: 2, failed: 1, skipped: 4 },
            ),
        ] {
            assert_eq!(of_vitest(line), Some(want), "{line}");
        }
        for other in [" Test Files  1 passed (1)", "Tests", "   Duration  2s"] {
            assert_eq!(of_vitest(other), None, "{other}");
        }
    }
}
