//! Limits the concurrent attempts of this isolate. A receiver that hangs uses memory and
//! connections until its timeout; above a limit its further deliveries wait in D1 instead. No
//! company can use up the isolate for the others, and no webhook can use up its company's share.
//!
//! A webhook whose receiver has just answered quickly has a larger limit of its own, and uses none
//! of the others' share: its attempts end soon, and waiting in D1 would cost them more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use trackmate_wire::limits::{IN_FLIGHT_MAX, IN_FLIGHT_QUICK_MAX, QUICK_MS_MAX};
use worker::Env;

use crate::store::request::LeaseBudget;
use crate::vars::Vars;

/// The ongoing attempts at one subscription.
#[derive(Default)]
struct Ongoing {
    /// When each began, ms, with a number that tells those of one millisecond apart.
    began: BTreeSet<(i64, u64)>,
    /// Number of the latest attempt.
    latest: u64,
    /// Whether the latest attempt that ended was quick.
    was_quick: bool,
}

impl Ongoing {
    fn count(&self) -> u32 {
        u32::try_from(self.began.len()).unwrap_or(u32::MAX)
    }

    /// Whether the receiver answers quickly: it did the last time, and lets no attempt wait now.
    fn is_quick(&self, now: i64) -> bool {
        self.was_quick && self.began.first().is_none_or(|(began, _)| now - began < QUICK_MS_MAX)
    }
}

thread_local! {
    /// Ongoing attempts by company and subscription: several companies have a `wh_funnel`.
    static ONGOING: RefCell<BTreeMap<(String, String), Ongoing>> = const { RefCell::new(BTreeMap::new()) };
}

/// An ongoing attempt. Dropping it ends it.
#[derive(Debug)]
pub struct OngoingAttempt {
    subscription: (String, String),
    began: (i64, u64),
}

/// Counts an attempt at a company's subscription, until the result is dropped. `now` is in ms.
#[must_use]
pub fn begin(company: &str, subscription: &str, now: i64) -> OngoingAttempt {
    let subscription = (company.to_owned(), subscription.to_owned());
    let began = ONGOING.with_borrow_mut(|all| {
        let ongoing = all.entry(subscription.clone()).or_default();
        ongoing.latest += 1;
        let began = (now, ongoing.latest);
        ongoing.began.insert(began);
        began
    });
    OngoingAttempt { subscription, began }
}

impl OngoingAttempt {
    /// Ends it at this time (ms), because the receiver answered or failed.
    pub fn end(self, now: i64) {
        ONGOING.with_borrow_mut(|all| {
            if let Some(ongoing) = all.get_mut(&self.subscription) {
                ongoing.was_quick = now - self.began.0 < QUICK_MS_MAX;
            }
        });
    }
}

impl Drop for OngoingAttempt {
    fn drop(&mut self) {
        ONGOING.with_borrow_mut(|all| {
            let Some(ongoing) = all.get_mut(&self.subscription) else { return };
            ongoing.began.remove(&self.began);
            if ongoing.began.is_empty() {
                all.remove(&self.subscription);
            }
        });
    }
}

/// The share of one company or subscription: a third of what the others leave of `whole`.
const fn share(whole: u32, others: u32) -> u32 {
    whole.saturating_sub(others) / 3
}

/// Numbers of ongoing attempts at quick receivers, or at the others.
struct Counts {
    of_subscription: u32,
    of_company: u32,
    all: u32,
}

impl Counts {
    fn of(company: &str, subscription: &str, quick: bool, now: i64) -> Self {
        let mut counts = Self { of_subscription: 0, of_company: 0, all: 0 };
        ONGOING.with_borrow(|all| {
            for ((other, id), ongoing) in all {
                if ongoing.is_quick(now) != quick {
                    continue;
                }
                counts.all += ongoing.count();
                if other == company {
                    counts.of_company += ongoing.count();
                    if id == subscription {
                        counts.of_subscription = ongoing.count();
                    }
                }
            }
        });
        counts
    }
}

/// Whether the company may begin another attempt in this isolate now (ms).
#[must_use]
pub fn has_capacity(company: &str, now: i64) -> bool {
    let Counts { of_company, all, .. } = Counts::of(company, "", false, now);
    of_company < share(IN_FLIGHT_MAX, all - of_company)
}

/// Whether the subscription has used up its share of this isolate now (ms).
#[must_use]
pub fn is_busy(company: &str, subscription: &str, now: i64) -> bool {
    let key = (company.to_owned(), subscription.to_owned());
    let quick = ONGOING.with_borrow(|all| all.get(&key).is_some_and(|ongoing| ongoing.is_quick(now)));
    let whole = if quick { IN_FLIGHT_QUICK_MAX } else { IN_FLIGHT_MAX };
    let Counts { of_subscription, of_company, all } = Counts::of(company, subscription, quick, now);
    of_subscription >= share(share(whole, all - of_company), of_company - of_subscription)
}

/// Most attempts of one invocation: the deployment's `ATTEMPTS_MAX`, or what the free plan allows.
#[must_use]
pub fn attempts_max(env: &Env) -> usize {
    Vars::of(env).attempts_max
}

/// The deliveries that an invocation may lease when it stores events of this company now (ms).
#[must_use]
pub fn lease_budget(env: &Env, company: &str, now: i64) -> LeaseBudget {
    let events = if has_capacity(company, now) { i64::try_from(attempts_max(env)).unwrap_or(i64::MAX) } else { 0 };
    let under_way: Vec<String> =
        ONGOING.with_borrow(|all| all.keys().filter(|(other, _)| other == company).map(|(_, id)| id.clone()).collect());
    let busy = under_way.iter().filter(|id| is_busy(company, id, now)).collect::<Vec<_>>();
    let busy = serde_json::to_string(&busy);
    LeaseBudget { events, busy: busy.unwrap_or_else(|_| "[]".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins as many attempts as the subscription may at this time.
    fn fill(company: &str, subscription: &str, now: i64) -> Vec<OngoingAttempt> {
        let has_more = || has_capacity(company, now) && !is_busy(company, subscription, now);
        std::iter::from_fn(|| has_more().then(|| begin(company, subscription, now))).collect()
    }

    #[test]
    fn ten_hanging_companies_leave_capacity_for_another_and_so_do_ten_hanging_webhooks_of_one_company() {
        let mut hanging: Vec<Vec<OngoingAttempt>> = (0..10).map(|n| fill(&format!("TM-{n}"), "wh_funnel", 0)).collect();
        assert!(hanging.iter().all(|attempts| !attempts.is_empty()));
        assert!(has_capacity("TM-NEW", 0) && !is_busy("TM-NEW", "wh_funnel", 0));
        hanging.clear();
        hanging.extend((0..10).map(|n| fill("TM-0", &format!("wh_{n}"), 0)));
        assert!(has_capacity("TM-0", 0) && !is_busy("TM-0", "wh_new", 0));
        assert!(has_capacity("TM-NEW", 0));
    }

    #[test]
    fn webhooks_with_the_same_id_in_two_companies_are_counted_apart() {
        let hanging = fill("TM-A", "wh_funnel", 0);
        assert!(hanging.len() > 40 && is_busy("TM-A", "wh_funnel", 0));
        assert!(!is_busy("TM-B", "wh_funnel", 0) && has_capacity("TM-B", 0));
        drop(hanging);
        assert!(!is_busy("TM-A", "wh_funnel", 0));
    }

    #[test]
    fn a_quick_receiver_may_have_more_attempts_until_it_lets_one_wait() {
        let mut attempts = fill("TM-A", "wh_quick", 0);
        let at_first = attempts.len();
        attempts.remove(0).end(QUICK_MS_MAX - 1);
        attempts.extend(fill("TM-A", "wh_quick", QUICK_MS_MAX - 1));
        assert!(attempts.len() > 2 * at_first, "{} and {at_first}", attempts.len());
        assert!(is_busy("TM-A", "wh_quick", QUICK_MS_MAX - 1), "there is a limit");
        attempts.truncate(at_first + 1);
        assert!(!is_busy("TM-A", "wh_quick", QUICK_MS_MAX - 1));
        assert!(is_busy("TM-A", "wh_quick", QUICK_MS_MAX), "the first waits too long now");
        attempts.remove(0).end(QUICK_MS_MAX);
        attempts.truncate(at_first);
        assert!(is_busy("TM-A", "wh_quick", QUICK_MS_MAX), "its latest answer was slow");
    }

    #[test]
    fn many_attempts_at_a_quick_receiver_leave_the_share_of_the_others_whole() {
        let mut attempts = fill("TM-A", "wh_quick", 0);
        attempts.remove(0).end(1);
        attempts.extend(fill("TM-A", "wh_quick", 1));
        assert_eq!(fill("TM-A", "wh_other", 1).len(), 44);
        assert_eq!(fill("TM-B", "wh_other", 1).len(), 44);
    }
}
