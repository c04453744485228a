//! Tests the pure rules of deliveries on a million seeded schedules. Invocations crash, wake-ups
//! are lost, doubled or late, owners switch webhooks off and on, and receivers fail. No delivery is
//! lost, no delivery has two live attempts, and attempts stay within their limit. `SCHEDULES` sets
//! the length of the test, and `SEED` repeats a schedule. `deliveries.rs` compares the statements
//! with the same rules.

use fastrand::Rng;
use trackmate_edge::domain::circuit::{Circuit, Seen};
use trackmate_edge::domain::delivery::{Delivery, Next, Outcome, Policy, State, after_attempt};
use trackmate_wire::limits::{INTERRUPTIONS_MAX, LEASE_MS, PROBE_MARGIN_MS};

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// An invocation during its attempt.
struct Attempt {
    delivery: usize,
    generation: i64,
    /// The end of its lease as it knows it. It aborts the attempt then.
    lease_ends_ms: i64,
    policy_tries: i64,
}

#[derive(Clone, Copy)]
enum Hint {
    Delivery(usize),
    Slot,
}

/// A delivery, and the facts about it that the test counts.
struct Watched {
    it: Delivery,
    /// Attempts to which the receiver answered with a success.
    received: u32,
    /// Attempts that started but were never settled. Only they justify a second success.
    unsettled: u32,
    /// Times that the owner started the delivery.
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

    fn begin(&mut self, delivery: usize, generation: i64) {
        // The invariant: every other invocation with this delivery must have aborted its attempt.
        let live = self.attempts.iter().filter(|a| a.delivery == delivery && a.lease_ends_ms > self.now).count();
        assert_eq!(live, 0, "two live attempts of one delivery");
        let watched = &mut self.deliveries[delivery];
        watched.unsettled += 1;
        let policy_tries = watched.it.tries;
        assert!(policy_tries < i64::from(self.policy.attempts), "an attempt beyond the limit of the policy");
        self.attempts.push(Attempt { delivery, generation, lease_ends_ms: self.now + LEASE_MS, policy_tries });
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
                let before = self.deliveries[place].it.state;
                if let Some(generation) = self.deliveries[place].it.lease(open, now, now + LEASE_MS) {
                    self.begin(place, generation);
                }
                self.deliveries[place].was_abandoned |=
                    before != State::Exhausted && self.deliveries[place].it.state == State::Exhausted;
            }
            Hint::Slot => self.take_slot(),
        }
    }

    fn take_slot(&mut self) {
        let held = self.deliveries.iter().position(|w| w.it.state == State::Held);
        let (Some(place), true) = (held, self.active) else { return };
        let ends = self.now + i64::from(self.policy.timeout_ms) + PROBE_MARGIN_MS;
        if self.circuit.begin_probe(u32::try_from(place).unwrap(), self.now, ends) {
            let generation = self.deliveries[place].it.lease_held(self.now + LEASE_MS).unwrap();
            self.begin(place, generation);
        }
    }

    fn sweep(&mut self) {
        let now = self.now;
        for place in 0..self.deliveries.len() {
            if self.open() {
                self.deliveries[place].it.release(false, now);
            }
            let due = self.deliveries[place].it;
            if matches!(due.state, State::Pending | State::Leased) && due.due_ms <= now {
                self.hint(0, Hint::Delivery(place));
            }
        }
        self.hint(0, Hint::Slot);
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

    /// Ends an attempt in one of the possible ways.
    fn end(&mut self) {
        if self.attempts.is_empty() {
            return;
        }
        let place = self.rng.usize(..self.attempts.len());
        let crash = !self.healed && self.rng.u8(..6) == 0;
        if !crash && self.rng.u8(..4) == 0 {
            let attempt = &mut self.attempts[place];
            let (generation, delivery) = (attempt.generation, attempt.delivery);
            let lease_ends_ms = self.now + LEASE_MS;
            if self.deliveries[delivery].it.renew(generation, self.now, lease_ends_ms) {
                attempt.lease_ends_ms = lease_ends_ms;
                return;
            }
            self.attempts.swap_remove(place);
            return;
        }
        let attempt = self.attempts.swap_remove(place);
        let broken_off = attempt.lease_ends_ms <= self.now;
        let outcome = self.outcome();
        let answered_yes = matches!(outcome, Outcome::Answered(200, _));
        // A crash may happen before or after the receiver gets the request. An aborted request may
        // have arrived too.
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
        if !watched.it.settle(attempt.generation, next, self.now) {
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
            assert!(watched.it.interrupted <= INTERRUPTIONS_MAX, "interrupted without end");
        }
    }

    /// Ends all faults. Whatever happened before, sweeps alone must bring every delivery to its
    /// end.
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
            assert!(excuse, "delivery {place} ended as {:?} without a reason, or did not end", watched.it);
            assert!(
                watched.received <= watched.going + watched.unsettled,
                "delivery {place} arrived twice without a crash"
            );
        }
    }

    /// Recovers what was given up, twice. The second recovery must find nothing.
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
            assert!(round == 0 || again == 0, "a second recovery found a delivery");
            self.heal();
            assert!(self.deliveries.iter().all(|w| w.it.state == State::Delivered));
        }
    }
}

#[test]
fn no_delivery_is_lost_or_has_two_live_attempts_in_a_million_schedules_of_faults() {
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
