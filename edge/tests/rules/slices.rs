//! Single slices of an erasure, with the SQL on the real schema: requests between two slices, and
//! events at the boundaries of the person's links.

use crate::schema::pipe::{COMPANY, Db, NOW, event, text, view};
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::erasures::releasing;
use trackmate_edge::store::sql;

/// Opens a database with Ada and Bob, each identified in a browser, and a webhook for all events.
fn open() -> Db {
    let mut db = Db::open();
    let insert = "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at)
                  values (?1, 'wh', '', '', '[\"*\"]', '', 3, 1, 1000, 0)";
    db.connection.execute(insert, [COMPANY]).unwrap();
    for (person, at) in [("ada", 10), ("bob", 20)] {
        identify(&mut db, &format!("{person}-home"), at, person);
    }
    db
}

fn ts(second: i64) -> i64 {
    clock::event_ts(NOW + second * 1000, 0)
}

/// Identifies a session at exactly this second, where events may be too. → The profile.
fn identify(db: &mut Db, session: &str, second: i64, person: &str) -> String {
    let id = format!("{person}-{session}-{second}");
    db.identify(session, ts(second), &id, &format!("{person}@x.io"), &json!({})).unwrap()
}

fn profile(db: &Db, person: &str) -> String {
    db.owner(&format!("{person}@x.io")).unwrap()
}

/// The message ids of a table's rows that meet a condition.
fn ids(db: &Db, rows: &str) -> Vec<String> {
    db.rows(&format!("select message_id from {rows} order by 1"), &[]).iter().map(|r| text(&r[0])).collect()
}

/// The events that the next slice names, from at most this number of links. `None` when no link is
/// left.
fn next(db: &Db, profile: &str, links: i64, events: i64) -> Option<String> {
    let next = db.rows(sql::ERASURE_NEXT, &[json!(COMPANY), json!(profile), json!(links), json!(events)]);
    next[0][0].as_str().map(str::to_owned)
}

#[test]
fn an_erasure_deletes_a_link_only_after_everything_at_its_first_instant() {
    let sent = |table: &str, n: usize| match table {
        "records" => {
            (Source::Server, event(&format!("b{n}"), ts(5), "booking.made", &format!(r#"{{"booking":{{"id":{n}}}}}"#)))
        }
        "memberships" => {
            (Source::Browser, event(&format!("g{n}"), ts(5), "group", &format!(r#"{{"groupId":"g{n}"}}"#)))
        }
        _ => (Source::Browser, view(&format!("v{n}"), ts(5), None)),
    };
    for table in ["events", "records", "memberships"] {
        let mut db = open();
        identify(&mut db, "s", 1, "bob");
        identify(&mut db, "s", 5, "ada");
        for n in 1..=3 {
            let (source, row) = sent(table, n);
            db.events(source, "s", None, &[row]);
        }
        let ada = profile(&db, "ada");
        db.erase(&ada);
        // One link in each slice, and one item in each slice of the table under test.
        let most = if table == "events" { 1 } else { 9 };
        while let Some(named) = next(&db, &ada, 1, most) {
            db.batch(&releasing(COMPANY, &ada, &named, 1, 1));
        }
        assert_eq!(ids(&db, "events where session = 's'"), ["bob-s-1"], "{table}");
        for table in ["records", "memberships"] {
            assert_eq!(db.rows(&format!("select * from {table}"), &[]), Vec::<Vec<Value>>::new(), "{table}");
        }
    }
}

#[test]
fn a_slice_deletes_only_data_that_belong_to_the_person_when_it_runs() {
    let mut db = open();
    identify(&mut db, "s", 5, "ada");
    db.events(Source::Browser, "s", None, &[view("early", ts(6), None), view("late", ts(8), None)]);
    let (ada, bob) = (profile(&db, "ada"), profile(&db, "bob"));
    db.erase(&ada);
    let named = next(&db, &ada, 9, 9).unwrap();
    assert!(named.contains("\"late\""));
    // Meanwhile an identify arrives: Bob used the browser by then.
    identify(&mut db, "s", 7, "bob");
    db.batch(&releasing(COMPANY, &ada, &named, 9, 9));
    assert_eq!(ids(&db, "events where session = 's'"), ["bob-s-7", "late"]);
    assert_eq!(db.rows("select events from profiles where id = ?1", &[json!(bob)]), [[json!(3)]]);
    assert_eq!(ids(&db, "deliveries where message_id = 'late'"), ["late"]);
    // Data that never belonged to Ada stay too: Bob's event, his identify, and events about him.
    let about = ids(&db, &format!("events where session = '' and data ->> '$.user.id' = '{bob}'"));
    assert_eq!(about.len(), 1);
    let others = [json!({"s": 0, "i": "late"}), json!({"s": 0, "i": "bob-s-7"}), json!({"s": 1, "i": about[0]})];
    let all = |db: &Db| {
        ["events", "links", "deliveries", "profiles"]
            .map(|t| db.table(&format!("select * from {t} order by 1, 2, 3, 4")))
    };
    let before = all(&db);
    db.batch(&releasing(COMPANY, &ada, &json!(others).to_string(), 9, 9));
    assert_eq!(all(&db), before);
}

#[test]
fn events_that_arrive_during_a_persons_erasure_are_held_and_then_erased() {
    let mut db = open();
    let ada = profile(&db, "ada");
    let notice = db.erase(&ada);
    db.events(Source::Browser, "ada-home", None, &[view("late", ts(30), None)]);
    db.events(Source::Browser, "bob-home", None, &[view("other", ts(30), None)]);
    let states = |db: &Db| {
        let query = "select message_id, state from deliveries where message_id in ('late', 'other', ?1) order by message_id = ?1, message_id";
        db.rows(query, &[json!(notice)]).iter().map(|r| (text(&r[0]), text(&r[1]))).collect::<Vec<_>>()
    };
    let free = |id: &str, state: &str| (id.to_owned(), state.to_owned());
    assert_eq!(states(&db), [free("late", "held"), free("other", "leased"), free(&notice, "pending")]);
    while db.slice(&ada, 9, 9) {}
    assert_eq!(states(&db), [free("other", "leased"), free(&notice, "pending")]);
    // After the erasure, events of the browser belong to nobody and are sent.
    db.events(Source::Browser, "ada-home", None, &[view("late", ts(40), None)]);
    assert_eq!(states(&db)[0], free("late", "leased"));
}

#[test]
fn deliveries_held_for_an_erasure_that_belong_to_another_person_are_sent_after_it() {
    let mut db = open();
    let ada = profile(&db, "ada");
    db.erase(&ada);
    db.events(Source::Browser, "ada-home", None, &[view("late", ts(30), None)]);
    // Meanwhile an identify arrives: Bob used the browser by then.
    identify(&mut db, "ada-home", 29, "bob");
    while db.slice(&ada, 9, 9) {}
    assert_eq!(db.rows("select state from deliveries where message_id = 'late'", &[]), [[json!("held")]]);
    assert_eq!(db.rows("select releasing from subscriptions", &[]), [[json!("deliver")]]);
}
