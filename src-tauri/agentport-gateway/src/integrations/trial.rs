//! Trying a server before it is added: within its time, watched and ended by the owner.

use std::{path::Path, sync::Arc, time::Duration};

use agentport_api::{AddIntegration, TokenPlace};
use agentport_core::IntegrationId;

use super::{
    Integrations,
    add::{AddError, is_on, target_of},
    connect::sign_in_with,
    pending::PendingAdd,
};
use crate::{
    accounts::OAuthAccount,
    directory,
    upstream::{OpenedUpstream, UpstreamError, UpstreamSpec, UpstreamTarget},
};

/// How long an integration that is kept anyway is tried.
const KEPT_TRIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new remote server is tried, from the first byte to the last list, and how long a local one may be silent.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a program may be silent that downloads another one before it runs it.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Programs that do so, and write nothing meanwhile.
const PACKAGE_RUNNERS: [&str; 9] =
    ["npx", "bunx", "pnpm", "yarn", "uvx", "uv", "pipx", "docker", "podman"];
impl Integrations {
    /// A connection that works, or `None` if it is to be kept although it can't be reached now or was not to be tried.
    /// Ends when the owner ends the addition.
    pub(super) async fn try_out(
        &self,
        id: IntegrationId,
        add: &AddIntegration,
        account: Option<&Arc<OAuthAccount>>,
        pending: &PendingAdd<'_>,
    ) -> Result<Option<OpenedUpstream>, AddError> {
        let mut target = target_of(add)?;
        if let Some(account) = account {
            sign_in_with(&mut target, account.clone());
        }
        if add.untried || !is_on(add) {
            return Ok(None);
        }
        let usual = limit_silence(&mut target);
        let limit = if add.keep_unreachable { KEPT_TRIAL_TIMEOUT } else { usual };
        let watch = pending.begin_trial(target.display_name(), limit);
        let is_local = matches!(target, UpstreamTarget::Local(_));
        let spec = UpstreamSpec {
            id,
            target,
            idle_stop: self.settings.idle_stop(),
            last_revision: None,
            last_transport: None,
        };
        let opening = self.upstreams.open(&spec, &watch);
        let opened = async {
            // One that writes has more time: the limit is one of silence.
            if is_local && !add.keep_unreachable {
                return opening.await;
            }
            let late = Err(UpstreamError::TimedOut { after: limit });
            tokio::time::timeout(limit, opening).await.unwrap_or(late)
        };
        let opened = tokio::select! {
            opened = opened => opened,
            () = pending.cancelled() => return Err(AddError::Cancelled),
        };
        match opened {
            Ok(opened) => Ok(Some(opened)),
            // That is an answer: what was given to get in does not.
            Err(error @ UpstreamError::NeedsAuth { .. })
                if add.keep_unreachable && !add.secrets.is_empty() =>
            {
                Err(AddError::Unreachable(error))
            }
            Err(_) if add.keep_unreachable => Ok(None),
            Err(error) if account.is_some() => Err(AddError::Unreachable(error)),
            Err(error) => Err(refused_trial(add, error)),
        }
    }
}

/// Ends a connection that no integration is going to use.
pub(super) async fn close(opened: Option<OpenedUpstream>) {
    if let Some(opened) = opened {
        opened.close().await;
    }
}

/// Gives a local server the time it may be silent while it is tried, unless its owner has set one. Returns the time that
/// counts for the target.
fn limit_silence(target: &mut UpstreamTarget) -> Duration {
    let UpstreamTarget::Local(local) = target else { return TRIAL_TIMEOUT };
    let program = Path::new(&local.command).file_stem().and_then(|name| name.to_str());
    let downloads = program.is_some_and(|name| PACKAGE_RUNNERS.contains(&name));
    let usual = if downloads { DOWNLOAD_TIMEOUT } else { TRIAL_TIMEOUT };
    *local.startup_timeout.get_or_insert(usual)
}

/// A server that was given no secret and refuses wants one.
fn refused_trial(add: &AddIntegration, error: UpstreamError) -> AddError {
    match (error, add.connection.url()) {
        (UpstreamError::NeedsAuth { scheme, .. }, Some(url)) if add.secrets.is_empty() => {
            AddError::TokenNeeded(token_place(url, scheme.as_deref()))
        }
        (error, _) => AddError::Unreachable(error),
    }
}

/// Where a server wants its token: as the directory says of its origin, else as its challenge says (RFC 6750, section 2.1).
fn token_place(url: &str, scheme: Option<&str>) -> TokenPlace {
    directory::token_place(url).unwrap_or_else(|| TokenPlace {
        header: "Authorization".to_owned(),
        format: format!("{} {{token}}", scheme.unwrap_or("Bearer")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_where_directory_or_challenge_say() {
        for (url, scheme, header, format) in [
            ("https://h.test/mcp", None, "Authorization", "Bearer {token}"),
            ("https://h.test/mcp", Some("ApiKey"), "Authorization", "ApiKey {token}"),
            ("https://mcp.exa.ai/other", Some("Bearer"), "x-api-key", "{token}"),
        ] {
            let place = token_place(url, scheme);
            assert_eq!((place.header.as_str(), place.format.as_str()), (header, format), "{url}");
        }
    }
}
