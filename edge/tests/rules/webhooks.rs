//! The list of webhooks, with the SQL on the real schema.

use crate::schema::pipe::{COMPANY, Db, number};
use rusqlite::StatementStatus;
use serde_json::json;
use trackmate_edge::store::sql;

/// The steps of SQLite's machine that the list takes, and the number of held deliveries that it
/// shows of a webhook that has this many.
fn listed(held: i64) -> (i32, i64) {
    let db = Db::open();
    let insert = "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at)
                  values (?1, 'wh', '', '', '[\"*\"]', '', 3, 1, 1000, 0)";
    db.connection.execute(insert, [COMPANY]).unwrap();
    let insert = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
                  insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at)
                  select ?1, format('%012x', 0) || format('%020d', i), 'wh', 0, 'm' || i, 'e', 'held', 0, 0 from n";
    db.connection.execute(insert, (COMPANY, held)).unwrap();
    let row = db.rows(sql::SUBSCRIPTION_LIST, &[json!(COMPANY)]).remove(0);
    let list = db.connection.prepare_cached(sql::SUBSCRIPTION_LIST).unwrap();
    let place = list.column_names().iter().position(|name| *name == "held").unwrap();
    (list.get_status(StatementStatus::VmStep), number(&row[place]))
}

#[test]
fn the_list_of_webhooks_reads_a_limited_number_of_held_deliveries() {
    let ((few, counted), (many, most)) = (listed(999), listed(20_000));
    assert_eq!((counted, most), (999, 1000));
    assert!(many < few * 11 / 10, "{few} steps for 999, {many} for 20,000");
}
