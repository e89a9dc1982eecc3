//! What an attack on the gateway has found, each so that it shows if it comes back.

mod authentication;
mod definitions;
mod keys;
mod requests;
mod rounds;
mod running;
