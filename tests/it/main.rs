//! The integration tests: they use only the entry points that people and programs use.
//!
//! One binary, so that it links once. Each module is about one feature; each test starts its own gateway with its own data
//! directory and port.

mod agents;
mod approvals;
mod architecture;
mod bridge;
mod browser;
mod cli;
#[cfg(unix)]
mod client_file_crash;
mod clients;
mod conformance;
mod connect;
mod corpus;
mod definitions;
#[cfg(target_os = "linux")]
mod desktop;
mod directory;
#[cfg(target_os = "linux")]
mod doctor;
mod external;
mod http_sse;
#[cfg(unix)]
mod login_shell;
mod oauth;
mod oauth_server;
mod owner;
#[cfg(target_os = "linux")]
mod packages;
mod regressions;
mod rest;
mod scene;
mod secrets;
mod security;
mod serve;
#[cfg(target_os = "linux")]
mod shell;
mod skill;
mod sse_upstreams;
mod token_accounts;
mod upstream_processes;
mod upstreams;
