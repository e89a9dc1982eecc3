//! Reading columns, each checked: what does not fit its type is corrupt, and says where.

use agentport_core::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{Decode, Row as _, Sqlite, Type, sqlite::SqliteRow};
use uuid::Uuid;

use super::{Result, StoreError};

/// A row, with the table's name and a way to name the row when something is wrong with it.
pub(crate) struct Columns<'r> {
    table: &'static str,
    key: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Columns<'r> {
    /// `key` is the column that names the row in errors.
    pub(crate) fn new(table: &'static str, key: &'static str, row: &'r SqliteRow) -> Self {
        Self { table, key, row }
    }

    pub(crate) fn corrupt(&self, what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { table: self.table, row: self.name(), what: what.into() }
    }

    fn name(&self) -> String {
        if let Ok(Some(text)) = self.row.try_get::<Option<&str>, _>(self.key) {
            return text.to_owned();
        }
        if let Ok(Some(number)) = self.row.try_get::<Option<i64>, _>(self.key) {
            return number.to_string();
        }
        match self.row.try_get::<Option<&[u8]>, _>(self.key) {
            Ok(Some(bytes)) => {
                Uuid::from_slice(bytes).map_or_else(|_| hex(bytes), |id| id.to_string())
            }
            _ => "without a key".to_owned(),
        }
    }

    /// The column as SQLite's own type.
    pub(crate) fn opt<T>(&self, column: &'static str) -> Result<Option<T>>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.row.try_get(column).map_err(|error| self.corrupt(format!("{column}: {error}")))
    }

    /// The same, for a column that must not be null: asked for directly, sqlx would read null as 0 or empty.
    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.opt(column)?.ok_or_else(|| self.missing(column))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: &'static str) -> Result<Option<String>> {
        self.opt(column)
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool> {
        match self.get::<i64>(column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.corrupt(format!("{column}: {other} is neither 0 nor 1"))),
        }
    }

    /// A number that is never negative.
    pub(crate) fn count(&self, column: &'static str) -> Result<u64> {
        let number: i64 = self.get(column)?;
        u64::try_from(number).map_err(|_| self.corrupt(format!("{column}: {number} is negative")))
    }

    pub(crate) fn moment(&self, column: &'static str) -> Result<Timestamp> {
        self.get(column).map(Timestamp)
    }

    pub(crate) fn opt_moment(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.opt::<i64>(column)?.map(Timestamp))
    }

    pub(crate) fn uuid(&self, column: &'static str) -> Result<Uuid> {
        self.opt_uuid(column)?.ok_or_else(|| self.missing(column))
    }

    pub(crate) fn opt_uuid(&self, column: &'static str) -> Result<Option<Uuid>> {
        self.opt::<&[u8]>(column)?
            .map(|bytes| {
                Uuid::from_slice(bytes)
                    .map_err(|_| self.corrupt(format!("{column}: not an id of 16 bytes")))
            })
            .transpose()
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<[u8; 32]> {
        self.opt_digest(column)?.ok_or_else(|| self.missing(column))
    }

    pub(crate) fn opt_digest(&self, column: &'static str) -> Result<Option<[u8; 32]>> {
        self.opt::<&[u8]>(column)?
            .map(|bytes| {
                bytes
                    .try_into()
                    .map_err(|_| self.corrupt(format!("{column}: not a digest of 32 bytes")))
            })
            .transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        self.opt_json(column)?.ok_or_else(|| self.missing(column))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        self.opt::<&str>(column)?
            .map(|text| {
                // Not the error's own text: it can quote what is stored.
                serde_json::from_str(text)
                    .map_err(|_| self.corrupt(format!("{column}: not the JSON that belongs there")))
            })
            .transpose()
    }

    /// A word of a closed set.
    pub(crate) fn word<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        self.opt_word(column, parse)?.ok_or_else(|| self.missing(column))
    }

    pub(crate) fn opt_word<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        self.opt::<&str>(column)?
            .map(|word| {
                parse(word).ok_or_else(|| self.corrupt(format!("{column}: unknown word {word:?}")))
            })
            .transpose()
    }

    pub(crate) fn missing(&self, column: &'static str) -> StoreError {
        self.corrupt(format!("{column}: missing"))
    }
}

/// Writes bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A list or another plain value as JSON. Only for types whose serialisation cannot fail.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
