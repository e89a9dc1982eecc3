//! Labels: what the owner calls an account, unique in its integration.

use agentport_core::{AccountId, IntegrationId, audit::AuditAction};

use super::{AccountError, Accounts};
use crate::store::Transition;

/// The label of the first account of an integration.
pub(super) const FIRST_LABEL: &str = "default";
/// Characters of a label.
pub(super) const MAX_LABEL: usize = 64;

impl Accounts {
    /// A label for a new account: the wanted one if it is free, else the first free one.
    pub(crate) fn label_for(
        &self,
        integration: &IntegrationId,
        wanted: Option<&str>,
    ) -> Result<String, AccountError> {
        let taken: Vec<String> =
            self.of(integration).iter().map(|account| account.label()).collect();
        match wanted {
            Some(wanted) => {
                let label = checked_label(wanted)?;
                if taken.contains(&label) {
                    return Err(AccountError::LabelTaken(label));
                }
                Ok(label)
            }
            None => {
                let numbered = (2_u32..).map(|number| format!("account {number}"));
                let mut labels = std::iter::once(FIRST_LABEL.to_owned()).chain(numbered);
                Ok(labels.find(|label| !taken.contains(label)).unwrap_or_default())
            }
        }
    }

    pub(crate) async fn rename(&self, id: AccountId, label: &str) -> Result<(), AccountError> {
        let account = self.get(id).ok_or(AccountError::Unknown(id))?;
        let label = checked_label(label)?;
        if label == account.label() {
            return Ok(());
        }
        if self.services.store.rename_account(id, &label).await? == Transition::LostRace {
            return Err(AccountError::LabelTaken(label));
        }
        account.identity().set_label(&label);
        self.record(AuditAction::AccountChanged, account.integration(), &label).await;
        self.changed();
        Ok(())
    }
}

fn checked_label(label: &str) -> Result<String, AccountError> {
    let clean = agentport_core::sanitize::sanitize_line(label.trim(), MAX_LABEL);
    if clean.is_empty() || clean != label.trim() {
        return Err(AccountError::BadLabel(agentport_core::sanitize::sanitize_line(
            label, MAX_LABEL,
        )));
    }
    Ok(clean)
}
