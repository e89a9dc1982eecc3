//! The figures, as a table for people and as JSON.

use std::fmt;

use serde_json::{Value, json};

/// Is more better or less?
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Budget {
    AtMost(f64),
    AtLeast(f64),
    /// Measured for comparison.
    None,
}

#[derive(Debug)]
struct Row {
    what: String,
    unit: &'static str,
    measured: f64,
    budget: Budget,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Row {
    /// Measured over budget, so that up to 1 is within it (for a least: budget over measured).
    fn ratio(&self) -> Option<f64> {
        match self.budget {
            Budget::AtMost(most) => Some(self.measured / most),
            Budget::AtLeast(least) => Some(least / self.measured),
            Budget::None => None,
        }
    }
}

impl Table {
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        unit: &'static str,
        budget: Budget,
    ) {
        self.rows.push(Row { what: what.into(), unit, measured, budget });
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| {
            let (budget, kind) = match row.budget {
                Budget::AtMost(most) => (json!(most), json!("at_most")),
                Budget::AtLeast(least) => (json!(least), json!("at_least")),
                Budget::None => (Value::Null, Value::Null),
            };
            json!({
                "what": row.what, "unit": row.unit, "measured": row.measured,
                "budget": budget, "kind": kind, "ratio": row.ratio(),
            })
        };
        json!({"rows": self.rows.iter().map(row).collect::<Vec<_>>()})
    }
}

/// Large figures need no decimals.
fn short(value: f64) -> String {
    if value.abs() >= 1_000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<62} {:>12} {:>14} {:>7}", "what", "measured", "budget", "ratio")?;
        for row in &self.rows {
            let budget = match row.budget {
                Budget::AtMost(most) => format!("≤ {}", short(most)),
                Budget::AtLeast(least) => format!("≥ {}", short(least)),
                Budget::None => String::new(),
            };
            let ratio = row.ratio().map(|ratio| {
                let over = if ratio > 1.0 { " !" } else { "" };
                format!("{ratio:.2}{over}")
            });
            let measured = format!("{} {}", short(row.measured), row.unit);
            writeln!(
                f,
                "{:<62} {measured:>12} {budget:>14} {:>7}",
                row.what,
                ratio.unwrap_or_default()
            )?;
        }
        Ok(())
    }
}
