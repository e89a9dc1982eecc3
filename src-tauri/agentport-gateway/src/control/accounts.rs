//! Routes of accounts and of signing in to them.

use agentport_api::{
    AccountView, AddAccount, ChangeAccount, ChosenAccounts, Items, PastedCallback,
    ReplaceCredentials, SignInView, StartSignIn,
};
use agentport_core::{AccountId, SignInId, audit::Actor};
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{
    accounts::AccountError,
    sign_ins::{PlanError, SignInError},
    store::Transition,
};

pub(super) async fn list(State(control): State<Control>) -> Json<Items<AccountView>> {
    let items = control.sign_ins.accounts.all().iter().map(|account| account.view()).collect();
    Json(Items { items })
}

pub(super) async fn read(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<AccountView>> {
    control.account_view(account_id(&id)?).map(Json)
}

/// Adds an account with tokens the owner pasted.
pub(super) async fn add(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(add): Json<AddAccount>,
) -> ApiResult<(StatusCode, Json<AccountView>)> {
    let id = control.entry(&id)?.row.id.clone();
    let added = control.integrations.add_token_account(&id, add.label.as_deref(), add.secrets);
    Ok((StatusCode::CREATED, Json(control.account_view(added.await?)?)))
}

/// Replaces the tokens of an account, for instance after they expired.
pub(super) async fn replace_credentials(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(replace): Json<ReplaceCredentials>,
) -> ApiResult<Json<AccountView>> {
    let id = account_id(&id)?;
    control.integrations.replace_account_secrets(id, replace.secrets).await?;
    control.account_view(id).map(Json)
}

pub(super) async fn change(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(change): Json<ChangeAccount>,
) -> ApiResult<Json<AccountView>> {
    let id = account_id(&id)?;
    let before = control.account_view(id)?;
    if let Some(label) = &change.label {
        control.sign_ins.accounts.rename(id, label).await?;
    }
    match change.is_default {
        Some(true) if !before.is_default => {
            control.sign_ins.accounts.make_default(id).await?;
            control.reconnect(&before).await;
        }
        Some(false) if before.is_default => {
            let detail = "make another account the default instead";
            return Err(ApiError::invalid("is_default", detail));
        }
        _ => {}
    }
    control.account_view(id).map(Json)
}

/// Revokes and forgets its tokens. The integration stays, with its rules and settings.
pub(super) async fn disconnect(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = account_id(&id)?;
    let before = control.account_view(id)?;
    control.sign_ins.accounts.disconnect(id).await?;
    control.reconnect(&before).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn forget_registration(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    control.sign_ins.accounts.forget_registration(account_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn chosen(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<ChosenAccounts>> {
    let entry = control.entry(&id)?;
    Ok(Json(control.sign_ins.accounts.choices_of(&entry.row.id)))
}

pub(super) async fn choose(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(wanted): Json<ChosenAccounts>,
) -> ApiResult<Json<ChosenAccounts>> {
    let entry = control.entry(&id)?;
    control.sign_ins.accounts.choose(&entry.row.id, &wanted).await?;
    Ok(Json(control.sign_ins.accounts.choices_of(&entry.row.id)))
}

pub(super) async fn list_sign_ins(State(control): State<Control>) -> Json<Items<SignInView>> {
    Json(Items { items: control.sign_ins.under_way() })
}

pub(super) async fn start_sign_in(
    State(control): State<Control>,
    Json(wanted): Json<StartSignIn>,
) -> ApiResult<(StatusCode, Json<SignInView>)> {
    let attempt = control.sign_ins.start(wanted, Actor::Owner)?;
    Ok((StatusCode::CREATED, Json(attempt.view())))
}

pub(super) async fn read_sign_in(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<SignInView>> {
    Ok(Json(control.sign_ins.get(sign_in_id(&id)?)?.view()))
}

pub(super) async fn cancel_sign_in(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = sign_in_id(&id)?;
    match control.sign_ins.cancel(id) {
        Transition::Applied => Ok(StatusCode::NO_CONTENT),
        Transition::LostRace => Err(SignInError::Unknown(id).into()),
    }
}

pub(super) async fn paste_callback(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(pasted): Json<PastedCallback>,
) -> ApiResult<Json<SignInView>> {
    Ok(Json(control.sign_ins.paste_callback(sign_in_id(&id)?, &pasted.url).await?))
}

impl Control {
    fn account_view(&self, id: AccountId) -> ApiResult<AccountView> {
        let account = self.sign_ins.accounts.get(id).ok_or(AccountError::Unknown(id))?;
        Ok(account.view())
    }

    /// Connects the integration of an account with its default account as it is now. What goes wrong is its health.
    async fn reconnect(&self, account: &AccountView) {
        if let Some(entry) = self.catalogue.get(&account.integration) {
            self.integrations.connect_or_say(&entry.row).await;
            let id = account.integration.clone();
            self.events.send(agentport_api::Event::Integration { id });
        }
    }
}

fn account_id(text: &str) -> ApiResult<AccountId> {
    text.parse().map_err(|_| ApiError::not_found(format!("there is no account {text:?}")))
}

fn sign_in_id(text: &str) -> ApiResult<SignInId> {
    text.parse().map_err(|_| ApiError::not_found(format!("there is no sign-in {text:?}")))
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Unknown(_) => Self::not_found(error.to_string()),
            AccountError::UnknownAgent(_) => Self::invalid("agents", error.to_string()),
            AccountError::BadLabel(_) => Self::invalid("label", error.to_string()),
            AccountError::LabelTaken(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        let sentence = error.to_string();
        match error {
            SignInError::Plan(PlanError::NotOffered(error)) => error.into(),
            SignInError::Plan(PlanError::Account(error)) => error.into(),
            SignInError::Plan(PlanError::Exists(_)) | SignInError::TooMany => {
                Self::new(StatusCode::CONFLICT, sentence)
            }
            SignInError::Plan(PlanError::Variant(_)) => Self::invalid("variant", sentence),
            SignInError::Plan(PlanError::BadUrl(_)) => Self::invalid("url", sentence),
            SignInError::Plan(PlanError::NoOauth(_)) => Self::invalid("integration", sentence),
            SignInError::Plan(PlanError::SecretAlone) => Self::invalid("client_secret", sentence),
            SignInError::Unknown(_) => Self::not_found(sentence),
            SignInError::CallbackRefused(_) => Self::invalid("url", sentence),
        }
    }
}
