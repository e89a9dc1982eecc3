//! Accounts of integrations: the OAuth 2.1 client towards upstream servers.

pub(crate) mod oauth;
