//! An authenticator app: makes one-time codes, each of a new time step, since no code is accepted twice.

use std::time::Duration;

use agentport_gateway::clock;
use totp_rs::{Builder, Secret, Totp};

const STEP: u64 = 30;

pub(crate) struct Authenticator {
    totp: Totp,
    last: u64,
}

impl Authenticator {
    pub(crate) fn new(base32: &str) -> Self {
        let secret = Secret::try_from_base32(base32).expect("a secret in Base32");
        Self { totp: Builder::new().with_secret(secret).build().expect("a secret"), last: 0 }
    }

    /// A code that is good now and was not given before. The gateway takes those of the steps beside the present one, so
    /// three can be had at once; for a fourth the clock has to go on.
    pub(crate) async fn code(&mut self) -> String {
        loop {
            let now = u64::try_from(clock::now().0).expect("a moment after 1970") / 1_000;
            // Not the step that is about to be too old.
            let oldest = if now % STEP < STEP - 5 { now / STEP - 1 } else { now / STEP };
            let step = oldest.max(self.last + 1);
            if step <= now / STEP + 1 {
                self.last = step;
                return self.of(step);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The one given last.
    pub(crate) fn again(&self) -> String {
        self.of(self.last)
    }

    fn of(&self, step: u64) -> String {
        self.totp.generate(step * STEP).to_string()
    }
}
