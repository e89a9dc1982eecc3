//! Timestamps as local time.

use agentport_core::Timestamp;
use chrono::{DateTime, Datelike as _, Days, Local, NaiveTime, TimeZone};

/// The hour at which "until tomorrow" ends.
const MORNING_HOUR: u32 = 8;

/// `14:32` for today, `3 Nov` for another day.
pub(crate) fn display(at: Timestamp, now: Timestamp) -> String {
    match (local(at), local(now)) {
        (Some(at), Some(now)) => short(&at, &now),
        _ => at.to_string(),
    }
}

/// Eight in the morning of the next day.
pub(crate) fn tomorrow(now: Timestamp) -> Option<Timestamp> {
    morning_after(&local(now)?).map(|at| Timestamp(at.timestamp_millis()))
}

fn local(at: Timestamp) -> Option<DateTime<Local>> {
    Local.timestamp_millis_opt(at.0).single()
}

fn short<Z: TimeZone>(at: &DateTime<Z>, now: &DateTime<Z>) -> String
where
    Z::Offset: std::fmt::Display,
{
    if at.date_naive() == now.date_naive() {
        at.format("%H:%M").to_string()
    } else if at.year() == now.year() {
        at.format("%-d %b").to_string()
    } else {
        at.format("%-d %b %Y").to_string()
    }
}

fn morning_after<Z: TimeZone>(now: &DateTime<Z>) -> Option<DateTime<Z>> {
    let day = now.date_naive().checked_add_days(Days::new(1))?;
    let morning = day.and_time(NaiveTime::from_hms_opt(MORNING_HOUR, 0, 0)?);
    // Clocks are not changed at that hour; where they were, the earlier one will do.
    now.timezone().from_local_datetime(&morning).earliest()
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn says_no_more_than_is_needed() {
        let now = at("2026-11-20T14:00:00+05:00");
        for (text, shown) in [
            ("2026-11-20T14:32:59+05:00", "14:32"),
            ("2026-11-20T00:00:00+05:00", "00:00"),
            ("2026-11-03T09:00:00+05:00", "3 Nov"),
            ("2027-01-01T00:00:00+05:00", "1 Jan 2027"),
        ] {
            assert_eq!(short(&at(text), &now), shown, "{text}");
        }
    }

    #[test]
    fn tomorrow_is_the_next_morning() {
        for (now, morning) in [
            ("2026-11-20T23:59:00-03:00", "2026-11-21T08:00:00-03:00"),
            ("2026-11-20T00:01:00-03:00", "2026-11-21T08:00:00-03:00"),
            ("2026-12-31T12:00:00-03:00", "2027-01-01T08:00:00-03:00"),
        ] {
            assert_eq!(morning_after(&at(now)), Some(at(morning)), "{now}");
        }
    }
}
