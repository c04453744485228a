//! Receipts of received items, with the SQL on the real schema: their limits per minute and in all,
//! their increasing numbers, and their indexes.

use crate::schema::pipe::{COMPANY, Db, NOW, number, view};
use serde_json::{Value, json};
use trackmate_edge::domain::incoming::Receipt;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::sql;
use trackmate_wire::problem::{Code, Problem};

const MINUTE: i64 = 60_000;

/// The most receipts of a minute, and of all.
struct Limits {
    minute: i64,
    kept: i64,
}

/// Writes receipts of rejected items of a source, at most `minute` a minute and `kept` in all, as
/// `store::incoming` does.
fn reject(db: &Db, source: Source, at: i64, count: usize, Limits { minute, kept }: Limits) {
    let problem = Problem::new(Code::MissingField, "eventType is missing");
    let receipts: Vec<Receipt> = (0..count).map(|_| Receipt::rejected(Some("{}"), None, None, &problem)).collect();
    let (ring, json) = (1 + source.number(), serde_json::to_string(&receipts).unwrap());
    db.rows(sql::INCOMING_INSERT, json!([COMPANY, ring, json, source, at, minute]).as_array().unwrap());
    db.rows(sql::INCOMING_TRIM, &[json!(COMPANY), json!(ring), json!(kept)]);
}

fn count(db: &Db, source: Source) -> i64 {
    number(&db.rows("select count(*) from incoming where source = ?1", &[json!(source)])[0][0])
}

fn last(db: &Db) -> Value {
    db.rows(sql::INCOMING_LAST, &[json!(COMPANY)])[0][0].clone()
}

#[test]
fn the_receipts_of_each_source_are_limited_per_minute_and_in_all_and_the_newest_stay() {
    let db = Db::open();
    reject(&db, Source::Browser, NOW, 30, Limits { minute: 10, kept: 15 });
    assert_eq!(count(&db, Source::Browser), 10);
    reject(&db, Source::Browser, NOW + MINUTE / 2, 30, Limits { minute: 10, kept: 15 });
    assert_eq!(count(&db, Source::Browser), 10, "the limit of the minute is reached");
    reject(&db, Source::Server, NOW + MINUTE / 2, 4, Limits { minute: 10, kept: 15 });
    assert_eq!(count(&db, Source::Server), 4, "the other source has its own limit");
    reject(&db, Source::Browser, NOW + MINUTE, 30, Limits { minute: 10, kept: 15 });
    assert_eq!(count(&db, Source::Browser), 15);
    assert_eq!(count(&db, Source::Server), 4, "the other source loses no receipt");
    let oldest = db.rows("select count(*) from incoming where source = 0 and at = ?1", &[json!(NOW)]);
    assert_eq!(oldest, [[json!(5)]]);
}

#[test]
fn receipt_numbers_increase_whatever_the_clock_does_and_are_never_reused() {
    let mut db = Db::open();
    assert_eq!(last(&db), Value::Null);
    let mut before = 0;
    db.events(Source::Browser, "s", None, &[view("a", NOW * 1000, None), view("b", NOW * 1000, None)]);
    for (n, late) in [0, 5, -90_000, 5, MINUTE, -1].into_iter().enumerate() {
        reject(&db, Source::Browser, NOW + late, n + 1, Limits { minute: 100, kept: 100 });
        let noted =
            json!([{"o": "stored", "i": "a", "n": "view"}, {"o": "stored", "i": "nowhere", "n": "view"}]).to_string();
        db.rows(sql::INCOMING_INSERT, json!([COMPANY, 0, noted, 0, NOW + late, 100]).as_array().unwrap());
        assert!(number(&last(&db)) > before);
        before = number(&last(&db));
    }
    let noted = db.rows("select count(*), count(distinct seq) from incoming", &[]);
    assert_eq!(
        noted,
        [[json!(21 + 6), json!(21 + 6)]],
        "no receipt has the outcome stored for an event that is not stored"
    );
    // Days later all receipts are deleted. Later receipts still have greater numbers.
    let later = NOW + 8 * 24 * 60 * MINUTE;
    db.rows(sql::INCOMING_PRUNE, &[json!(later - MINUTE), json!(1000)]);
    assert_eq!(last(&db), Value::Null);
    reject(&db, Source::Server, later, 1, Limits { minute: 100, kept: 100 });
    assert!(number(&last(&db)) > before);
}

#[test]
fn an_unknown_company_gets_no_receipts() {
    let db = Db::open();
    let noted = json!([{"o": "rejected", "c": "invalid_json", "m": "no"}]).to_string();
    db.rows(sql::INCOMING_INSERT, json!(["TM-NOBODY", 1, noted, 0, NOW, 100]).as_array().unwrap());
    assert_eq!(count(&db, Source::Browser), 0);
}

#[test]
fn every_statement_of_receipts_uses_an_index() {
    let db = Db::open();
    for statement in [
        sql::INCOMING_AFTER,
        sql::INCOMING_BEFORE,
        sql::INCOMING_FORGET,
        sql::INCOMING_INSERT,
        sql::INCOMING_LAST,
        sql::INCOMING_OF_ID,
        sql::INCOMING_PRUNE,
        sql::INCOMING_TRIM,
        sql::DELIVERIES_OF_EVENT,
        sql::EVENT_FIND,
        sql::COMPANY_CHECK,
        sql::SERVER_RESOLVE,
        sql::EVENTS_INSERT_WITH_KEY,
    ] {
        let mut prepared = db.connection.prepare(&format!("explain query plan {statement}")).unwrap();
        let plan: Vec<String> = prepared.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
        // Complete scans are allowed of parameters, and of the rows that a statement found itself.
        let own = [
            "SCAN CONSTANT ROW",
            "SCAN i",
            "SCAN s",
            "SCAN subscribed",
            "SCAN d",
            "SCAN n",
            "SCAN w",
            "SCAN k",
            "SCAN a",
        ];
        let is_page = |step: &str| step != "SCAN i" || statement.starts_with("with page as materialized");
        for step in plan
            .iter()
            .filter(|step| step.starts_with("SCAN ") && !step.contains("VIRTUAL TABLE") && !step.contains("(subquery"))
        {
            assert!(own.contains(&step.as_str()) && is_page(step), "{step} in {statement}\n{plan:#?}");
        }
    }
}
