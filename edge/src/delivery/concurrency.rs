//! What is under way in this isolate. A receiver that hangs holds memory and connections for as
//! long as its timeout; beyond a bound, its further deliveries wait in D1 instead. No company can
//! fill the isolate for the others, and no webhook its company's share of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use trackmate_wire::limits::{ATTEMPTS_MAX, IN_FLIGHT_MAX};
use worker::Env;

use crate::store::request::Room;

thread_local! {
    /// Attempts under way, by company and subscription: `wh_funnel` is an id that every company
    /// has.
    static ATTEMPTS: RefCell<BTreeMap<(String, String), u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// An attempt under way; dropping it ends it.
#[derive(Debug)]
pub struct Attempt((String, String));

/// Notes an attempt at a company's subscription.
#[must_use]
pub fn begin(company: &str, subscription: &str) -> Attempt {
    let place = (company.to_owned(), subscription.to_owned());
    ATTEMPTS.with_borrow_mut(|attempts| *attempts.entry(place.clone()).or_default() += 1);
    Attempt(place)
}

impl Drop for Attempt {
    fn drop(&mut self) {
        ATTEMPTS.with_borrow_mut(|attempts| match attempts.get_mut(&self.0) {
            Some(n) if *n > 1 => *n -= 1,
            Some(_) | None => drop(attempts.remove(&self.0)),
        });
    }
}

/// What one may have of so many, of which the others have some: a third of the rest.
const fn share(whole: u32, others: u32) -> u32 {
    whole.saturating_sub(others) / 3
}

/// Attempts under way: of the subscription, of its company, of all.
fn counts(company: &str, subscription: &str) -> (u32, u32, u32) {
    ATTEMPTS.with_borrow(|attempts| {
        let (mut of_it, mut own, mut all) = (0, 0, 0);
        for ((whose, id), n) in attempts {
            all += n;
            if whose == company {
                own += n;
                if id == subscription {
                    of_it = *n;
                }
            }
        }
        (of_it, own, all)
    })
}

/// Whether the company may have another attempt under way here.
#[must_use]
pub fn has_room(company: &str) -> bool {
    let (_, own, all) = counts(company, "");
    own < share(IN_FLIGHT_MAX, all - own)
}

/// Whether the subscription has as many attempts under way here as it may.
#[must_use]
pub fn is_busy(company: &str, subscription: &str) -> bool {
    let (of_it, own, all) = counts(company, subscription);
    of_it >= share(share(IN_FLIGHT_MAX, all - own), own - of_it)
}

/// Attempts that one invocation makes at most: the deployment's `ATTEMPTS_MAX`, or what the free
/// plan affords.
#[must_use]
pub fn attempts_max(env: &Env) -> usize {
    env.var("ATTEMPTS_MAX").ok().and_then(|v| v.to_string().parse().ok()).unwrap_or(ATTEMPTS_MAX)
}

/// What an invocation that stores events of this company may lease for itself.
#[must_use]
pub fn room(env: &Env, company: &str) -> Room {
    let events = if has_room(company) { i64::try_from(attempts_max(env)).unwrap_or(i64::MAX) } else { 0 };
    let under_way: Vec<String> = ATTEMPTS.with_borrow(|attempts| {
        attempts.keys().filter(|(whose, _)| whose == company).map(|(_, id)| id.clone()).collect()
    });
    let busy = under_way.iter().filter(|id| is_busy(company, id)).collect::<Vec<_>>();
    let busy = serde_json::to_string(&busy);
    Room { events, busy: busy.unwrap_or_else(|_| "[]".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many attempts as the subscription may begin.
    fn fill(company: &str, subscription: &str) -> Vec<Attempt> {
        let more = || (has_room(company) && !is_busy(company, subscription)).then(|| begin(company, subscription));
        std::iter::from_fn(more).collect()
    }

    #[test]
    fn ten_companies_that_hang_leave_room_for_one_more_and_so_do_ten_webhooks_of_one() {
        let mut hanging: Vec<Vec<Attempt>> = (0..10).map(|n| fill(&format!("TM-{n}"), "wh_funnel")).collect();
        assert!(hanging.iter().all(|attempts| !attempts.is_empty()));
        assert!(has_room("TM-NEW") && !is_busy("TM-NEW", "wh_funnel"));
        hanging.clear();
        hanging.extend((0..10).map(|n| fill("TM-0", &format!("wh_{n}"))));
        assert!(has_room("TM-0") && !is_busy("TM-0", "wh_new"));
        assert!(has_room("TM-NEW"));
    }

    #[test]
    fn a_webhook_of_the_same_id_in_another_company_is_another() {
        let hanging = fill("TM-A", "wh_funnel");
        assert!(hanging.len() > 40 && is_busy("TM-A", "wh_funnel"));
        assert!(!is_busy("TM-B", "wh_funnel") && has_room("TM-B"));
        drop(hanging);
        assert!(!is_busy("TM-A", "wh_funnel"));
    }
}
