//! Compares the SQL of deliveries on the real schema with the pure rules, step by step. `SEED`
//! repeats a run.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::schema::pipe::{COMPANY, Db, NOW, text};
use fastrand::Rng;
use rusqlite::params;
use serde_json::{Value, json};
use trackmate_edge::domain::circuit::{Circuit, OPENS_AFTER, PAUSE_MS_MAX, PAUSE_MS_MIN, Seen};
use trackmate_edge::domain::delivery::{Delivery, Next, State};
use trackmate_edge::store::{Statement, sql};
use trackmate_wire::limits::{EARLY_MS_MAX, HELD_LOOKED_MAX, INTERRUPTIONS_MAX, LEASE_MS, PROBE_MARGIN_MS, PUT_OFF_MS};

const WEBHOOK: &str = "wh_1";

/// The statements on the real schema.
struct Store(Db);

impl Store {
    fn open() -> Self {
        let db = Db::open();
        db.connection
            .execute(
                "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at, disable_failures)
                 values (?1, ?2, 'Test', 'https://crm.example', '[\"*\"]', '', 3, 1, 10000, 0, 0)",
                [COMPANY, WEBHOOK],
            )
            .unwrap();
        Self(db)
    }

    /// Runs statements as one batch. → The first column of each answer.
    fn batch(&self, statements: &[(&'static str, Vec<Value>)]) -> Vec<Vec<String>> {
        let statements: Vec<Statement> =
            statements.iter().map(|(sql, params)| Statement { sql, params: params.clone() }).collect();
        let answers = self.0.batch(&statements);
        answers.iter().map(|rows| rows.iter().map(|row| text(&row[0])).collect()).collect()
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
            .connection
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

    /// The attempts of each delivery, as the list of deliveries shows them.
    fn logs(&self) -> BTreeMap<String, Vec<(i64, bool)>> {
        let all = json!([COMPANY, WEBHOOK, 100, null, null, 100, 1e9]);
        let mut logs = BTreeMap::new();
        for row in self.0.rows(sql::DELIVERY_LIST, all.as_array().unwrap()) {
            let log: Vec<Value> = serde_json::from_str(&text(&row[9])).unwrap();
            let places = log.iter().map(|a| a["attempt"].as_u64().unwrap());
            assert!(places.eq(1..=row[8].as_u64().unwrap()), "every attempt is shown once, in order: {log:?}");
            let attempt = |a: &Value| (a["at"].as_i64().unwrap(), a["success"] == 1);
            logs.insert(text(&row[0]), log.iter().map(attempt).collect());
        }
        logs
    }

    fn circuit(&self, ids: &[String]) -> Circuit {
        self.0
            .connection
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

/// A run of the same steps on the schema and on the rules.
#[derive(Default)]
struct Pair {
    ids: Vec<String>,
    rules: Vec<Delivery>,
    /// The attempts of each delivery that ended: when each began, and whether it succeeded.
    attempts: Vec<Vec<(i64, bool)>>,
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
        let lease_ends_ms = self.now + LEASE_MS;
        store
            .0
            .connection
            .execute(
                "insert into events (company, source, message_id, session, ts, type, data, request, received_at) values (?1, 1, ?2, '', 0, 'e', '{}', 7, 0)",
                params![COMPANY, message],
            )
            .unwrap();
        let answers = store.batch(&[(
            sql::DELIVERIES_INSERT,
            vec![
                json!(json!([message]).to_string()),
                json!(COMPANY),
                json!(1),
                Value::Null,
                json!(7),
                json!(self.now),
                json!(lease_ends_ms),
                json!("[]"),
                json!(i64::from(lease)),
            ],
        )]);
        self.ids.push(answers[0][0].clone());
        self.rules.push(Delivery::new(self.open(), lease.then_some(lease_ends_ms), self.now));
        self.attempts.push(Vec::new());
    }

    fn lease(&mut self, store: &Store, place: usize) {
        let ids = json!(json!([{"w": WEBHOOK, "i": self.ids[place]}]).to_string());
        let lease = vec![
            json!(COMPANY),
            ids.clone(),
            json!(self.now),
            json!(EARLY_MS_MAX),
            json!(self.now + LEASE_MS),
            json!(INTERRUPTIONS_MAX),
        ];
        let (now, early, most) = (json!(self.now), json!(EARLY_MS_MAX), json!(INTERRUPTIONS_MAX));
        let due = [json!(COMPANY), ids, now];
        let answers = store.batch(&[
            (sql::DELIVERY_LEASE, lease),
            (sql::DELIVERY_HOLD, [&due[..], &[early.clone(), most.clone()]].concat()),
            (sql::ATTEMPT_CLEAR, [&due[..], std::slice::from_ref(&most)].concat()),
            (sql::DELIVERY_CLEAR, [&due[..], &[early, most, json!(PUT_OFF_MS)]].concat()),
        ]);
        let open = self.open();
        let before = self.rules[place].state;
        let leased = self.rules[place].lease(open, self.now, self.now + LEASE_MS);
        if before == State::Leased && self.rules[place].state == State::Exhausted {
            self.attempts[place].push((self.now, false));
        }
        assert_eq!(leased.is_some(), answers[0].len() == 1);
    }

    fn take_slot(&mut self, store: &Store) {
        let take =
            vec![json!(COMPANY), json!(WEBHOOK), json!(self.now), json!(PROBE_MARGIN_MS), json!(HELD_LOOKED_MAX)];
        let lease = vec![json!(COMPANY), json!(WEBHOOK), json!(self.now + LEASE_MS), json!(12), json!(HELD_LOOKED_MAX)];
        let answers = store.batch(&[(sql::SUBSCRIPTION_TAKE_SLOT, take), (sql::DELIVERY_LEASE_HELD, lease)]);
        let leased = answers[1].first().map(|id| self.ids.iter().position(|i| i == id).unwrap());
        let held = self.rules.iter().any(|d| d.state == State::Held);
        let due = held && !self.off && self.circuit.open_until.is_some_and(|until| until <= self.now);
        assert_eq!(leased.is_some(), due);
        if let Some(place) = leased {
            self.circuit.begin_probe(u32::try_from(place).unwrap(), self.now, self.now + 10_000 + PROBE_MARGIN_MS);
            self.rules[place].lease_held(self.now + LEASE_MS).unwrap();
        }
    }

    fn settle(&mut self, store: &Store, ended: &[(usize, i64, Next, u16)]) {
        let items: Vec<Value> = ended
            .iter()
            .map(|(place, generation, next, status)| {
                let (state, due) = next.standing(self.now);
                json!({"w": WEBHOOK, "i": self.ids[*place], "g": generation, "s": state.as_str(), "u": due,
                      "f": state.is_final().then_some(self.now), "b": "{}",
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
        for (place, generation, next, _) in ended {
            if self.rules[*place].settle(*generation, *next, self.now) {
                any = true;
                self.attempts[*place].push((self.now, *next == Next::Delivered));
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
        match rng.u8(..15) {
            0 | 1 if n < 8 => self.add(store, rng.bool()),
            _ if n == 0 => {}
            2..5 => self.lease(store, place),
            5 => self.take_slot(store),
            6..10 => {
                // One delivery or several, with current and stale leases. Each delivery is settled
                // only once.
                let mut places: Vec<usize> = (0..n).collect();
                rng.shuffle(&mut places);
                let ended: Vec<_> = places
                    .into_iter()
                    .take(rng.usize(1..4))
                    .map(|place| {
                        let generation = self.rules[place].generation - i64::from(rng.u8(..6) == 0);
                        let next = [Next::Delivered, Next::FailedPermanent, Next::Exhausted, Next::Retry(5)]
                            [[0, 1, 2, 3, 3, 3, 3, 3][rng.usize(..8)]];
                        (place, generation, next, 200)
                    })
                    .collect();
                self.settle(store, &ended);
            }
            10 => {
                let generation = self.rules[place].generation;
                let items = json!(json!([{"w": WEBHOOK, "i": self.ids[place], "g": generation}]).to_string());
                let renewed = store.batch(&[(
                    sql::DELIVERY_RENEW,
                    vec![json!(COMPANY), items, json!(self.now), json!(self.now + LEASE_MS)],
                )]);
                assert_eq!(self.rules[place].renew(generation, self.now, self.now + LEASE_MS), renewed[0].len() == 1);
            }
            11 => {
                let generation = self.rules[place].generation;
                let items = json!(json!([{"w": WEBHOOK, "i": self.ids[place], "g": generation}]).to_string());
                store.batch(&[(sql::DELIVERY_RETURN_LEASES, vec![json!(COMPANY), items, json!(self.now)])]);
                self.rules[place].return_lease(generation, self.now);
            }
            12 => {
                self.off = !self.off;
                store.0.connection.execute("update subscriptions set active = ?1", [i64::from(!self.off)]).unwrap();
            }
            13 => {
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
        let logs = store.logs();
        for (id, attempts) in self.ids.iter().zip(&self.attempts) {
            assert_eq!(logs[id], *attempts, "the list of attempts at {id}");
        }
    }
}

#[test]
fn the_statements_of_deliveries_follow_the_pure_rules() {
    let store = Store::open();
    let seed: u64 = std::env::var("SEED").map_or(20_260_301, |text| text.parse().unwrap());
    for n in 0..400 {
        let mut rng = Rng::with_seed(seed.wrapping_add(n));
        store
            .0
            .connection
            .execute_batch(
                "delete from deliveries; delete from events; delete from attempts;
            update subscriptions set active = 1, trouble = 0, open_until = null, probe = null, releasing = null;",
            )
            .unwrap();
        let pair = RefCell::new(Pair { now: NOW, ..Pair::default() });
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..60 {
                pair.borrow_mut().step(&mut rng, &store);
            }
        }));
        assert!(run.is_ok(), "history {n}: repeat it with SEED={}", seed.wrapping_add(n));
    }
}

#[test]
fn a_webhook_receives_exactly_the_events_that_match_its_patterns() {
    let names = [
        "order",
        "order.paid",
        "order.",
        ".",
        "a.b.c",
        "a,b",
        ",",
        "\"",
        "x\"",
        "\\",
        "Å.x",
        "tab\t.x",
        "line\n",
        "\u{1f}",
        "\u{7f}",
        "/",
        "]",
        "[",
        "x",
        "x,",
        "paid",
    ];
    let stems = names.iter().map(|name| format!("{name}.*"));
    let patterns: Vec<String> = names.iter().map(|name| (*name).to_owned()).chain(stems).chain(["*".into()]).collect();
    let matches = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => pattern == name,
    };
    let mut rng = Rng::with_seed(7);
    let store = Store::open();
    let event = "insert into events (company, source, message_id, session, ts, type, data, request, received_at)
                 values (?1, 1, ?2, '', 0, ?3, '{}', 7, 0)";
    for (n, name) in names.iter().enumerate() {
        store.0.connection.execute(event, params![COMPANY, format!("m{n}"), name]).unwrap();
    }
    let ids: Vec<String> = (0..names.len()).map(|n| format!("m{n}")).collect();
    for _ in 0..300 {
        let chosen: Vec<&String> = (0..rng.usize(1..5)).map(|_| &patterns[rng.usize(..patterns.len())]).collect();
        store.0.connection.execute("update subscriptions set events = ?1", [json!(chosen).to_string()]).unwrap();
        store.0.connection.execute("delete from deliveries", []).unwrap();
        let (ids, none) = (json!(json!(ids).to_string()), json!("[]"));
        let params = vec![ids, json!(COMPANY), json!(1), Value::Null, json!(7), json!(NOW), json!(NOW), none, json!(0)];
        store.batch(&[(sql::DELIVERIES_INSERT, params)]);
        let mut sent: Vec<String> = Vec::new();
        let mut statement = store.0.connection.prepare("select event from deliveries").unwrap();
        for row in statement.query_map([], |row| row.get(0)).unwrap() {
            sent.push(row.unwrap());
        }
        let mut wanted: Vec<&str> =
            names.iter().copied().filter(|name| chosen.iter().any(|pattern| matches(pattern, name))).collect();
        sent.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(sent, wanted, "{chosen:?}");
    }
}
