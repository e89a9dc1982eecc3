//! The tables of the OAuth server: registered clients, grants and the hashes of their tokens.

mod clients;
mod grants;
mod tokens;

pub(crate) use self::{
    clients::OAuthClientRow,
    grants::{Audience, GrantId, GrantRow},
    tokens::{LiveTokenRow, NewTokens, RefreshTokenRow},
};

#[cfg(test)]
mod tests;
