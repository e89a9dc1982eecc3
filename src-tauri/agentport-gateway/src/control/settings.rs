//! Settings: read whole, changed one by one.

use axum::{Json, extract::State};
use serde_json::Value;

use super::{
    Control,
    problem::{Answer, Refused},
    types::{Event, Settings},
};

pub(super) async fn read(State(control): State<Control>) -> Answer<Json<Settings>> {
    Ok(Json(Settings::clone(&control.engine.settings.load())))
}

pub(super) async fn change(
    State(control): State<Control>,
    Json(change): Json<Value>,
) -> Answer<Json<Settings>> {
    let engine = &control.engine;
    let before = serde_json::to_value(&**engine.settings.load()).unwrap_or_default();
    let (Value::Object(mut merged), Value::Object(wanted)) = (before, change.clone()) else {
        return Err(Refused::invalid("settings", "settings are a JSON object"));
    };
    for (name, value) in wanted {
        if !merged.contains_key(&name) {
            return Err(Refused::invalid(&name, format!("there is no setting {name:?}")));
        }
        merged.insert(name, value);
    }
    let settings: Settings = serde_json::from_value(Value::Object(merged)).map_err(|error| {
        Refused::invalid("settings", format!("a setting has a wrong value: {error}"))
    })?;
    check(&settings)?;
    engine.store.put_settings(&settings).await?;
    engine.settings.store(std::sync::Arc::new(settings.clone()));
    engine.upstreams.set_idle_stop(engine.idle_stop());
    engine.note("owner", "settings.changed", "settings", change).await;
    engine.events.send(Event::Settings);
    Ok(Json(settings))
}

fn check(settings: &Settings) -> Answer<()> {
    let bounds: [(&str, u32, u32, u32); 6] = [
        ("approval_expiry_minutes", settings.approval_expiry_minutes, 1, 1_440),
        ("pending_per_agent", settings.pending_per_agent, 1, 100),
        ("call_timeout_seconds", settings.call_timeout_seconds, 1, 3_600),
        ("idle_stop_minutes", settings.idle_stop_minutes, 1, 1_440),
        ("activity_retention_days", settings.activity_retention_days, 1, 3_650),
        ("calls_per_minute", settings.calls_per_minute, 0, 1_000_000),
    ];
    for (name, value, least, most) in bounds {
        if !(least..=most).contains(&value) {
            return Err(Refused::invalid(
                name,
                format!("{name} can be {least} to {most}, not {value}"),
            ));
        }
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
    }
}
