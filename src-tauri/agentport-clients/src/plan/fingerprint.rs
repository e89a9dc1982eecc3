//! Fingerprint of a server: comparable later without storing its definition.

use serde_json::{Value, json};

use super::{ImportLaunch, PlannedImport};
use crate::backups::digest;

impl PlannedImport {
    /// SHA-256 of how the server is reached, secrets included, in hexadecimal. Its name and the client it is configured
    /// in make no difference, nor does the order in which its fields stand.
    pub fn fingerprint(&self) -> String {
        let launch = match &self.launch {
            ImportLaunch::Local { command, args, secret_args, env, secret_env, cwd } => {
                json!([command, args, secret_args, env, secret_env, cwd])
            }
            ImportLaunch::Remote { url, headers, oauth: None } => json!([url, headers]),
            ImportLaunch::Remote { url, headers, oauth } => json!([url, headers, oauth]),
        };
        let secrets: Vec<Value> =
            self.secrets.iter().map(|(name, secret)| json!([name, secret.expose()])).collect();
        digest(json!([launch, secrets]).to_string().as_bytes())
    }
}
