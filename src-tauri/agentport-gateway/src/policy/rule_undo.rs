//! Rules removed or replaced since the gateway started, so that the owner can undo that. In memory only.

use std::collections::VecDeque;

use crate::store::Transition;
use agentport_core::{
    RuleId,
    policy::{Mode, Rule},
};
use parking_lot::{Mutex, MutexGuard};

/// Most removed rules; the oldest is dropped first.
const MAX_REMOVED_RULES: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct RuleUndo(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    removed: VecDeque<Rule>,
    /// The rules that were replaced by a rule granted with one click.
    replaced: VecDeque<(RuleId, Vec<Rule>)>,
}

impl RuleUndo {
    fn lock(&self) -> MutexGuard<'_, Past> {
        self.0.lock()
    }

    pub(crate) fn removed(&self, rule: Rule) {
        let mut past = self.lock();
        past.removed.retain(|other| other.id != rule.id);
        past.removed.push_back(rule);
        if past.removed.len() > MAX_REMOVED_RULES {
            past.removed.pop_front();
        }
    }

    /// The rule of this id, if it was removed.
    pub(crate) fn find(&self, id: RuleId) -> Option<Rule> {
        self.lock().removed.iter().find(|rule| rule.id == id).cloned()
    }

    /// Takes out a rule to restore it. [`Transition::LostRace`]: another request took it.
    pub(crate) fn forget(&self, id: RuleId) -> Transition {
        let mut past = self.lock();
        let before = past.removed.len();
        past.removed.retain(|rule| rule.id != id);
        Transition::applied_if(past.removed.len() < before)
    }

    pub(crate) fn replaced(&self, by: RuleId, rules: Vec<Rule>) {
        if rules.is_empty() {
            return;
        }
        let mut past = self.lock();
        past.replaced.push_back((by, rules));
        if past.replaced.len() > MAX_REMOVED_RULES {
            past.replaced.pop_front();
        }
    }

    /// The stricter rules that `by` replaced. They are returned once.
    pub(crate) fn stricter_before(&self, by: RuleId) -> Vec<Rule> {
        let mut past = self.lock();
        let Some(at) = past.replaced.iter().position(|(rule, _)| *rule == by) else {
            return Vec::new();
        };
        let (_, rules) = past.replaced.remove(at).unwrap_or((by, Vec::new()));
        rules.into_iter().filter(|rule| rule.mode != Mode::Allow).collect()
    }
}

#[cfg(test)]
mod tests {
    use agentport_core::{
        Timestamp,
        policy::{Origin, Scope},
    };
    use uuid::Uuid;

    use super::*;

    fn rule(id: u128, mode: Mode) -> Rule {
        Rule {
            id: RuleId(Uuid::from_u128(id)),
            scope: Scope::Everything,
            mode,
            agent: None,
            conditions: Vec::new(),
            digest: None,
            expires_at: None,
            session: false,
            origin: Origin::Owner,
            created_at: Timestamp(0),
        }
    }

    #[test]
    fn the_last_hundred_are_kept() {
        let past = RuleUndo::default();
        for id in 0..101 {
            past.removed(rule(id, Mode::Allow));
        }
        let id = |id: u128| RuleId(Uuid::from_u128(id));
        assert_eq!(past.find(id(0)), None);
        assert_eq!(past.find(id(1)), Some(rule(1, Mode::Allow)));
        assert_eq!(past.forget(id(1)), Transition::Applied);
        assert_eq!(past.forget(id(1)), Transition::LostRace);
        assert_eq!(past.find(id(1)), None);
    }

    #[test]
    fn what_was_stricter_comes_back_once() {
        let past = RuleUndo::default();
        let by = RuleId(Uuid::from_u128(9));
        past.replaced(by, vec![rule(1, Mode::Allow), rule(2, Mode::RequireApproval)]);
        assert_eq!(past.stricter_before(RuleId(Uuid::from_u128(8))), []);
        assert_eq!(past.stricter_before(by), [rule(2, Mode::RequireApproval)]);
        assert_eq!(past.stricter_before(by), []);
    }
}
