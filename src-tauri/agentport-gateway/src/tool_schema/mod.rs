//! JSON Schemas of tools: compiles them within bounds, and normalises definitions for publishing.
//!
//! Upstreams write the schemas, so nothing in them is trusted: compiling is bounded, references to elsewhere are never
//! fetched, and a definition that clients could not read is mended or left out.

mod publishable;
mod schema_cost;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

pub(crate) use publishable::publishable;

/// Schemas larger than this (as JSON text) are not compiled.
pub(crate) const MAX_SCHEMA_BYTES: usize = 256 * 1024;
/// Bytes of one compiled pattern: it bounds what a character of an argument costs.
const MAX_PATTERN_BYTES: usize = 512 * 1024;

/// Why a schema cannot be used for checking.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UncompiledSchema {
    #[error("the schema is too large to check")]
    TooLarge,
    #[error("the schema cannot be compiled: {0}")]
    Invalid(Box<jsonschema::ValidationError<'static>>),
}

/// Compiles a schema (JSON Schema 2020-12 unless it says otherwise).
pub(crate) fn compile(schema: &Value) -> Result<Validator, UncompiledSchema> {
    if schema.to_string().len() > MAX_SCHEMA_BYTES || !schema_cost::within_limits(schema) {
        return Err(UncompiledSchema::TooLarge);
    }
    // The time this engine takes grows with the text alone, whatever the pattern.
    let patterns =
        PatternOptions::regex().size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES);
    jsonschema::options()
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| UncompiledSchema::Invalid(Box::new(error)))
}
