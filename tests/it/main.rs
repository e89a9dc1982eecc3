//! Everything that is tested through the doors people and programs use.
//!
//! One binary, so that it links once. Each module is about one promise of the product; each test starts a gateway of
//! its own, in a home of its own, on a port of its own.

mod agents;
mod approvals;
mod architecture;
mod attacks;
mod available;
mod browser;
mod cli;
mod clients;
mod conformance;
#[cfg(target_os = "linux")]
mod desktop;
mod fixed;
mod owner;
#[cfg(target_os = "linux")]
mod packages;
mod rest;
mod scene;
mod secrets;
mod serve;
mod upstreams;
