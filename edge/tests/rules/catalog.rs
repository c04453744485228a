//! The catalogue of event names, with the SQL on the real schema: which names a request writes, and
//! how many names each source can write.

use crate::schema::pipe::{COMPANY, Db, NOW, number, view};
use rusqlite::StatementStatus;
use serde_json::{Value, json};
use trackmate_edge::domain::event::Row;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::sql;

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// Maximum number of names of a source.
const MOST: i64 = 10;

/// Stores an event with each name from a source, and writes the names to the catalogue, as
/// `store::catalog` does. → The number of rows written to the catalogue.
fn note(db: &mut Db, source: Source, now: i64, names: &[String]) -> i64 {
    let ids: Vec<String> = names.iter().map(|name| format!("{name}-{}-{now}", source.number())).collect();
    let rows: Vec<Row> = ids.iter().map(|id| view(id, now * 1000, None)).collect();
    db.events(source, "s", None, &rows);
    asked(db, source, now, names, &ids)
}

fn asked(db: &Db, source: Source, now: i64, names: &[String], ids: &[String]) -> i64 {
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
fn a_name_is_written_when_it_is_new_and_then_at_most_once_an_hour() {
    let mut db = Db::open();
    let seen = names("seen", 3);
    assert_eq!(note(&mut db, Source::Browser, NOW, &seen), 3);
    assert_eq!(note(&mut db, Source::Browser, NOW + HOUR, &seen), 0, "no name is written again within an hour");
    assert_eq!(note(&mut db, Source::Browser, NOW + HOUR + 1, &seen), 3);
    assert_eq!(note(&mut db, Source::Server, NOW + HOUR + 2, &seen), 3, "a server sends the names for the first time");
    assert_eq!(note(&mut db, Source::Browser, NOW + HOUR + 3, &seen), 0);
    let sources = db.rows("select distinct source from catalog", &[]);
    assert_eq!(sources, [[json!(1)]], "the source of the names stays the server");
}

#[test]
fn the_name_of_an_event_that_was_not_stored_is_not_in_the_catalogue() {
    let mut db = Db::open();
    note(&mut db, Source::Browser, NOW, &names("seen", 1));
    assert_eq!(asked(&db, Source::Browser, NOW, &names("made-up", 1), &["nowhere".to_owned()]), 0);
    assert_eq!(shown(&db), ["seen0"]);
}

#[test]
fn invented_names_are_limited_and_displace_neither_a_servers_names_nor_earlier_ones() {
    let mut db = Db::open();
    note(&mut db, Source::Browser, NOW, &names("own", 3));
    for n in 0..5 {
        note(&mut db, Source::Browser, NOW + n + 1, &names(&format!("!{n}-"), 50));
    }
    assert_eq!(shown(&db).len(), 10);
    assert!(names("own", 3).iter().all(|own| shown(&db).contains(own)));
    assert_eq!(note(&mut db, Source::Server, NOW + 9, &names("server", 4)), 4);
    assert_eq!(shown(&db)[..4], names("server", 4), "the names of a server are first");
}

#[test]
fn a_new_name_replaces_names_unseen_for_thirty_days_once_the_limit_of_its_source_is_reached() {
    let mut db = Db::open();
    note(&mut db, Source::Browser, NOW, &names("!", 30));
    note(&mut db, Source::Browser, NOW + 29 * DAY, &["!0".to_owned(), "new".to_owned()]);
    assert!(!shown(&db).contains(&"new".to_owned()), "the limit is reached and no name is old enough");
    note(&mut db, Source::Browser, NOW + 31 * DAY, &["!0".to_owned()]);
    assert_eq!(shown(&db).len(), 10, "without a new name no old name is removed");
    note(&mut db, Source::Browser, NOW + 31 * DAY, &["new".to_owned()]);
    assert_eq!(shown(&db), ["!0", "new"]);
}

/// The steps of SQLite's machine that it takes to make room for this number of new names in a
/// catalogue that has as many.
fn steps_to_make_room(count: i64) -> i32 {
    let mut db = Db::open();
    note(&mut db, Source::Browser, NOW, &names("old", MOST));
    let insert = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?3)
                  insert into catalog (company, name, source, seen, last_at) select ?1, 'known' || i, 0, 0, ?2 from n";
    db.connection.execute(insert, (COMPANY, NOW, count)).unwrap();
    let items: Vec<Value> = names("new", count).iter().map(|n| json!({"n": n})).collect();
    db.rows(sql::CATALOG_CLEAR, json!([COMPANY, json!(items).to_string(), 0, MOST, NOW]).as_array().unwrap());
    let cleared = db.connection.prepare_cached(sql::CATALOG_CLEAR).unwrap();
    cleared.get_status(StatementStatus::VmStep)
}

#[test]
fn to_make_room_for_many_new_names_takes_as_long_as_the_names_and_the_catalogue_are_long_together() {
    let [few, many] = [50, 400].map(steps_to_make_room);
    assert!(many < few * 12, "{few} steps for 50 names, {many} for 400");
}
