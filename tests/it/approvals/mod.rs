//! The owner decides, and what the decision means.

mod decisions;
mod grants;
mod interruptions;
mod limits;
mod races;
