//! Limits the concurrent attempts of this isolate. A receiver that hangs uses memory and
//! connections until its timeout; above a limit its further deliveries wait in D1 instead. No
//! company can use up the isolate for the others, and no webhook can use up its company's share.

use std::cell::RefCell;
use std::collections::BTreeMap;

use trackmate_wire::limits::{ATTEMPTS_MAX, IN_FLIGHT_MAX};
use worker::Env;

use crate::store::request::LeaseBudget;

thread_local! {
    /// Number of ongoing attempts by company and subscription: several companies have a
    /// `wh_funnel`.
    static ATTEMPTS: RefCell<BTreeMap<(String, String), u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// An ongoing attempt. Dropping it ends it.
#[derive(Debug)]
pub struct OngoingAttempt((String, String));

/// Counts an attempt at a company's subscription, until the result is dropped.
#[must_use]
pub fn begin(company: &str, subscription: &str) -> OngoingAttempt {
    let key = (company.to_owned(), subscription.to_owned());
    ATTEMPTS.with_borrow_mut(|attempts| *attempts.entry(key.clone()).or_default() += 1);
    OngoingAttempt(key)
}

impl Drop for OngoingAttempt {
    fn drop(&mut self) {
        ATTEMPTS.with_borrow_mut(|attempts| match attempts.get_mut(&self.0) {
            Some(n) if *n > 1 => *n -= 1,
            Some(_) | None => drop(attempts.remove(&self.0)),
        });
    }
}

/// The share of one company or subscription: a third of what the others leave of `whole`.
const fn share(whole: u32, others: u32) -> u32 {
    whole.saturating_sub(others) / 3
}

/// Ongoing attempts: of the subscription, of its company, of all.
fn counts(company: &str, subscription: &str) -> (u32, u32, u32) {
    ATTEMPTS.with_borrow(|attempts| {
        let (mut of_subscription, mut of_company, mut all) = (0, 0, 0);
        for ((other, id), n) in attempts {
            all += n;
            if other == company {
                of_company += n;
                if id == subscription {
                    of_subscription = *n;
                }
            }
        }
        (of_subscription, of_company, all)
    })
}

/// Whether the company may begin another attempt in this isolate.
#[must_use]
pub fn has_capacity(company: &str) -> bool {
    let (_, of_company, all) = counts(company, "");
    of_company < share(IN_FLIGHT_MAX, all - of_company)
}

/// Whether the subscription has used up its share of this isolate.
#[must_use]
pub fn is_busy(company: &str, subscription: &str) -> bool {
    let (of_subscription, of_company, all) = counts(company, subscription);
    of_subscription >= share(share(IN_FLIGHT_MAX, all - of_company), of_company - of_subscription)
}

/// Most attempts of one invocation: the deployment's `ATTEMPTS_MAX`, or what the free plan allows.
#[must_use]
pub fn attempts_max(env: &Env) -> usize {
    env.var("ATTEMPTS_MAX").ok().and_then(|v| v.to_string().parse().ok()).unwrap_or(ATTEMPTS_MAX)
}

/// The deliveries that an invocation may lease when it stores events of this company.
#[must_use]
pub fn lease_budget(env: &Env, company: &str) -> LeaseBudget {
    let events = if has_capacity(company) { i64::try_from(attempts_max(env)).unwrap_or(i64::MAX) } else { 0 };
    let under_way: Vec<String> = ATTEMPTS.with_borrow(|attempts| {
        attempts.keys().filter(|(other, _)| other == company).map(|(_, id)| id.clone()).collect()
    });
    let busy = under_way.iter().filter(|id| is_busy(company, id)).collect::<Vec<_>>();
    let busy = serde_json::to_string(&busy);
    LeaseBudget { events, busy: busy.unwrap_or_else(|_| "[]".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins as many attempts as the subscription may.
    fn fill(company: &str, subscription: &str) -> Vec<OngoingAttempt> {
        let more = || (has_capacity(company) && !is_busy(company, subscription)).then(|| begin(company, subscription));
        std::iter::from_fn(more).collect()
    }

    #[test]
    fn ten_hanging_companies_leave_capacity_for_another_and_so_do_ten_hanging_webhooks_of_one_company() {
        let mut hanging: Vec<Vec<OngoingAttempt>> = (0..10).map(|n| fill(&format!("TM-{n}"), "wh_funnel")).collect();
        assert!(hanging.iter().all(|attempts| !attempts.is_empty()));
        assert!(has_capacity("TM-NEW") && !is_busy("TM-NEW", "wh_funnel"));
        hanging.clear();
        hanging.extend((0..10).map(|n| fill("TM-0", &format!("wh_{n}"))));
        assert!(has_capacity("TM-0") && !is_busy("TM-0", "wh_new"));
        assert!(has_capacity("TM-NEW"));
    }

    #[test]
    fn webhooks_with_the_same_id_in_two_companies_are_counted_apart() {
        let hanging = fill("TM-A", "wh_funnel");
        assert!(hanging.len() > 40 && is_busy("TM-A", "wh_funnel"));
        assert!(!is_busy("TM-B", "wh_funnel") && has_capacity("TM-B"));
        drop(hanging);
        assert!(!is_busy("TM-A", "wh_funnel"));
    }
}
