//! What became of a conditional write, such as a change of state that two callers may attempt at once.

use sqlx::sqlite::SqliteQueryResult;

/// Whether a conditional change took effect. Ignoring it would take a lost race for a success.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transition {
    /// The change was made.
    Applied,
    /// What the change starts from does not exist (any more): another change was first. Nothing was changed.
    LostRace,
}

impl Transition {
    /// Of a statement whose WHERE or ON CONFLICT holds the condition.
    pub(super) fn from_rows(done: SqliteQueryResult) -> Self {
        Self::applied_if(done.rows_affected() > 0)
    }

    /// Of a condition that was checked, and the change made, under one lock.
    pub(crate) fn applied_if(applied: bool) -> Self {
        if applied { Self::Applied } else { Self::LostRace }
    }

    pub(crate) fn is_applied(self) -> bool {
        self == Self::Applied
    }
}
