//! Parser of durations as people write them: `90s`, `30m`, `24h`, `30d`, `2w`, `1d12h`.

use std::time::Duration;

use agentport_core::Timestamp;
use agentport_gateway::clock;

const HOW: &str = "write a number and a unit, such as 30m, 24h or 7d";

/// Parses a duration longer than zero and at most a hundred years.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(HOW)?;
        let number: u64 = rest[..digits].parse().map_err(|_| HOW)?;
        let unit = rest[digits..].chars().next().ok_or(HOW)?;
        let each = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(HOW.into()),
        };
        seconds = number
            .checked_mul(each)
            .and_then(|more| seconds.checked_add(more))
            .filter(|&sum| sum <= 100 * 365 * 86_400)
            .ok_or("longer than a hundred years")?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    if seconds == 0 { Err(HOW.into()) } else { Ok(Duration::from_secs(seconds)) }
}

/// Parses a duration into minutes, rounded up: the unit of grants.
pub(crate) fn minutes(text: &str) -> Result<u32, String> {
    let minutes = span(text)?.as_secs().div_ceil(60);
    u32::try_from(minutes).map_err(|_| "too long".to_owned())
}

/// Parses a moment in the past: a duration before now, or RFC 3339.
pub(crate) fn since(text: &str) -> Result<Timestamp, String> {
    span(text).map(|ago| clock::now().minus(ago)).or_else(|how| {
        text.parse().map_err(|_| format!("{how}, or a moment such as 2026-01-31T12:00:00Z"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("30m", 1_800),
            ("24h", 86_400),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("1d12h", 129_600),
        ] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in
            ["", "30", "d", "0m", "-5m", "5 m", "5y", "1h30", "99999999999999999999d", "101w1ö"]
        {
            assert!(span(bad).is_err(), "{bad}");
        }
        assert!(span("5300w").is_err(), "more than a century");
    }

    #[test]
    fn rounds_minutes_up() {
        assert_eq!(minutes("30m"), Ok(30));
        assert_eq!(minutes("61s"), Ok(2));
        assert_eq!(minutes("1s"), Ok(1));
    }

    #[test]
    fn reads_moments() {
        assert_eq!(since("1970-01-01T00:00:01Z"), Ok(Timestamp(1_000)));
        assert!(since("24h").unwrap() < clock::now());
        assert!(since("yesterday").is_err());
    }
}
