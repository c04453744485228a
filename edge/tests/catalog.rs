//! The catalogue of event names, by the SQL on the real schema: what a request writes of it, and
//! how many names each door may fill it with.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod schema;

use schema::pipe::{COMPANY, Db, NOW, number, view};
use serde_json::{Value, json};
use trackmate_edge::domain::event::Row;
use trackmate_edge::store::sql;

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// Names of a door.
const MOST: i64 = 10;

/// Stores an event for each name at a door, and notes the names, as `store::catalog` does. → rows
/// written to the catalogue.
fn note(db: &mut Db, source: i64, now: i64, names: &[String]) -> i64 {
    let ids: Vec<String> = names.iter().map(|name| format!("{name}-{source}-{now}")).collect();
    let rows: Vec<Row> = ids.iter().map(|id| view(id, now * 1000, None)).collect();
    db.events(source, "s", None, &rows);
    asked(db, source, now, names, &ids)
}

fn asked(db: &Db, source: i64, now: i64, names: &[String], ids: &[String]) -> i64 {
    let items: Vec<Value> = names.iter().zip(ids).map(|(n, i)| json!({"n": n, "i": i})).collect();
    let items = json!(items).to_string();
    db.rows(sql::CATALOG_CLEAR, json!([COMPANY, items, source, MOST, now - 30 * DAY]).as_array().unwrap());
    let request = db.rows("select max(request) from events", &[])[0][0].clone();
    db.rows(sql::CATALOG_NOTE, json!([COMPANY, items, source, request, now, MOST, HOUR]).as_array().unwrap());
    number(&db.rows("select changes()", &[])[0][0])
}

fn names(prefix: &str, count: i64) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

fn shown(db: &Db) -> Vec<String> {
    let listed = db.rows(sql::CATALOG_LIST, &[json!(COMPANY), json!(1000)]);
    listed.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_name_is_written_when_it_is_new_and_then_once_an_hour() {
    let mut db = Db::open();
    let seen = names("seen", 3);
    assert_eq!(note(&mut db, 0, NOW, &seen), 3);
    assert_eq!(note(&mut db, 0, NOW + HOUR, &seen), 0, "within the hour");
    assert_eq!(note(&mut db, 0, NOW + HOUR + 1, &seen), 3);
    assert_eq!(note(&mut db, 1, NOW + HOUR + 2, &seen), 3, "a server sends them first");
    assert_eq!(note(&mut db, 0, NOW + HOUR + 3, &seen), 0);
    let sources = db.rows("select distinct source from catalog", &[]);
    assert_eq!(sources, [[json!(1)]], "and they stay a server's");
}

#[test]
fn what_was_not_stored_is_not_in_the_catalogue() {
    let mut db = Db::open();
    note(&mut db, 0, NOW, &names("seen", 1));
    assert_eq!(asked(&db, 0, NOW, &names("made-up", 1), &["nowhere".to_owned()]), 0);
    assert_eq!(shown(&db), ["seen0"]);
}

#[test]
fn names_that_a_stranger_makes_up_have_a_bound_and_leave_room_for_a_servers_and_for_those_that_were_there() {
    let mut db = Db::open();
    note(&mut db, 0, NOW, &names("own", 3));
    for n in 0..5 {
        note(&mut db, 0, NOW + n + 1, &names(&format!("!{n}-"), 50));
    }
    assert_eq!(shown(&db).len(), 10);
    assert!(names("own", 3).iter().all(|own| shown(&db).contains(own)));
    assert_eq!(note(&mut db, 1, NOW + 9, &names("server", 4)), 4);
    assert_eq!(shown(&db)[..4], names("server", 4), "a server's stand first");
}

#[test]
fn where_a_door_is_full_a_new_name_takes_the_place_of_those_that_were_not_seen_for_long() {
    let mut db = Db::open();
    note(&mut db, 0, NOW, &names("!", 30));
    note(&mut db, 0, NOW + 29 * DAY, &["!0".to_owned(), "new".to_owned()]);
    assert!(!shown(&db).contains(&"new".to_owned()), "there is no room yet");
    note(&mut db, 0, NOW + 31 * DAY, &["!0".to_owned()]);
    assert_eq!(shown(&db).len(), 10, "nothing new, and nothing goes");
    note(&mut db, 0, NOW + 31 * DAY, &["new".to_owned()]);
    assert_eq!(shown(&db), ["!0", "new"]);
}
