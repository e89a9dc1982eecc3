//! Results of approved calls, kept sealed for an agent that lost its connection.

use std::time::Duration;

use agentport_core::{ApprovalId, ErrorChain};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Approvals;
use crate::{clock, store::StoreError};

/// How long a result is kept.
const RESULT_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The result of an approved call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum StoredResult {
    /// The upstream's result, as JSON.
    Result {
        result: Value,
    },
    Failure {
        message: String,
    },
}

/// The associated data that binds a sealed result to its approval.
fn result_seal(id: ApprovalId) -> String {
    format!("approval-result/{id}")
}

impl Approvals {
    pub(crate) async fn keep_result(
        &self,
        id: ApprovalId,
        result: &StoredResult,
    ) -> Result<(), StoreError> {
        let plain = serde_json::to_vec(result).unwrap_or_default();
        let sealed = self.services.vault.seal(&result_seal(id), &plain);
        self.services.store.put_result(id, &sealed, clock::now().plus(RESULT_LIFETIME)).await
    }

    /// `None`: there is none, it is no longer kept, or it can't be read.
    pub(crate) async fn stored_result(&self, id: ApprovalId) -> Option<StoredResult> {
        let sealed = match self.services.store.result(id, clock::now()).await {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a kept result could not be read");
                return None;
            }
        };
        let plain = match self.services.vault.open(&result_seal(id), &sealed) {
            Ok(plain) => plain,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a kept result could not be unsealed");
                return None;
            }
        };
        serde_json::from_slice(&plain).ok()
    }
}
