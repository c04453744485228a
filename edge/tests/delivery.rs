//! The life of a delivery, twice over. First a million seeded schedules of invocations that crash, wake-ups that are lost, doubled and late, owners who
//! switch off and on, and receivers that fail, against the pure rules: nothing is lost, no two attempts of one delivery are live, attempts stay within
//! their budget. Then the SQL on the real schema against the same rules, step by step. `SCHEDULES` and `SEED` make it longer and repeat it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod schema;

use std::cell::RefCell;

use fastrand::Rng;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use trackmate_edge::domain::circuit::{Circuit, OPENS_AFTER, PAUSE_MS_MAX, PAUSE_MS_MIN, Seen};
use trackmate_edge::domain::delivery::{Delivery, Next, Outcome, Policy, State, after_attempt};
use trackmate_edge::store::sql;
use trackmate_wire::limits::{EARLY_MS_MAX, INTERRUPTIONS_MAX, LEASE_MS, PROBE_MARGIN_MS};

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// An invocation at its attempt.
struct Attempt {
    delivery: usize,
    claim: i64,
    /// What it knows of its lease; it breaks the attempt off then.
    lease_ms: i64,
    policy_tries: i64,
}

#[derive(Clone, Copy)]
enum Hint {
    Delivery(usize),
    Turn,
}

/// A delivery and what an onlooker knows of it.
struct Watched {
    it: Delivery,
    /// Attempts that the receiver answered with a yes.
    received: u32,
    /// Attempts that were begun and never settled: the only excuse for a second yes.
    unsettled: u32,
    /// Times it was set going by its owner.
    going: u32,
    last_outcome: Option<Outcome>,
    was_dismissed: bool,
    was_abandoned: bool,
}

struct World {
    rng: Rng,
    now: i64,
    policy: Policy,
    active: bool,
    circuit: Circuit,
    deliveries: Vec<Watched>,
    attempts: Vec<Attempt>,
    hints: Vec<(i64, Hint)>,
    healed: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let presets = ["funnel", "crm", "standard"];
        let policy = Policy::preset(presets[rng.usize(..3)]).unwrap();
        Self {
            rng,
            now: 1_760_788_800_000,
            policy,
            active: true,
            circuit: Circuit::default(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
            hints: Vec::new(),
            healed: false,
        }
    }

    fn open(&self) -> bool {
        self.active && self.circuit.open_until.is_none()
    }

    fn begin(&mut self, delivery: usize, claim: i64) {
        // The invariant: whoever else thinks it has this delivery must have broken off.
        let live = self.attempts.iter().filter(|a| a.delivery == delivery && a.lease_ms > self.now).count();
        assert_eq!(live, 0, "two live attempts of one delivery");
        let watched = &mut self.deliveries[delivery];
        watched.unsettled += 1;
        let policy_tries = watched.it.tries;
        assert!(policy_tries < i64::from(self.policy.attempts), "an attempt beyond the budget");
        self.attempts.push(Attempt { delivery, claim, lease_ms: self.now + LEASE_MS, policy_tries });
    }

    fn accept(&mut self) {
        let lease = self.rng.bool().then_some(self.now + LEASE_MS);
        let it = Delivery::new(self.open(), lease, self.now);
        self.deliveries.push(Watched {
            it,
            received: 0,
            unsettled: 0,
            going: 1,
            last_outcome: None,
            was_dismissed: false,
            was_abandoned: false,
        });
        let place = self.deliveries.len() - 1;
        match it.state {
            State::Leased => self.begin(place, it.generation),
            State::Pending => self.hint(0, Hint::Delivery(place)),
            _ => {}
        }
    }

    /// Sends a wake-up, which may be lost, doubled or late.
    fn hint(&mut self, delay_ms: i64, hint: Hint) {
        let copies = if self.healed { 1 } else { [0, 1, 1, 1, 2][self.rng.usize(..5)] };
        for _ in 0..copies {
            let late = if self.rng.u8(..4) == 0 { self.rng.i64(0..60_000) } else { 0 };
            self.hints.push((self.now + delay_ms + late, hint));
        }
    }

    fn wake(&mut self) {
        let Some(place) = self.hints.iter().position(|(at, _)| *at <= self.now) else { return };
        let (_, hint) = self.hints.swap_remove(place);
        self.follow(hint);
    }

    fn follow(&mut self, hint: Hint) {
        match hint {
            Hint::Delivery(place) => {
                let (open, now) = (self.open(), self.now);
                if let Some(claim) = self.deliveries[place].it.claim(open, now, now + LEASE_MS) {
                    self.begin(place, claim);
                }
            }
            Hint::Turn => self.turn(),
        }
    }

    fn turn(&mut self) {
        let held = self.deliveries.iter().position(|w| w.it.state == State::Held);
        let (Some(place), true) = (held, self.active) else { return };
        let ends = self.now + i64::from(self.policy.timeout_ms) + PROBE_MARGIN_MS;
        if self.circuit.take_turn(u32::try_from(place).unwrap(), self.now, ends) {
            let claim = self.deliveries[place].it.claim_held(self.now + LEASE_MS).unwrap();
            self.begin(place, claim);
        }
    }

    fn sweep(&mut self) {
        let now = self.now;
        for place in 0..self.deliveries.len() {
            let before = self.deliveries[place].it.state;
            self.deliveries[place].it.abandon(now);
            self.deliveries[place].was_abandoned |=
                before != State::Exhausted && self.deliveries[place].it.state == State::Exhausted;
            if self.open() {
                self.deliveries[place].it.release(false, now);
            }
            let due = self.deliveries[place].it;
            if matches!(due.state, State::Pending | State::Leased) && due.due_ms <= now {
                self.hint(0, Hint::Delivery(place));
            }
        }
        self.hint(0, Hint::Turn);
    }

    fn outcome(&mut self) -> Outcome {
        if self.healed {
            return Outcome::Answered(200, None);
        }
        match self.rng.u8(..10) {
            0..4 => Outcome::Answered(200, None),
            4 => Outcome::Answered(404, None),
            5 => Outcome::Answered(429, Some(self.rng.u32(0..100))),
            6 => Outcome::Answered(503, None),
            _ => Outcome::Unreachable,
        }
    }

    /// An attempt comes to its end, in one of the ways it may.
    fn end(&mut self) {
        if self.attempts.is_empty() {
            return;
        }
        let place = self.rng.usize(..self.attempts.len());
        let crash = !self.healed && self.rng.u8(..6) == 0;
        if !crash && self.rng.u8(..4) == 0 {
            let attempt = &mut self.attempts[place];
            let (claim, delivery) = (attempt.claim, attempt.delivery);
            let lease = self.now + LEASE_MS;
            if self.deliveries[delivery].it.renew(claim, self.now, lease) {
                attempt.lease_ms = lease;
                return;
            }
            self.attempts.swap_remove(place);
            return;
        }
        let attempt = self.attempts.swap_remove(place);
        let broken_off = attempt.lease_ms <= self.now;
        let outcome = self.outcome();
        let answered_yes = matches!(outcome, Outcome::Answered(200, _));
        // A crash may come before or after the receiver has it; what is broken off may have arrived, too.
        let arrived = if crash || broken_off { self.rng.bool() } else { true };
        if answered_yes && arrived {
            self.deliveries[attempt.delivery].received += 1;
        }
        if crash || broken_off {
            return;
        }
        let attempts = u32::try_from(attempt.policy_tries + 1).unwrap();
        let next = after_attempt(&outcome, attempts, self.policy, self.rng.f64());
        let watched = &mut self.deliveries[attempt.delivery];
        if !watched.it.settle(attempt.claim, next, self.now) {
            return;
        }
        watched.unsettled -= 1;
        watched.last_outcome = Some(outcome);
        if let Next::Retry(delay_s) = next {
            self.hint(i64::from(delay_s) * 1000, Hint::Delivery(attempt.delivery));
        }
        let was_open = self.circuit.open_until.is_some();
        let seen = Seen {
            alive: i64::from(matches!(next, Next::Delivered | Next::FailedPermanent)),
            bad: i64::from(matches!(next, Next::Retry(_) | Next::Exhausted)),
            probed: self.circuit.probe == Some(u32::try_from(attempt.delivery).unwrap()),
        };
        self.circuit.note(seen, self.now);
        if was_open && self.circuit.open_until.is_none() {
            self.sweep();
        }
    }

    fn owner(&mut self) {
        match self.rng.u8(..8) {
            0 => self.active = false,
            1..4 => {
                self.active = true;
                self.circuit = Circuit::default();
                let dismiss = self.rng.u8(..4) == 0;
                for watched in &mut self.deliveries {
                    let held = watched.it.state == State::Held;
                    watched.it.release(dismiss, self.now);
                    watched.was_dismissed |= held && dismiss;
                }
            }
            4 if !self.deliveries.is_empty() => {
                let place = self.rng.usize(..self.deliveries.len());
                self.resend(place);
            }
            _ => {}
        }
    }

    fn resend(&mut self, place: usize) {
        if self.deliveries[place].it.resend(self.now) {
            let watched = &mut self.deliveries[place];
            watched.going += 1;
            watched.was_dismissed = false;
            watched.was_abandoned = false;
            self.hint(0, Hint::Delivery(place));
        }
    }

    fn step(&mut self) {
        match self.rng.u8(..20) {
            0..4 if self.deliveries.len() < 6 => self.accept(),
            4..10 => self.wake(),
            10..15 => self.end(),
            15 => self.sweep(),
            16 => self.owner(),
            17 => self.now += self.rng.i64(0..20_000),
            18 => self.now += self.rng.i64(0..200),
            _ => self.now += self.rng.i64(0..3_600_000),
        }
        for watched in &self.deliveries {
            assert!(watched.it.tries <= i64::from(self.policy.attempts), "more attempts than the policy has");
            assert!(watched.it.interrupted <= INTERRUPTIONS_MAX + 1, "interrupted without end");
        }
    }

    /// The trouble is over: whatever happened, sweeps alone must bring every delivery to its end.
    fn heal(&mut self) {
        self.healed = true;
        self.active = true;
        self.attempts.clear();
        self.hints.clear();
        for _ in 0..60 {
            if self.deliveries.iter().all(|w| w.it.state.is_final()) {
                break;
            }
            self.now += 3_600_000;
            self.sweep();
            while let Some((_, hint)) = self.hints.pop() {
                self.follow(hint);
            }
            while !self.attempts.is_empty() {
                self.end();
            }
        }
        for (place, watched) in self.deliveries.iter().enumerate() {
            let excuse = match watched.it.state {
                State::Delivered => watched.received > 0,
                State::FailedPermanent => matches!(watched.last_outcome, Some(Outcome::Answered(404, _))),
                State::Exhausted => watched.was_abandoned || watched.it.tries == i64::from(self.policy.attempts),
                State::Dismissed => watched.was_dismissed,
                State::Pending | State::Leased | State::Held => false,
            };
            assert!(excuse, "delivery {place} ended {:?} without its reason, or did not end", watched.it);
            assert!(
                watched.received <= watched.going + watched.unsettled,
                "delivery {place} came twice without a crash"
            );
        }
    }

    /// What is delivered is not sent again by asking twice.
    fn replay(&mut self) {
        let given_up = [State::Exhausted, State::FailedPermanent, State::Dismissed];
        for round in 0..2 {
            let mut again = 0;
            for place in 0..self.deliveries.len() {
                if given_up.contains(&self.deliveries[place].it.state) {
                    self.resend(place);
                    again += 1;
                }
            }
            assert!(round == 0 || again == 0, "a window that was recovered had something left");
            self.heal();
            assert!(self.deliveries.iter().all(|w| w.it.state == State::Delivered));
        }
    }
}

#[test]
fn a_million_schedules_of_faults_lose_nothing_and_never_have_two_live_attempts() {
    let (schedules, seed) = (setting("SCHEDULES", 1_000_000), setting("SEED", 20_260_301));
    for n in 0..schedules {
        let mut world = World::new(seed.wrapping_add(n));
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..40 {
                world.step();
            }
            world.heal();
            world.replay();
        }));
        assert!(run.is_ok(), "schedule {n}: repeat it with SCHEDULES=1 SEED={}", seed.wrapping_add(n));
    }
}

const COMPANY: &str = "TM-TEST";
const WEBHOOK: &str = "wh_1";

/// The statements on the real schema.
struct Store(Connection);

impl Store {
    fn open() -> Self {
        let connection = schema::open(COMPANY, "[]");
        connection
            .execute(
                "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at, disable_failures)
                 values (?1, ?2, 'Test', 'https://crm.example', '[\"*\"]', '', 3, 1, 10000, 0, 0)",
                [COMPANY, WEBHOOK],
            )
            .unwrap();
        Self(connection)
    }

    /// Runs statements as one batch; D1 binds every number as a float. The first column of what each answers.
    fn batch(&self, statements: &[(&str, Vec<Value>)]) -> Vec<Vec<String>> {
        self.0.execute_batch("begin").unwrap();
        let answers = statements
            .iter()
            .map(|(statement, parameters)| {
                let mut prepared = self.0.prepare_cached(statement).unwrap();
                let values = parameters.iter().map(|v| match v {
                    Value::Null => rusqlite::types::Value::Null,
                    Value::String(s) => rusqlite::types::Value::Text(s.clone()),
                    other => rusqlite::types::Value::Real(other.as_f64().unwrap()),
                });
                let rows =
                    prepared.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(0)).unwrap();
                rows.map(Result::unwrap).collect()
            })
            .collect();
        self.0.execute_batch("commit").unwrap();
        answers
    }

    fn delivery(&self, id: &str) -> Delivery {
        let states = [
            State::Pending,
            State::Leased,
            State::Held,
            State::Delivered,
            State::FailedPermanent,
            State::Exhausted,
            State::Dismissed,
        ];
        self.0
            .query_row(
                "select state, generation, tries, interrupted, due_at from deliveries where company = ?1 and id = ?2",
                [COMPANY, id],
                |row| {
                    let state: String = row.get(0)?;
                    Ok(Delivery {
                        state: *states.iter().find(|s| s.as_str() == state).unwrap(),
                        generation: row.get(1)?,
                        tries: row.get(2)?,
                        interrupted: row.get(3)?,
                        due_ms: row.get(4)?,
                    })
                },
            )
            .unwrap()
    }

    fn circuit(&self, ids: &[String]) -> Circuit {
        self.0
            .query_row(
                "select trouble, open_until, probe from subscriptions where company = ?1 and id = ?2",
                [COMPANY, WEBHOOK],
                |row| {
                    let probe: Option<String> = row.get(2)?;
                    Ok(Circuit {
                        trouble: row.get(0)?,
                        open_until: row.get(1)?,
                        probe: probe.map(|id| u32::try_from(ids.iter().position(|i| *i == id).unwrap()).unwrap()),
                    })
                },
            )
            .unwrap()
    }
}

/// The same steps on the schema and on the rules.
#[derive(Default)]
struct Pair {
    ids: Vec<String>,
    rules: Vec<Delivery>,
    circuit: Circuit,
    off: bool,
    now: i64,
    settlings: i64,
}

impl Pair {
    fn open(&self) -> bool {
        !self.off && self.circuit.open_until.is_none()
    }

    fn add(&mut self, store: &Store, lease: bool) {
        let message = format!("m{}", self.ids.len());
        let lease_ms = self.now + LEASE_MS;
        store
            .0
            .execute(
                "insert into events (company, source, message_id, session, ts, type, data, request, received_at) values (?1, 1, ?2, '', 0, 'e', '{}', 7, 0)",
                params![COMPANY, message],
            )
            .unwrap();
        let timeout_max = json!(if lease { 20_000 } else { 0 });
        let answers = store.batch(&[(
            sql::DELIVERIES_INSERT,
            vec![
                json!(json!([message]).to_string()),
                json!(COMPANY),
                json!(1),
                Value::Null,
                json!(7),
                json!(self.now),
                json!(lease_ms),
                json!("[]"),
                timeout_max,
                json!(1),
            ],
        )]);
        self.ids.push(answers[0][0].clone());
        self.rules.push(Delivery::new(self.open(), lease.then_some(lease_ms), self.now));
    }

    fn claim(&mut self, store: &Store, place: usize) {
        let ids = json!(json!([self.ids[place]]).to_string());
        let claim = vec![
            json!(COMPANY),
            ids.clone(),
            json!(self.now),
            json!(EARLY_MS_MAX),
            json!(self.now + LEASE_MS),
            json!(INTERRUPTIONS_MAX),
        ];
        let hold = vec![json!(COMPANY), ids, json!(self.now), json!(EARLY_MS_MAX)];
        let answers = store.batch(&[(sql::DELIVERY_CLAIM, claim), (sql::DELIVERY_HOLD, hold)]);
        let open = self.open();
        let claimed = self.rules[place].claim(open, self.now, self.now + LEASE_MS);
        assert_eq!(claimed.is_some(), answers[0].len() == 1);
    }

    fn turn(&mut self, store: &Store) {
        let pace = vec![json!(COMPANY), json!(WEBHOOK), json!(self.now), json!(PROBE_MARGIN_MS)];
        let claim = vec![json!(COMPANY), json!(WEBHOOK), json!(self.now + LEASE_MS), json!(12)];
        let answers = store.batch(&[(sql::SUBSCRIPTION_PACE, pace), (sql::DELIVERY_CLAIM_HELD, claim)]);
        let claimed = answers[1].first().map(|id| self.ids.iter().position(|i| i == id).unwrap());
        let held = self.rules.iter().any(|d| d.state == State::Held);
        let due = held && !self.off && self.circuit.open_until.is_some_and(|until| until <= self.now);
        assert_eq!(claimed.is_some(), due);
        if let Some(place) = claimed {
            self.circuit.take_turn(u32::try_from(place).unwrap(), self.now, self.now + 10_000 + PROBE_MARGIN_MS);
            self.rules[place].claim_held(self.now + LEASE_MS).unwrap();
        }
    }

    fn settle(&mut self, store: &Store, ended: &[(usize, i64, Next, u16)]) {
        let items: Vec<Value> = ended
            .iter()
            .map(|(place, claim, next, status)| {
                let (state, due) = next.standing(self.now);
                json!({"i": self.ids[*place], "g": claim, "s": state.as_str(), "u": due, "f": state.is_final().then_some(self.now), "b": "{}",
                       "a": self.now, "l": "https://crm.example", "c": status, "e": null, "r": "", "d": 1})
            })
            .collect();
        let items = json!(Value::Array(items).to_string());
        self.settlings += 1;
        let note = vec![
            json!(COMPANY),
            items.clone(),
            json!(self.now),
            json!(self.settlings),
            json!(OPENS_AFTER),
            json!(PAUSE_MS_MIN),
            json!(PAUSE_MS_MAX),
        ];
        store.batch(&[
            (sql::ATTEMPT_INSERT, vec![json!(COMPANY), items.clone()]),
            (sql::DELIVERY_SETTLE, vec![json!(COMPANY), items, json!(self.settlings)]),
            (sql::SUBSCRIPTION_NOTE, note),
        ]);
        let mut seen = Seen::default();
        let mut any = false;
        for (place, claim, next, _) in ended {
            if self.rules[*place].settle(*claim, *next, self.now) {
                any = true;
                seen.alive += i64::from(matches!(next, Next::Delivered | Next::FailedPermanent));
                seen.bad += i64::from(matches!(next, Next::Retry(_) | Next::Exhausted));
                seen.probed |= self.circuit.probe == Some(u32::try_from(*place).unwrap());
            }
        }
        if any {
            self.circuit.note(seen, self.now);
        }
    }

    fn step(&mut self, rng: &mut Rng, store: &Store) {
        let n = self.ids.len();
        let place = if n == 0 { 0 } else { rng.usize(..n) };
        match rng.u8(..16) {
            0 | 1 if n < 8 => self.add(store, rng.bool()),
            _ if n == 0 => {}
            2..5 => self.claim(store, place),
            5 => self.turn(store),
            6..10 => {
                // One, or some together; claims of now, and stale ones. A settling names each delivery once.
                let mut places: Vec<usize> = (0..n).collect();
                rng.shuffle(&mut places);
                let ended: Vec<_> = places
                    .into_iter()
                    .take(rng.usize(1..4))
                    .map(|place| {
                        let claim = self.rules[place].generation - i64::from(rng.u8(..6) == 0);
                        let next = [Next::Delivered, Next::FailedPermanent, Next::Exhausted, Next::Retry(5)]
                            [[0, 1, 2, 3, 3, 3, 3, 3][rng.usize(..8)]];
                        (place, claim, next, 200)
                    })
                    .collect();
                self.settle(store, &ended);
            }
            10 => {
                let claim = self.rules[place].generation;
                let items = json!(json!([{"i": self.ids[place], "g": claim}]).to_string());
                let renewed = store.batch(&[(
                    sql::DELIVERY_RENEW,
                    vec![json!(COMPANY), items, json!(self.now), json!(self.now + LEASE_MS)],
                )]);
                assert_eq!(self.rules[place].renew(claim, self.now, self.now + LEASE_MS), renewed[0].len() == 1);
            }
            11 => {
                let claim = self.rules[place].generation;
                let items = json!(json!([{"i": self.ids[place], "g": claim}]).to_string());
                store.batch(&[(sql::DELIVERY_GIVE_BACK, vec![json!(COMPANY), items, json!(self.now)])]);
                self.rules[place].give_back(claim, self.now);
            }
            12 => {
                let params = vec![json!(self.now), json!(INTERRUPTIONS_MAX), json!(100)];
                store.batch(&[(sql::ATTEMPT_ABANDON, params.clone()), (sql::DELIVERY_ABANDON, params)]);
                for rule in &mut self.rules {
                    rule.abandon(self.now);
                }
            }
            13 => {
                self.off = !self.off;
                store.0.execute("update subscriptions set active = ?1", [i64::from(!self.off)]).unwrap();
            }
            14 => {
                let params = vec![json!(COMPANY), json!(WEBHOOK), json!(self.ids[place]), json!(self.now)];
                let resent = store.batch(&[(sql::DELIVERY_RESEND, params)]);
                assert_eq!(self.rules[place].resend(self.now), resent[0].len() == 1);
            }
            _ => {
                let how = if rng.bool() { "deliver" } else { "dismiss" };
                if self.open() {
                    let params = vec![
                        json!(COMPANY),
                        json!(WEBHOOK),
                        json!(how),
                        json!(self.now),
                        json!(100),
                        json!(self.now + 1),
                    ];
                    store.batch(&[(sql::DELIVERY_RELEASE, params)]);
                    for rule in &mut self.rules {
                        rule.release(how == "dismiss", self.now);
                    }
                }
            }
        }
        self.now += rng.i64(0..6000);
        for (id, rule) in self.ids.iter().zip(&self.rules) {
            assert_eq!(store.delivery(id), *rule, "after a step on {id}");
        }
        assert_eq!(store.circuit(&self.ids), self.circuit);
    }
}

#[test]
fn the_statements_do_what_the_rules_say() {
    let store = Store::open();
    let seed = setting("SEED", 20_260_301);
    for n in 0..400 {
        let mut rng = Rng::with_seed(seed.wrapping_add(n));
        store
            .0
            .execute_batch(
                "delete from deliveries; delete from events; delete from attempts;
            update subscriptions set active = 1, trouble = 0, open_until = null, probe = null, releasing = null;",
            )
            .unwrap();
        let pair = RefCell::new(Pair { now: 1_760_788_800_000, ..Pair::default() });
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..60 {
                pair.borrow_mut().step(&mut rng, &store);
            }
        }));
        assert!(run.is_ok(), "history {n}: repeat it with SEED={}", seed.wrapping_add(n));
    }
}
