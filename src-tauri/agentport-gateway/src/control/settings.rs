//! Routes of settings: read all, change single ones.

use std::time::Duration;

use agentport_api::{Event, Settings};
use agentport_core::{
    Timestamp,
    audit::{Actor, AuditAction},
};
use axum::{Json, extract::State};
use http::HeaderMap;
use serde_json::Value;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{address::external_origin, clock};

/// Variables that local servers may inherit.
const MAX_INHERITED: usize = 200;
const LONGEST_SILENCE: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn read(State(control): State<Control>) -> ApiResult<Json<Settings>> {
    Ok(Json(Settings::clone(&control.settings.load())))
}

pub(super) async fn change(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(change): Json<Value>,
) -> ApiResult<Json<Settings>> {
    // One change after the other, for each writes all of them.
    let _alone = control.changing.lock().await;
    let before = serde_json::to_value(&*control.settings.load()).unwrap_or_default();
    let (Value::Object(mut merged), Value::Object(wanted)) = (before, change.clone()) else {
        return Err(ApiError::invalid("settings", "settings are a JSON object"));
    };
    let silenced = wanted.contains_key("notifications_silent_until");
    for (name, value) in wanted {
        if !merged.contains_key(&name) {
            return Err(ApiError::invalid(&name, format!("there is no setting {name:?}")));
        }
        merged.insert(name, value);
    }
    let settings: Settings = serde_json::from_value(Value::Object(merged)).map_err(|error| {
        ApiError::invalid("settings", format!("a setting has a wrong value: {error}"))
    })?;
    check(&settings)?;
    if reaches_further(&control.settings.load(), &settings) {
        control.confirmed(&headers).await?;
    }
    if silenced {
        check_silence(&settings, clock::now())?;
    }
    control.store.put_settings(&settings).await?;
    control.use_settings(settings.clone());
    control.audit.record(Actor::Owner, AuditAction::SettingsChanged, "settings", change).await;
    Ok(Json(settings))
}

impl Control {
    /// Goes by them from now on. They are stored already.
    pub(super) fn use_settings(&self, settings: Settings) {
        self.settings.replace(settings);
        self.upstreams.set_idle_stop(self.settings.idle_stop());
        let inherited = self.settings.load().inherited_environment.clone();
        self.upstreams.set_inherited_environment(inherited);
        self.events.send(Event::Settings);
    }
}

/// Do agents reach more by `wanted`, or the gateway requests addresses that agents chose?
fn reaches_further(before: &Settings, wanted: &Settings) -> bool {
    let opened = wanted.external_url.is_some() && wanted.external_url != before.external_url;
    opened || (wanted.client_id_documents && !before.client_id_documents)
}

/// Longest "do not disturb"; the setting `notifications` turns them off for good.
fn check_silence(settings: &Settings, now: Timestamp) -> ApiResult<()> {
    match settings.notifications_silent_until {
        Some(end) if end > now.plus(LONGEST_SILENCE) => {
            let detail =
                "notifications can be silent for at most 24 hours; switch them off instead";
            Err(ApiError::invalid("notifications_silent_until", detail))
        }
        _ => Ok(()),
    }
}

/// Validates settings.
pub(super) fn check(settings: &Settings) -> ApiResult<()> {
    let bounds: [(&str, u32, u32, u32); 8] = [
        ("approval_expiry_minutes", settings.approval_expiry_minutes, 1, 1_440),
        ("pending_per_agent", settings.pending_per_agent, 1, 100),
        ("call_timeout_seconds", settings.call_timeout_seconds, 1, 3_600),
        ("idle_stop_minutes", settings.idle_stop_minutes, 1, 1_440),
        ("activity_retention_days", settings.activity_retention_days, 1, 3_650),
        ("calls_per_minute", settings.calls_per_minute, 0, 1_000_000),
        ("port", settings.port.into(), 1_024, 65_535),
        ("external_port", settings.external_port.into(), 1_024, 65_535),
    ];
    for (name, value, least, most) in bounds {
        if !(least..=most).contains(&value) {
            return Err(ApiError::invalid(
                name,
                format!("{name} can be {least} to {most}, not {value}"),
            ));
        }
    }
    if settings.port == settings.external_port {
        let detail = "the external URL needs a port of its own";
        return Err(ApiError::invalid("external_port", detail));
    }
    if let Some(url) = &settings.external_url {
        external_origin(url).map_err(|why| ApiError::invalid("external_url", why))?;
    }
    check_inherited(&settings.inherited_environment)
}

/// Validates names of environment variables.
fn check_inherited(names: &[String]) -> ApiResult<()> {
    let bad = names.iter().find(|name| name.is_empty() || name.contains(['=', '\0', ' ']));
    if let Some(bad) = bad {
        let detail = format!("{bad:?} is no name for an environment variable");
        return Err(ApiError::invalid("inherited_environment", detail));
    }
    if names.len() > MAX_INHERITED {
        let detail = format!("inherited_environment can have at most {MAX_INHERITED} names");
        return Err(ApiError::invalid("inherited_environment", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_bounds() {
        assert!(check(&Settings::default()).is_ok());
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            check(&settings).is_err()
        };
        assert!(refused(|s| s.approval_expiry_minutes = 0));
        assert!(refused(|s| s.approval_expiry_minutes = 1_441));
        assert!(refused(|s| s.pending_per_agent = 0));
        assert!(refused(|s| s.activity_retention_days = 3_651));
        assert!(refused(|s| s.inherited_environment = vec!["A=B".to_owned()]));
        assert!(!refused(|s| s.inherited_environment = Vec::new()));
        assert!(refused(|s| s.port = 1_023) && refused(|s| s.port = 0));
        assert!(!refused(|s| s.port = 1_024) && !refused(|s| s.port = 65_535));
    }

    #[test]
    fn silence_ends_within_a_day() {
        let silent = |until: Option<i64>| {
            let until = until.map(Timestamp);
            let settings = Settings { notifications_silent_until: until, ..Settings::default() };
            check_silence(&settings, Timestamp(1_000)).is_ok()
        };
        const DAY: i64 = 24 * 3_600_000;
        assert!(silent(None) && silent(Some(0)) && silent(Some(1_000 + DAY)));
        assert!(!silent(Some(1_001 + DAY)));
    }
}
