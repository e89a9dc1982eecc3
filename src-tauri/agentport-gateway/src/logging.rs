//! The log of the programs that run the gateway: to stderr, filtered by `RUST_LOG`, without what other libraries would
//! say of credentials.

use std::io::IsTerminal as _;

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _,
};

/// The filter where `RUST_LOG` is not set.
const DEFAULT_FILTER: &str = "info";

/// Begins to log to stderr. To be called once, by a program.
pub fn log_to_stderr() {
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let asked =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let allowed = filter_fn(|metadata| is_allowed(metadata.target(), *metadata.level()));
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(asked)).with(allowed);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::warn!("logging was set up already");
    }
}

/// Whatever `RUST_LOG` says: rmcp logs whole requests, authorization codes and token answers below `warn`, and its
/// transports whole addresses, whose query may be a secret, at any level. The gateway logs the same failures itself.
fn is_allowed(target: &str, level: Level) -> bool {
    let belongs_to = |module: &str| {
        target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    if belongs_to("rmcp::transport") || belongs_to("oauth2") {
        return false;
    }
    // HTTP libraries log headers and bodies.
    let is_wire = ["rmcp", "reqwest", "hyper", "hyper_util", "h2"].into_iter().any(belongs_to);
    !is_wire || level <= Level::WARN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_library_logs_credentials() {
        for (target, level, want) in [
            ("agentport_gateway::accounts", Level::DEBUG, true),
            ("rmcp", Level::WARN, true),
            ("rmcp::service", Level::INFO, false),
            ("rmcp::transport::auth", Level::ERROR, false),
            ("oauth2", Level::WARN, false),
            ("hyper_util::client::legacy::pool", Level::TRACE, false),
            ("rmcpx", Level::TRACE, true),
        ] {
            assert_eq!(is_allowed(target, level), want, "{target} {level}");
        }
    }
}
