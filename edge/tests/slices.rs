//! Single steps of an erasure, by the SQL on the real schema: what happens between two of them, and
//! at the very edges of what is the person's.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod schema;

use schema::pipe::{COMPANY, Db, NOW, event, text, view};
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::store::erasures::releasing;
use trackmate_edge::store::sql;

/// Ada and Bob, each known on a browser of their own, and a webhook that takes everything.
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

/// Identifies a session at this second exactly, at which events may lie too. → the profile.
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

/// The events that the next slice names, of so many links; none when no link is left.
fn next(db: &Db, profile: &str, links: i64, events: i64) -> Option<String> {
    let next = db.rows(sql::ERASURE_NEXT, &[json!(COMPANY), json!(profile), json!(links), json!(events)]);
    next[0][0].as_str().map(str::to_owned)
}

#[test]
fn a_link_is_let_go_only_when_nothing_is_left_at_its_first_instant() {
    let told = |table: &str, n: usize| match table {
        "records" => (1, event(&format!("b{n}"), ts(5), "booking.made", &format!(r#"{{"booking":{{"id":{n}}}}}"#))),
        "memberships" => (0, event(&format!("g{n}"), ts(5), "group", &format!(r#"{{"groupId":"g{n}"}}"#))),
        _ => (0, view(&format!("v{n}"), ts(5), None)),
    };
    for table in ["events", "records", "memberships"] {
        let mut db = open();
        identify(&mut db, "s", 1, "bob");
        identify(&mut db, "s", 5, "ada");
        for n in 1..=3 {
            let (source, row) = told(table, n);
            db.events(source, "s", None, &[row]);
        }
        let ada = profile(&db, "ada");
        db.erase(&ada);
        // A link at a time, and of what is to be the last one at a time.
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
fn a_slice_deletes_only_what_is_still_the_persons_when_it_runs() {
    let mut db = open();
    identify(&mut db, "s", 5, "ada");
    db.events(0, "s", None, &[view("early", ts(6), None), view("late", ts(8), None)]);
    let (ada, bob) = (profile(&db, "ada"), profile(&db, "bob"));
    db.erase(&ada);
    let named = next(&db, &ada, 9, 9).unwrap();
    assert!(named.contains("\"late\""));
    // Meanwhile it comes in that Bob had the browser by then.
    identify(&mut db, "s", 7, "bob");
    db.batch(&releasing(COMPANY, &ada, &named, 9, 9));
    assert_eq!(ids(&db, "events where session = 's'"), ["bob-s-7", "late"]);
    assert_eq!(db.rows("select events from profiles where id = ?1", &[json!(bob)]), [[json!(3)]]);
    assert_eq!(ids(&db, "deliveries where message_id = 'late'"), ["late"]);
    // Nor what was never hers: his event, his identify, what was told of him.
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
fn what_comes_in_for_a_person_while_their_erasure_runs_is_held_and_goes_with_it() {
    let mut db = open();
    let ada = profile(&db, "ada");
    let notice = db.erase(&ada);
    db.events(0, "ada-home", None, &[view("late", ts(30), None)]);
    db.events(0, "bob-home", None, &[view("other", ts(30), None)]);
    let states = |db: &Db| {
        let query = "select message_id, state from deliveries where message_id in ('late', 'other', ?1) order by message_id = ?1, message_id";
        db.rows(query, &[json!(notice)]).iter().map(|r| (text(&r[0]), text(&r[1]))).collect::<Vec<_>>()
    };
    let free = |id: &str, state: &str| (id.to_owned(), state.to_owned());
    assert_eq!(states(&db), [free("late", "held"), free("other", "leased"), free(&notice, "pending")]);
    while db.slice(&ada, 9, 9) {}
    assert_eq!(states(&db), [free("other", "leased"), free(&notice, "pending")]);
    // Once it is through, what the browser sends is nobody's and goes out.
    db.events(0, "ada-home", None, &[view("late", ts(40), None)]);
    assert_eq!(states(&db)[0], free("late", "leased"));
}

#[test]
fn what_was_held_for_an_erasure_and_is_somebody_elses_after_all_goes_out_when_it_is_through() {
    let mut db = open();
    let ada = profile(&db, "ada");
    db.erase(&ada);
    db.events(0, "ada-home", None, &[view("late", ts(30), None)]);
    // Meanwhile it comes in that Bob had the browser by then.
    identify(&mut db, "ada-home", 29, "bob");
    while db.slice(&ada, 9, 9) {}
    assert_eq!(db.rows("select state from deliveries where message_id = 'late'", &[]), [[json!("held")]]);
    assert_eq!(db.rows("select releasing from subscriptions", &[]), [[json!("deliver")]]);
}
