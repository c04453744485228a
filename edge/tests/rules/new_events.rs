//! How a request with many events learns which of them are new, with the SQL on the real schema.

use crate::schema::pipe::{COMPANY, Db, NOW, text, view};
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::event::Row;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::{Statement, sql};

const HOUR: i64 = 60 * 60 * 1000;

fn rows(ids: std::ops::Range<i64>) -> Vec<Row> {
    ids.map(|n| view(&format!("e{n:02}"), clock::event_ts(NOW - 9 * HOUR + n * HOUR, 0), None)).collect()
}

/// Stores events as a request with many events does. → Their number, and the ids of the new ones.
fn store(db: &Db, marker: i64, rows: &[Row]) -> (Value, Vec<String>) {
    let ids = json!(rows.iter().map(|row| &row.id).collect::<Vec<_>>()).to_string();
    let rows = serde_json::to_string(rows).unwrap();
    let none = Value::Null;
    let insert =
        json!([rows, COMPANY, 0, "s", marker, none, NOW, none, none, none, none, none, none, none, none, none, none]);
    let answers = db.batch(&[
        Statement::new(sql::EVENTS_INSERT_MANY, insert),
        Statement::new(sql::EVENTS_NUMBER, json!([])),
        Statement::new(sql::LINKS_COUNT, json!([ids, COMPANY, 0, marker, none])),
        Statement::new(sql::EVENTS_STORED, json!([COMPANY, 0, ids, marker])),
    ]);
    (answers[1][0][0].clone(), answers[3].iter().map(|row| text(&row[0])).collect())
}

#[test]
fn the_number_of_new_events_is_exact_with_repeats_and_with_stored_hours_that_they_change() {
    let mut db = Db::open();
    db.events(Source::Browser, "s", None, &rows(0..3));
    // Events of past hours delete the counts of these hours. Those rows are no events.
    for hour in 0..9 {
        let insert = "insert into event_hours (company, hour, number, counts) values (?1, ?2, 1, '{}')";
        db.connection.execute(insert, (COMPANY, (NOW - hour * HOUR) / HOUR)).unwrap();
    }
    assert_eq!(store(&db, 7, &rows(1..6)), (json!(3), vec!["e03".into(), "e04".into(), "e05".into()]));
    assert_eq!(store(&db, 8, &rows(1..6)), (json!(0), Vec::new()));
    assert_eq!(db.rows("select events from links", &[]), [[json!(6)]], "the statement behind the number counts them");
}
