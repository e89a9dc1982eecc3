//! Approvals: decisions of the owner and their effects.

mod decisions;
mod grants;
mod interruptions;
mod limits;
mod races;
