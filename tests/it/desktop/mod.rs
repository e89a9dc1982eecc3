//! The tray app in a desktop session: what a person sees and clicks, and what no program may do.
//!
//! Each test has a session of its own. They need Xvfb, D-Bus, WebKit and a built app, so a plain `cargo test` leaves
//! them out; `cargo xtask test` brings what they need and runs them.

mod attention;
mod closing;
mod connect;
mod consents;
mod hostile;
mod life;
mod machine;
mod notices;
mod ports;
mod real;
mod scene;
mod settings;
mod tray;
mod windows;
