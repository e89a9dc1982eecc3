//! What the OAuth server forgets after a time.

use std::time::Duration;

use super::registration::MAX_UNUSED_CLIENTS;
use crate::{
    clock,
    store::{self, Store},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Time a client may be registered without getting a token.
const UNUSED_CLIENT_DAYS: u32 = 30;
/// Time an ended sign-in is kept.
const ENDED_GRANT_DAYS: u32 = 90;

/// Removes expired tokens, old grants, and clients that never got a token.
pub(crate) async fn delete_expired(store: &Store) -> store::Result<()> {
    let now = clock::now();
    store.delete_expired_oauth_tokens(now.minus(DAY)).await?;
    store.delete_old_oauth_grants(now.minus(DAY * ENDED_GRANT_DAYS)).await?;
    let registered = now.minus(DAY * UNUSED_CLIENT_DAYS);
    store.delete_unused_oauth_clients(registered, MAX_UNUSED_CLIENTS).await.map(drop)
}
