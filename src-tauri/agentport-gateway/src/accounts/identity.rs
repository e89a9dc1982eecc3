//! What every account has, whatever lets it in: its row, but for the sealed credentials.

use agentport_core::{AccountId, IntegrationId};
use parking_lot::Mutex;

use crate::store::AccountRow;

/// Id, integration, label and default mark of one account.
pub(super) struct AccountIdentity {
    id: AccountId,
    integration: IntegrationId,
    /// Its `sealed` is as of the start, and not to be used.
    row: Mutex<AccountRow>,
}

impl AccountIdentity {
    pub(super) fn new(row: AccountRow) -> Self {
        Self { id: row.id, integration: row.integration.clone(), row: Mutex::new(row) }
    }

    pub(super) fn id(&self) -> AccountId {
        self.id
    }

    pub(super) fn integration(&self) -> &IntegrationId {
        &self.integration
    }

    pub(super) fn label(&self) -> String {
        self.row.lock().label.clone()
    }

    pub(super) fn is_default(&self) -> bool {
        self.row.lock().is_default
    }

    pub(super) fn row(&self) -> AccountRow {
        self.row.lock().clone()
    }

    pub(super) fn set_label(&self, label: &str) {
        label.clone_into(&mut self.row.lock().label);
    }

    pub(super) fn set_default(&self, is_default: bool) {
        self.row.lock().is_default = is_default;
    }

    pub(super) fn set_sign_in_needed(&self, message: Option<String>) {
        self.row.lock().sign_in_needed = message;
    }
}
