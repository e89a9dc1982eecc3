//! The front end that `serve` shows in a browser.

pub(crate) use agentport_pages::assets;
