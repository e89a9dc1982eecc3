//! How a list of rows becomes another one by few changes in place: what stays is not touched, so that an open menu
//! stays open and nothing moves under the owner's pointer but what has to.

/// One change. Positions are those at the time the change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Remove(usize),
    /// Puts in the wanted row with this number.
    Insert {
        wanted: usize,
        at: usize,
    },
    /// Takes the row from one place to an earlier one.
    Move {
        from: usize,
        to: usize,
    },
}

/// The steps from `shown` to `wanted`; both hold every value once.
pub(super) fn steps<T: PartialEq + Clone>(shown: &[T], wanted: &[T]) -> Vec<Step> {
    let mut now = shown.to_vec();
    let mut steps = Vec::new();
    for at in (0..now.len()).rev().filter(|at| !wanted.contains(&shown[*at])) {
        now.remove(at);
        steps.push(Step::Remove(at));
    }
    for (at, row) in wanted.iter().enumerate() {
        match now.iter().position(|other| other == row) {
            Some(from) if from == at => {}
            Some(from) => {
                let row = now.remove(from);
                now.insert(at, row);
                steps.push(Step::Move { from, to: at });
            }
            None => {
                now.insert(at, row.clone());
                steps.push(Step::Insert { wanted: at, at });
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shown: &str, wanted: &str, most: usize) {
        let (shown, wanted): (Vec<char>, Vec<char>) =
            (shown.chars().collect(), wanted.chars().collect());
        let mut rows = shown.clone();
        let steps = steps(&shown, &wanted);
        for step in &steps {
            match *step {
                Step::Remove(at) => drop(rows.remove(at)),
                Step::Insert { wanted: number, at } => rows.insert(at, wanted[number]),
                Step::Move { from, to } => {
                    let row = rows.remove(from);
                    rows.insert(to, row);
                }
            }
        }
        assert_eq!(rows, wanted);
        assert!(steps.len() <= most, "{shown:?} → {wanted:?}: {steps:?}");
    }

    #[test]
    fn few_steps_lead_there() {
        check("", "", 0);
        check("abc", "abc", 0);
        check("", "abc", 3);
        check("abc", "", 3);
        check("sabcz", "sbcz", 1);
        check("sabcz", "sabcdz", 1);
        check("sabcPz", "sabcRz", 2);
        check("abcd", "dabc", 1);
        check("abcd", "dcba", 3);
        check("abc", "xyz", 6);
    }
}
