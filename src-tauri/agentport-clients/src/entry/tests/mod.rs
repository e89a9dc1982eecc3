//! Tables through one `check` each; the corpus of files is read as a whole.

mod agentport;
mod corpus;
mod read;

use crate::client::Client;

fn client(id: &str) -> &'static Client {
    Client::by_id(id).expect(id)
}
