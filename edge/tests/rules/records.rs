//! Compares the SQL of records on the real schema with the pure rules. Whatever the history, the
//! people on shared sessions and the order of arrival, a record is the fold of its events. It
//! belongs to the person who owns its place, and every count and list equals a recount.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::schema::cases;
use crate::schema::pipe::{self, Db, NOW, event, number, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::event::Row;
use trackmate_edge::domain::ledger::{LinkEvidence, owner};
use trackmate_edge::domain::person::Counts;
use trackmate_edge::domain::record::{Change, Field, Record, change, fold};
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::people::Profile;
use trackmate_edge::store::sql;

const PEOPLE: usize = 3;
const TABLES: [&str; 5] = ["events", "links", "profiles", "identities", "records"];

/// Deletes everything except the people, each identified on a session without other people.
fn clear(db: &mut Db) {
    db.clear(&TABLES);
    for person in 0..PEOPLE {
        let (id, session) = (format!("home{person}"), format!("home{person}"));
        let public_id = db.identify(&session, clock::identify_ts(NOW, "home"), &id, &address(person), &json!({}));
        assert_eq!(public_id, Some(profile(person)));
    }
}

fn address(person: usize) -> String {
    format!("p{person}@x.io")
}

/// `Db` names a profile after the number of the request that creates it.
fn profile(person: usize) -> String {
    format!("p{}", person + 1)
}

fn server_session(person: usize) -> String {
    format!("webhook_{}", person + 1)
}

/// All records as stored, by kind and id.
fn kept(db: &Db) -> BTreeMap<(String, String), Record> {
    let all = "select kind, id, session, placed_ts, placed_id, first_ts, last_ts, scans, fields from records";
    let rows = db.rows(all, &[]);
    rows.iter()
        .map(|r| {
            let place = (text(&r[2]), number(&r[3]), text(&r[4]));
            let record = Record {
                kind: text(&r[0]),
                id: text(&r[1]),
                place: Some(place).filter(|(session, ..)| !session.is_empty()),
                first_ts: number(&r[5]),
                last_ts: number(&r[6]),
                scans: number(&r[7]),
                fields: serde_json::from_str::<BTreeMap<String, Field>>(&text(&r[8])).unwrap(),
            };
            ((record.kind.clone(), record.id.clone()), record)
        })
        .collect()
}

/// All records as the pure rule makes them from the stored events.
fn folded(db: &Db) -> BTreeMap<(String, String), Record> {
    let mut changes = BTreeMap::<_, Vec<(String, i64, Change)>>::new();
    for r in db.rows("select session, ts, message_id, type, data from events where source = 1", &[]) {
        if let Some(change) = change(&text(&r[2]), &text(&r[3]), &text(&r[4])) {
            let key = (change.kind.clone(), change.id.clone());
            changes.entry(key).or_default().push((text(&r[0]), number(&r[1]), change));
        }
    }
    let fold = |events: Vec<(String, i64, Change)>| {
        fold(&events.iter().map(|(s, ts, c)| (s.as_str(), *ts, c.clone())).collect::<Vec<_>>()).unwrap()
    };
    changes.into_iter().map(|(key, events)| (key, fold(events))).collect()
}

/// The records of a person after a place, up to a limit in all or of each kind.
fn listed(
    db: &Db,
    person: usize,
    limit: usize,
    after: Option<&(i64, String, String)>,
    of_each: bool,
) -> Vec<(i64, String, String)> {
    let of_each = i64::from(of_each);
    let after = after.map_or([Value::Null, Value::Null, Value::Null], |a| [json!(a.0), json!(a.1), json!(a.2)]);
    let profiles = json!(json!([profile(person)]).to_string());
    let params = [
        &[json!(pipe::COMPANY), profiles, Value::Null, json!(limit)][..],
        &after[..],
        &[json!(of_each), json!(1_000_000)],
    ]
    .concat();
    let rows = db.rows(sql::RECORDS_LIST, &params);
    rows.iter().map(|r| (number(&r[3]), text(&r[1]), text(&r[2]))).collect()
}

/// The person that a server names.
#[derive(Debug, Clone)]
enum Named {
    Nobody,
    Session(usize),
    Person(usize),
}

/// A request of a history: a server sends events about records, or a person logs in on a browser.
#[derive(Debug, Clone)]
enum Request {
    Events { named: Named, sent: Vec<(i64, usize, usize, usize)> },
    Identify { session: usize, at: i64, person: usize },
}

const THINGS: [(&str, &str, &str); 7] = [
    ("booking", "booking", r#""id":"b1","#),
    ("booking", "booking", r#""id":2,"#),
    ("qr", "qrCode", r#""code":"Q","#),
    ("conversation", "conversation", r#""id":"c","#),
    ("message", "message", r#""id":"m","#),
    ("comment", "comment", ""),
    ("order", "order", r#""id":"o","#),
];
const VERBS: [&str; 5] = ["created", "updated", "cancelled", "scanned", "completed"];
const FIELDS: [&str; 9] = [
    r#""a":79.990"#,
    r#""a":12345678901234567890"#,
    r#""status":"own""#,
    r#""status":null"#,
    r#""a":{"b":[1,2.50],"c":"é\u0000\"x"}"#,
    r#""b\"'$.é":"quoted""#,
    r#""a":null,"c":true"#,
    r#""a b":"x","c":false"#,
    r#""a":"\ud800","c":1e999"#,
];

fn history() -> impl Strategy<Value = Vec<Request>> {
    let named = prop_oneof![
        1 => Just(Named::Nobody),
        2 => (0..2_usize).prop_map(Named::Session),
        2 => (0..PEOPLE).prop_map(Named::Person)
    ];
    let sent = prop::collection::vec((0..40_i64, 0..THINGS.len(), 0..VERBS.len(), 0..FIELDS.len()), 1..4);
    let server_events = (named, sent).prop_map(|(named, sent)| Request::Events { named, sent });
    let identify =
        (0..2_usize, 0..40_i64, 0..PEOPLE).prop_map(|(session, at, person)| Request::Identify { session, at, person });
    prop::collection::vec(prop_oneof![3 => server_events, 2 => identify], 1..14)
}

fn events(number: usize, sent: &[(i64, usize, usize, usize)]) -> Vec<Row> {
    let event = |(n, (at, thing, verb, field)): (usize, &(i64, usize, usize, usize))| {
        let (kind, member, id) = THINGS[*thing];
        let data = format!(r#"{{"{member}":{{{id}{}}}}}"#, FIELDS[*field]);
        let (ts, name) = (clock::event_ts(NOW + at * 1000, n), format!("{kind}.{}", VERBS[*verb]));
        event(&format!("e{number}-{n}"), ts, &name, &data)
    };
    sent.iter().enumerate().map(event).collect()
}

/// The message ids of a request do not depend on its place in the order of arrival.
fn send(db: &mut Db, number: usize, request: &Request) {
    match request {
        Request::Events { named, sent } => match named {
            Named::Nobody => db.events(Source::Server, "", None, &events(number, sent)),
            Named::Session(n) => db.events(Source::Server, &format!("s{n}"), None, &events(number, sent)),
            Named::Person(n) => {
                db.events(Source::Server, &server_session(*n), Some(&profile(*n)), &events(number, sent))
            }
        },
        Request::Identify { session, at, person } => {
            let (id, session) = (format!("i{number}-s{session}"), format!("s{session}"));
            db.identify(&session, clock::identify_ts(NOW + at * 1000, &id), &id, &address(*person), &json!({}));
        }
    }
}

/// Compares the stored, counted and listed records with the pure rules.
fn check(db: &Db) {
    let folded = folded(db);
    assert_eq!(format!("{:?}", kept(db)), format!("{folded:?}"), "a stored record is the fold of its events");
    let mut facts = BTreeMap::<String, Vec<LinkEvidence>>::new();
    for r in db.rows("select session, at, id, profile from links where profile is not null", &[]) {
        let fact = LinkEvidence { at: number(&r[1]), id: text(&r[2]), profile: text(&r[3]) };
        facts.entry(text(&r[0])).or_default().push(fact);
    }
    let uneven = db.rows("select 1 from links group by session having min(has_records) <> max(has_records)", &[]);
    assert!(uneven.is_empty(), "all links of a session have the same mark");
    let marks = db.rows(
        "select 1 from links where has_records = 0 and exists (select 1 from records where session = links.session)",
        &[],
    );
    assert!(marks.is_empty(), "a session has records but its links are not marked");
    for person in 0..PEOPLE {
        let id = profile(person);
        let owns = |r: &&Record| {
            let facts_of = |session: &String| facts.get(session).map_or(&[][..], Vec::as_slice);
            r.place.as_ref().is_some_and(|(session, ts, _)| owner(facts_of(session), *ts) == Some(id.as_str()))
        };
        let mine: Vec<&Record> = folded.values().filter(owns).collect();
        let of = |kind: &str| mine.iter().filter(|r| r.kind == kind).copied().collect::<Vec<_>>();
        let count = |kind: &str| i64::try_from(of(kind).len()).unwrap();
        let written = ["message", "comment", "story"].into_iter().flat_map(of);
        let expected = Counts {
            messages: count("message"),
            comments: count("comment"),
            stories: count("story"),
            interacted: written.map(|r| r.last_ts).max(),
            bookings: count("booking"),
            booked: of("booking").iter().map(|r| r.first_ts).max(),
            scans: of("qr").iter().map(|r| r.scans).sum(),
            conversations: count("conversation"),
        };
        let read: Vec<Profile> = db.find(sql::PROFILE_FIND, &[json!(pipe::COMPANY), json!(id), json!(100)]);
        let counts = &read[0].counts;
        assert!(counts != "{}" || mine.is_empty());
        let counts: Counts = serde_json::from_str(counts).unwrap();
        assert_eq!(counts, expected, "the counts of {id}");
        let mut all: Vec<_> =
            mine.iter().map(|r| (r.place.as_ref().unwrap().1, r.kind.clone(), r.id.clone())).collect();
        all.sort_by(|a, b| b.cmp(a));
        let mut seen = BTreeMap::<&str, usize>::new();
        let mut among_first = |kind| {
            let count = seen.entry(kind).or_default();
            *count += 1;
            *count <= 2
        };
        let first: Vec<_> = all.iter().filter(|(_, kind, _)| among_first(kind.as_str())).cloned().collect();
        assert_eq!(listed(db, person, 2, None, true), first, "the first records of each kind of {id}");
        let mut walked = Vec::new();
        loop {
            let page: Vec<_> = listed(db, person, 2, walked.last(), false);
            if page.is_empty() {
                break;
            }
            walked.extend(page);
        }
        assert_eq!(walked, all, "the pages of records of {id}");
    }
}

fn has_tie(history: &[Request]) -> bool {
    pipe::has_tie(history.iter().enumerate().filter_map(|(number, request)| match request {
        Request::Identify { session, at, .. } => {
            Some((*session, clock::identify_ts(NOW + at * 1000, &format!("i{number}-s{session}"))))
        }
        Request::Events { .. } => None,
    }))
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_record_is_the_fold_of_its_events_and_belongs_to_the_owner_of_its_place_in_any_order_of_arrival(
        (history, order) in history().prop_flat_map(|h| {
            let order: Vec<usize> = (0..h.len()).collect();
            (Just(h), Just(order).prop_shuffle())
        }),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        prop_assume!(!has_tie(&history));
        // Two databases serve all cases and are cleared in between, because preparing the
        // statements takes most of a case's time.
        thread_local! {
            static DBS: RefCell<[Db; 2]> = RefCell::new([Db::open(), Db::open()]);
        }
        DBS.with_borrow_mut(|[straight, shuffled]| {
            clear(straight);
            for (number, request) in history.iter().enumerate() {
                send(straight, number, request);
            }
            check(straight);
            clear(shuffled);
            let late: Vec<usize> = repeats.iter().map(|r| r.index(history.len())).collect();
            for number in order.iter().chain(&late) {
                send(shuffled, *number, &history[*number]);
            }
            check(shuffled);
            prop_assert_eq!(format!("{:?}", kept(straight)), format!("{:?}", kept(shuffled)));
            Ok(())
        })?;
    }

}

proptest! {
    #![proptest_config(cases(20))]

    // A record with too many fields keeps the latest, whatever the order of arrival.
    #[test]
    fn the_latest_fields_of_a_record_stay_in_any_order_of_arrival(
        batches in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        names in prop::collection::vec(prop::collection::btree_set(0..300_usize, 30..120), 6),
    ) {
        let mut db = Db::open();
        clear(&mut db);
        for batch in batches {
            let fields: Vec<String> = names[batch].iter().map(|n| format!(r#","f{n}":{batch}"#)).collect();
            let data = format!(r#"{{"order":{{"id":1{}}}}}"#, fields.concat());
            let ts = clock::event_ts(NOW + i64::try_from(batch).unwrap() * 1000, 0);
            let update = event(&format!("e{batch}"), ts, "order.updated", &data);
            db.events(Source::Server, &server_session(0), Some(&profile(0)), &[update]);
        }
        prop_assert_eq!(format!("{:?}", kept(&db)), format!("{:?}", folded(&db)));
    }
}

#[test]
fn an_event_about_a_record_with_a_used_message_id_changes_nothing() {
    let mut db = Db::open();
    clear(&mut db);
    let store = |db: &mut Db, person, name, data, ts| {
        db.events(Source::Server, &server_session(person), Some(&profile(person)), &[event("e", ts, name, data)]);
    };
    store(&mut db, 0, "qr.scanned", r#"{"qrCode":{"id":1}}"#, 5);
    let before = format!("{:?}", kept(&db));
    store(&mut db, 1, "qr.scanned", r#"{"qrCode":{"id":1,"x":1}}"#, 9);
    store(&mut db, 1, "booking.made", r#"{"booking":{"id":1}}"#, 9);
    assert_eq!(format!("{:?}", kept(&db)), before);
    let marked = db.rows("select 1 from links where session = ?1 and has_records = 1", &[json!(server_session(1))]);
    assert!(marked.is_empty());
}
