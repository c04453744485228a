//! The statement that stores a server's events and checks their key itself, against the two round
//! trips that do the same one after the other: resolve, then store.

use std::cell::RefCell;

use crate::schema::cases;
use crate::schema::pipe::{COMPANY, Db, NOW, event, text, view};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::event::Row;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::people::{Identifiers, Resolved};
use trackmate_edge::store::sql;

const KEY: &str = "hash";

/// Everything that a history writes to.
const TABLES: [&str; 13] = [
    "events",
    "links",
    "profiles",
    "identities",
    "merges",
    "merge_blocks",
    "tags",
    "fields",
    "erasures",
    "tombstones",
    "rebuilds",
    "deliveries",
    "progress",
];

fn open() -> Db {
    let db = Db { ticks: true, ..Db::open() };
    let key = "insert into keys (hash, company, id, scope, prefix, name, created_at) values (?1, ?2, 'key_1', 'server', '', '', 0)";
    db.connection.execute(key, [KEY, COMPANY]).unwrap();
    db
}

fn address(person: usize) -> String {
    if person == 2 { "u2".to_owned() } else { format!("p{person}@x.io") }
}

fn by_key(key: &str) -> Identifiers {
    Identifiers { identity_key: Some(key.to_owned()), ..Identifiers::default() }
}

fn by_user(id: &str) -> Identifiers {
    Identifiers { user: Some(id.to_owned()), ..Identifiers::default() }
}

fn resolve(db: &Db, who: &Identifiers) -> Option<Resolved> {
    let params = json!([KEY, who.identity_key, who.user, who.session, 0, NOW]);
    db.find(sql::SERVER_RESOLVE, params.as_array().unwrap()).pop()
}

/// Stores events for a session, or for the person of the identifiers. → The new message ids.
fn store(db: &mut Db, rows: &[Row], session: Option<&str>, who: &Identifiers) -> Vec<String> {
    db.request += 1;
    let (json, now) = (serde_json::to_string(rows).unwrap(), db.now());
    let key = who.identity_key.as_ref().filter(|_| who.user.is_none());
    let insert = json!([json, COMPANY, KEY, 0, db.request, null, now, session, key, who.user]);
    let new = db.rows(sql::EVENTS_INSERT_WITH_KEY, insert.as_array().unwrap());
    let ids = json!(rows.iter().map(|row| &row.id).collect::<Vec<_>>()).to_string();
    if session != Some("") {
        db.rows(sql::LINKS_COUNT, &[json!(ids), json!(COMPANY), json!(1), json!(db.request), Value::Null]);
    }
    new.iter().map(|row| text(&row[0])).collect()
}

fn probe() -> [Row; 1] {
    [view("probe", clock::event_ts(NOW, 0), None)]
}

#[derive(Debug, Clone)]
enum Act {
    Server(usize),
    Identify(usize, usize),
    Merge(usize, usize),
    Unmerge,
    Erase(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..4_usize).prop_map(Act::Server),
        3 => (0..2_usize, 0..4_usize).prop_map(|(session, person)| Act::Identify(session, person)),
        3 => (0..4_usize, 0..4_usize).prop_map(|(into, from)| Act::Merge(into, from)),
        1 => Just(Act::Unmerge),
        1 => (0..4_usize).prop_map(Act::Erase),
    ]
}

fn run(db: &mut Db, number: usize, act: &Act) {
    match *act {
        Act::Server(person) => {
            db.server(&address(person), &[view(&format!("w{number}"), clock::event_ts(db.now(), 0), None)]);
        }
        Act::Identify(session, person) => {
            let id = format!("i{number}");
            db.identify(&format!("s{session}"), clock::identify_ts(db.now(), &id), &id, &address(person), &json!({}));
        }
        Act::Merge(into, from) => drop(db.merge(&address(into), &address(from))),
        Act::Unmerge => {
            let merged =
                db.table("select id from profiles where merged_into is not null and erased_at is null limit 1");
            if let Some(row) = merged.first() {
                db.part(&crate::schema::acts::text(&row[0]));
            }
        }
        Act::Erase(person) => {
            if let Some(profile) = db.owner(&address(person)) {
                db.erase(&profile);
                while db.slice(&profile, 10, 10) {}
            }
        }
    }
}

/// Compares what is stored for these identifiers with the person to whom they lead, and takes it
/// back.
fn compare(db: &mut Db, who: &Identifiers) {
    let resolved = resolve(db, who).unwrap();
    let owner = if who.user.is_some() { &resolved.user_id } else { &resolved.email_id };
    let session = resolved.server_session(who).filter(|_| resolved.erased_at.is_none());
    let has_link = session
        .is_some_and(|session| !db.rows("select 1 from links where session = +?1", &[json!(session)]).is_empty());
    db.connection.execute_batch("begin").unwrap();
    let new = store(db, &probe(), None, who);
    let stored = db.rows("select session from events where message_id = 'probe'", &[]);
    let counted = db.rows(
        "select profile from links where session = +?1 and last_ts >= +?2",
        &[json!(session), json!(clock::event_ts(NOW, 0))],
    );
    db.connection.execute_batch("rollback").unwrap();
    if has_link {
        assert_eq!((new, stored), (vec!["probe".to_owned()], vec![vec![json!(session)]]), "{who:?}, {resolved:?}");
        assert_eq!(counted, [[json!(owner)]], "{who:?}, {resolved:?}");
    } else {
        assert!(new.is_empty() && stored.is_empty(), "{who:?}, {resolved:?}");
    }
}

#[test]
fn events_stored_with_the_check_of_their_key_belong_to_the_person_who_would_be_resolved() {
    let db = RefCell::new(open());
    proptest!(cases(200), |(acts in prop::collection::vec(act(), 1..14))| {
        let mut db = db.borrow_mut();
        db.clear(&TABLES);
        for (number, act) in acts.iter().enumerate() {
            run(&mut db, number, act);
        }
        let ids = db.table("select id from profiles union select public_id from identities where public_id is not null
                            union select public_id from tombstones where public_id is not null");
        for id in ids {
            compare(&mut db, &by_user(&crate::schema::acts::text(&id[0])));
        }
        for person in 0..4 {
            compare(&mut db, &by_key(&address(person)));
            // A user id counts before an address.
            if let Some(profile) = db.owner(&address((person + 1) % 4)) {
                compare(&mut db, &Identifiers { user: Some(profile), ..by_key(&address(person)) });
            }
        }
        for who in [by_key("nobody@x.io"), by_user("nobody"), by_user("")] {
            compare(&mut db, &who);
        }
    });
}

#[test]
fn an_event_is_not_stored_with_a_key_that_is_no_longer_what_the_isolate_expects() {
    let mut db = open();
    db.server(&address(0), &[view("w0", clock::event_ts(NOW, 0), None)]);
    let person = by_key(&address(0));
    let changes = [
        ("update keys set revoked_at = 1", "update keys set revoked_at = null"),
        ("update keys set scope = 'admin'", "update keys set scope = 'server'"),
        ("update keys set plan = 7", "update keys set plan = 0"),
        ("update keys set hash = 'other'", "update keys set hash = 'hash'"),
        (
            "insert into companies (id, name, revenue_events, created_at) values ('TM-OTHER', '', '[]', 0);
             update keys set company = 'TM-OTHER'",
            "update keys set company = 'TM-TEST'",
        ),
    ];
    for (change, back) in changes {
        db.connection.execute_batch(change).unwrap();
        for (session, who) in
            [(None, &person), (Some("s0"), &Identifiers::default()), (Some(""), &Identifiers::default())]
        {
            assert!(store(&mut db, &probe(), session, who).is_empty(), "{session:?} after {change}");
        }
        db.connection.execute_batch(back).unwrap();
    }
    assert_eq!(db.table("select message_id from events where message_id = 'probe'"), Vec::<Vec<String>>::new());
    assert_eq!(store(&mut db, &probe(), None, &person), ["probe"]);
    assert!(store(&mut db, &probe(), None, &person).is_empty(), "a repeat");
}

#[test]
fn an_event_that_is_stored_with_the_check_of_its_key_has_the_same_row() {
    let row = |id: &str, paid| Row {
        original_ms: Some(NOW - 5),
        context: Some(RawValue::from_string(r#"{"page":1}"#.to_owned()).unwrap()),
        ..view(id, clock::event_ts(NOW, 0), paid)
    };
    let other = event("e3", clock::event_ts(NOW, 1), "other", r#"{"amount":"7 EUR"}"#);
    let rows = [row("e1", None), row("e2", Some(799)), Row { revenue: view("", 0, Some(5)).revenue, ..other }];
    for session in ["", "s0"] {
        let [mut one, mut two] = [open(), open()];
        one.events(Source::Server, session, None, &rows);
        assert_eq!(store(&mut two, &rows, Some(session), &Identifiers::default()), ["e1", "e2", "e3"]);
        assert_eq!(one.table("select * from events"), two.table("select * from events"));
    }
}
