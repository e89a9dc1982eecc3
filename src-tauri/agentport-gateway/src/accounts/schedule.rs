//! Renews tokens at four fifths of their life, whether requests need them or not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use agentport_core::{AccountId, Timestamp};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Accounts;
use crate::clock;

/// How often the clock is looked at. After sleep the first look finds what has become due meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

impl Accounts {
    /// Renews accounts when their time has come, until `stop`.
    pub(crate) async fn renew_on_schedule(self: Arc<Self>, stop: CancellationToken) {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A spread per account, so that those of one provider do not ask it in the same moment.
        let mut jitters = HashMap::<AccountId, f64>::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => self.renew_due(clock::now(), &mut jitters),
            }
        }
    }

    fn renew_due(&self, now: Timestamp, jitters: &mut HashMap<AccountId, f64>) {
        let all: Vec<_> =
            self.all().iter().filter_map(|account| account.oauth().cloned()).collect();
        jitters.retain(|id, _| all.iter().any(|account| account.id() == *id));
        for account in all {
            let jitter = *jitters.entry(account.id()).or_insert_with(rand::random);
            if account.tokens().renewal_at(jitter).is_some_and(|at| at <= now) {
                self.services.tasks.spawn(async move { account.renew_early().await });
            }
        }
    }
}
