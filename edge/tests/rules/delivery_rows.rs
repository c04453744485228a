//! The rows that a delivery writes over its life, as D1 counts them: a row of a table, and an entry
//! of an index that is new. D1 counts no entry that is removed.

use std::collections::BTreeSet;

use crate::schema::pipe::{COMPANY, Db, NOW, event, text};
use serde_json::{Value, json};
use trackmate_edge::domain::circuit::{OPENS_AFTER, PAUSE_MS_MAX, PAUSE_MS_MIN};
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::{Statement, sql};
use trackmate_wire::limits::{EARLY_MS_MAX, INTERRUPTIONS_MAX, LEASE_MS, PUT_OFF_MS};

const WEBHOOK: &str = "wh_1";
const DAY_MS: i64 = 86_400_000;

fn open() -> Db {
    let db = Db::open();
    let insert = "insert into subscriptions (company, id, name, url, events, secret,
                    retry_attempts, retry_delay_s, timeout_ms, created_at)
                  values (?1, ?2, 'Test', 'https://crm.example', '[\"*\"]', '', 3, 1, 10000, 0)";
    db.connection.execute(insert, [COMPANY, WEBHOOK]).unwrap();
    db
}

/// The entries of the indexes of a table.
fn entries(db: &Db, table: &str) -> BTreeSet<String> {
    let indexes = "select name, sql, (select group_concat(name) from pragma_index_xinfo(i.name) where name is not null)
                   from sqlite_master as i where type = 'index' and sql is not null and tbl_name = +?1";
    let mut entries = BTreeSet::new();
    for index in db.rows(indexes, &[json!(table)]) {
        let (name, sql, columns) = (text(&index[0]), text(&index[1]), text(&index[2]));
        let condition = sql.split_once(" where ").map_or("1", |(_, condition)| condition);
        let query = format!("select json_array('{name}', {columns}) from {table} indexed by {name} where {condition}");
        entries.extend(db.rows(&query, &[]).iter().map(|row| text(&row[0])));
    }
    entries
}

/// The rows that a statement writes to deliveries and attempts.
fn written(db: &Db, statement: &'static str, params: &Value) -> usize {
    let all =
        || -> BTreeSet<String> { ["deliveries", "attempts"].iter().flat_map(|table| entries(db, table)).collect() };
    let (before, changes) = (all(), db.connection.total_changes());
    db.rows(statement, params.as_array().unwrap());
    let rows = usize::try_from(db.connection.total_changes() - changes).unwrap();
    rows + all().difference(&before).count()
}

/// Stores an event and its delivery. → The rows that the delivery writes.
fn born(db: &mut Db, name: &str, leased: bool) -> usize {
    db.request += 1;
    let rows = [event(name, 0, name, "{}")];
    let store = json!([serde_json::to_string(&rows).unwrap(), COMPANY, Source::Server, "", db.request, null, NOW]);
    let store = [store.as_array().unwrap(), &vec![Value::Null; 10][..]].concat();
    db.batch(&[Statement::new(sql::EVENTS_INSERT, store.into())]);
    let ids = json!([name]).to_string();
    let insert = json!([ids, COMPANY, 1, null, db.request, NOW, NOW + LEASE_MS, "[]", i64::from(leased)]);
    written(db, sql::DELIVERIES_INSERT, &insert)
}

/// The rows that the end of an attempt writes at this time. The lease is the `generation`-th.
fn settled(db: &Db, generation: i64, state: &str, now: i64) -> usize {
    let id = text(&db.rows("select id from deliveries", &[])[0][0]);
    let ended = json!([{
        "w": WEBHOOK, "i": id, "g": generation, "s": state, "u": now, "f": (state != "pending").then_some(now),
        "b": "{}", "a": now, "l": "https://crm.example", "c": 200, "e": null, "r": "ok", "d": 5,
    }]);
    let ended = ended.to_string();
    let log = written(db, sql::ATTEMPT_INSERT, &json!([COMPANY, ended]));
    let settle = written(db, sql::DELIVERY_SETTLE, &json!([COMPANY, ended, generation]));
    let note = json!([COMPANY, ended, now, generation, OPENS_AFTER, PAUSE_MS_MIN, PAUSE_MS_MAX]);
    assert_eq!(written(db, sql::SUBSCRIPTION_NOTE, &note), 1, "the webhook's row");
    log + settle
}

/// The rows that a due delivery writes when a wake-up leases it.
fn leased(db: &Db, now: i64) -> usize {
    let keys = "select json_group_array(json_object('w', subscription, 'i', id)) from deliveries";
    let keys = text(&db.rows(keys, &[])[0][0]);
    let lease =
        written(db, sql::DELIVERY_LEASE, &json!([COMPANY, keys, now, EARLY_MS_MAX, now + LEASE_MS, INTERRUPTIONS_MAX]));
    let hold = written(db, sql::DELIVERY_HOLD, &json!([COMPANY, keys, now, EARLY_MS_MAX, INTERRUPTIONS_MAX]));
    let log = written(db, sql::ATTEMPT_CLEAR, &json!([COMPANY, keys, now, INTERRUPTIONS_MAX]));
    let clear =
        written(db, sql::DELIVERY_CLEAR, &json!([COMPANY, keys, now, EARLY_MS_MAX, INTERRUPTIONS_MAX, PUT_OFF_MS]));
    lease + hold + log + clear
}

/// The rows that the deletion of old deliveries writes.
fn pruned(db: &Db) -> usize {
    let slice = json!([COMPANY, WEBHOOK, NOW + 31 * DAY_MS, 500]);
    let rows = written(db, sql::ATTEMPT_PRUNE, &slice) + written(db, sql::DELIVERY_PRUNE, &slice);
    let left = db.rows("select id from deliveries union all select delivery from attempts", &[]);
    assert_eq!(left, Vec::<Vec<Value>>::new());
    rows
}

#[test]
fn a_delivery_that_succeeds_at_once_writes_four_rows_in_its_life() {
    let mut db = open();
    assert_eq!([born(&mut db, "order", true), settled(&db, 1, "delivered", NOW), pruned(&db)], [2, 1, 1]);
}

#[test]
fn a_delivery_that_succeeds_at_the_second_attempt_writes_ten_rows_in_its_life() {
    let mut db = open();
    let first = [born(&mut db, "order", true), settled(&db, 1, "pending", NOW)];
    let second = [leased(&db, NOW), settled(&db, 2, "delivered", NOW)];
    assert_eq!((first, second, pruned(&db)), ([2, 2], [2, 2], 2));
}

#[test]
fn targets_are_read_only_after_a_statement_that_wrote_deliveries() {
    let mut db = open();
    born(&mut db, "order", true);
    let ids = json!(["order"]).to_string();
    let targets_of_request = |request: i64, now: i64| {
        let insert = json!([ids, COMPANY, 1, null, request, now, now + LEASE_MS, "[]", 1]);
        let answers = db.batch(&[
            Statement::new(sql::DELIVERIES_INSERT, insert),
            Statement::new(sql::SUBSCRIPTION_TARGETS, json!([COMPANY, now])),
        ]);
        answers[1].iter().map(|row| text(&row[0])).collect::<Vec<_>>()
    };
    assert_eq!(targets_of_request(db.request, NOW + 1), [WEBHOOK]);
    assert_eq!(targets_of_request(db.request + 1, NOW + 1), Vec::<String>::new());
}
