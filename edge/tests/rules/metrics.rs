//! The statements of the metrics, with the SQL on the real schema: what they count, and that no
//! backlog makes the sweep more expensive.

use rusqlite::{StatementStatus, params};
use serde_json::{Value, json};
use trackmate_edge::store::sql;

use crate::schema::pipe::{Db, NOW};

/// A database with this number of deliveries of a webhook in each of these states. The n-th is due
/// n ms after `NOW - 1000`.
fn open(backlogs: &[(&str, &str, i64)]) -> Db {
    let db = Db::open();
    for (webhook, state, count) in backlogs {
        let insert = "with recursive n (i) as (select 0 union all select i + 1 from n where i < ?3 - 1)
                      insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at)
                      select 'TM-A', format('%012x', i) || ?1 || ?2, ?1, 1, ?1 || ?2 || i, 'e', ?2, ?4 + i, i from n";
        db.connection.execute(insert, params![webhook, state, count, NOW - 1000]).unwrap();
    }
    db
}

fn add_webhook(db: &Db, id: &str, open_until: Option<i64>, rate_limit: Option<i64>) {
    let insert =
        "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms,
                                             created_at, open_until, rate_limit)
                  values ('TM-A', ?1, '', '', '[\"*\"]', '', 3, 1, 1000, 0, ?2, ?3)";
    db.connection.execute(insert, params![id, open_until, rate_limit]).unwrap();
}

/// The gauges, and the steps that the database took: pending, leased, held, circuits, paced,
/// webhooks, oldest due.
fn measure(db: &Db, most: i64, webhooks: i64) -> (Vec<Option<i64>>, i32) {
    let mut statement = db.connection.prepare(sql::METRICS_MEASURE).unwrap();
    let read = |row: &rusqlite::Row<'_>| (0..7).map(|n| row.get(n)).collect();
    let gauges = statement.query_row(params![NOW, most, "", "", webhooks], read).unwrap();
    (gauges, statement.get_status(StatementStatus::VmStep))
}

#[test]
fn the_gauges_count_open_deliveries_by_state_and_find_the_one_that_waits_longest() {
    let db = open(&[("a", "pending", 30), ("b", "leased", 2), ("b", "held", 7), ("b", "delivered", 50)]);
    add_webhook(&db, "a", Some(NOW), None);
    add_webhook(&db, "b", None, Some(5));
    add_webhook(&db, "c", None, None);
    let (gauges, _) = measure(&db, 1000, 1000);
    let oldest = NOW - 1000;
    assert_eq!(gauges, [Some(30), Some(2), Some(7), Some(1), Some(2), Some(2), Some(oldest)]);
}

#[test]
fn the_gauges_of_an_empty_database_are_zero_and_nothing_is_due() {
    let (gauges, _) = measure(&Db::open(), 1000, 1000);
    assert_eq!(gauges, [Some(0), Some(0), Some(0), Some(0), Some(0), Some(0), None]);
}

#[test]
fn a_backlog_of_any_size_costs_the_same_and_is_counted_up_to_the_limit() {
    let steps = [2000, 100_000].map(|backlog| {
        let db = open(&[("a", "pending", backlog), ("b", "held", backlog), ("c", "pending", 1)]);
        let (gauges, steps) = measure(&db, 1000, 1000);
        assert_eq!(gauges, [Some(1000), Some(0), Some(1000), Some(0), Some(0), Some(2), Some(NOW - 1000)]);
        steps
    });
    assert!(steps[1] < steps[0] * 11 / 10, "{steps:?} steps");
}

#[test]
fn more_webhooks_than_the_limit_are_not_walked() {
    let names: Vec<String> = (0..50).map(|n| format!("w{n:02}")).collect();
    let backlogs: Vec<_> = names.iter().map(|name| (name.as_str(), "pending", 3)).collect();
    let (gauges, _) = measure(&open(&backlogs), 1000, 20);
    assert_eq!(gauges[5], Some(20));
}

#[test]
fn counts_of_several_isolates_add_up_and_stay_integers() {
    let db = Db::open();
    let counters = [
        json!({"events:browser:stored": 4, "trips": 9_007_199_254_i64}),
        json!({"events:browser:stored": 1, "lost": 1}),
    ];
    for counts in &counters {
        db.rows(sql::METRICS_ADD, &[json!(counts.to_string())]);
    }
    let found = db.rows(sql::METRICS_FIND, &[]);
    let stored: Value = serde_json::from_str(found[0][1].as_str().unwrap()).unwrap();
    assert_eq!(stored, json!({"events:browser:stored": 5, "trips": 9_007_199_254_i64, "lost": 1}));
}
