//! List diff for menu rows with few changes. Rows that stay are not touched, so that an open menu stays open and as
//! little as possible moves under the pointer.

/// One change. Positions are those at the time the change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowChange {
    Remove(usize),
    /// Inserts the wanted row with this index.
    Insert {
        wanted: usize,
        at: usize,
    },
    /// Moves the row to an earlier position.
    Move {
        from: usize,
        to: usize,
    },
}

/// The changes from `shown` to `wanted`; both hold every value once.
pub(super) fn row_changes<T: PartialEq + Clone>(shown: &[T], wanted: &[T]) -> Vec<RowChange> {
    let mut now = shown.to_vec();
    let mut changes = Vec::new();
    for at in (0..now.len()).rev().filter(|at| !wanted.contains(&shown[*at])) {
        now.remove(at);
        changes.push(RowChange::Remove(at));
    }
    for (at, row) in wanted.iter().enumerate() {
        match now.iter().position(|other| other == row) {
            Some(from) if from == at => {}
            Some(from) => {
                let row = now.remove(from);
                now.insert(at, row);
                changes.push(RowChange::Move { from, to: at });
            }
            None => {
                now.insert(at, row.clone());
                changes.push(RowChange::Insert { wanted: at, at });
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shown: &str, wanted: &str, most: usize) {
        let (shown, wanted): (Vec<char>, Vec<char>) =
            (shown.chars().collect(), wanted.chars().collect());
        let mut rows = shown.clone();
        let changes = row_changes(&shown, &wanted);
        for change in &changes {
            match *change {
                RowChange::Remove(at) => drop(rows.remove(at)),
                RowChange::Insert { wanted: number, at } => rows.insert(at, wanted[number]),
                RowChange::Move { from, to } => {
                    let row = rows.remove(from);
                    rows.insert(to, row);
                }
            }
        }
        assert_eq!(rows, wanted);
        assert!(changes.len() <= most, "{shown:?} → {wanted:?}: {changes:?}");
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
