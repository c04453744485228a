//! Erases people and deletes old events, with the SQL on the real schema, over generated histories
//! of people who share browsers. The others keep exactly their data. No table contains a text of
//! the erased person, and no late request restores them. Timelines can be paged through the
//! remaining events.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::schema::cases;
use crate::schema::pipe::{COMPANY, Db, NOW, event, number, text, view, views};
use crate::search::refresh;
use proptest::prelude::*;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::ledger::{LinkEvidence, owner};
use trackmate_edge::domain::source::Source;
use trackmate_edge::domain::timeline::Order;
use trackmate_edge::store::erasures::{self, Identity};
use trackmate_edge::store::identity_keys::AddedKey;
use trackmate_edge::store::{ChangeStamp, people, sql};

const DAY: i64 = 86_400_000;
/// Small limits, so that a history takes several slices.
const LINKS: i64 = 2;
const EVENTS: i64 = 3;

/// Every table that a history writes to.
const TABLES: [&str; 16] = [
    "events",
    "incoming",
    "links",
    "profiles",
    "identities",
    "deliveries",
    "attempts",
    "tags",
    "fields",
    "search_docs",
    "search_words",
    "erasures",
    "tombstones",
    "progress",
    "groups",
    "memberships",
];

fn email(person: usize) -> String {
    if person == 2 { "u2-secret".to_owned() } else { format!("p{person}-secret@x.io") }
}

fn open() -> Db {
    let mut db = Db::open();
    db.watched = true;
    for (id, events) in [("wh_all", r#"["*"]"#), ("wh_pay", r#"["pay", "user.*"]"#)] {
        let insert = "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at)
                      values (?1, ?2, '', '', ?3, '', 3, 1, 1000, 0)";
        db.connection.execute(insert, [COMPANY, id, events]).unwrap();
    }
    db
}

fn identify(db: &mut Db, session: usize, at: i64, id: &str, person: usize) -> Option<String> {
    let traits = json!({ "name": format!("Secret {person}"), "phone": format!("+47-secret-{person}") });
    db.identify(&format!("s{session}"), at, id, &email(person), &traits)
}

/// The events whose deliveries a consumer would attempt now.
fn due(db: &Db) -> Vec<String> {
    let ids = "select json_group_array(json_object('w', subscription, 'i', id)) from deliveries
               where state in ('pending', 'leased')";
    let due = json!([COMPANY, db.rows(ids, &[])[0][0], NOW + 1000 * DAY, 0, NOW + 2000 * DAY, 5]);
    db.connection.execute_batch("begin").unwrap();
    let leased = db.rows(sql::DELIVERY_LEASE, due.as_array().unwrap());
    db.connection.execute_batch("rollback").unwrap();
    leased.iter().map(|row| row[2].as_str().unwrap().to_owned()).collect()
}

/// All stored events by their owner, by the pure rule.
fn owned(db: &Db) -> BTreeMap<String, Vec<(i64, Source, String)>> {
    let mut facts = BTreeMap::<String, Vec<LinkEvidence>>::new();
    for row in
        db.rows("select session, at, id, coalesce(profile, '') from links where id <> '' or profile is not null", &[])
    {
        let text = |n: usize| row[n].as_str().unwrap().to_owned();
        let fact = LinkEvidence { at: row[1].as_i64().unwrap(), id: text(2), profile: text(3) };
        facts.entry(text(0)).or_default().push(fact);
    }
    let mut owned = BTreeMap::<String, Vec<_>>::new();
    for row in db.rows("select session, ts, source, message_id from events order by ts, source, message_id", &[]) {
        let ts = row[1].as_i64().unwrap();
        let facts = facts.get(row[0].as_str().unwrap()).map_or(&[][..], Vec::as_slice);
        let whose = owner(facts, ts).unwrap_or_default().to_owned();
        owned.entry(whose).or_default().push((
            ts,
            Source::from(row[2].as_i64().unwrap()),
            row[3].as_str().unwrap().to_owned(),
        ));
    }
    owned
}

/// All visible data of a person: the profile, its links, and its timeline in both orders.
fn seen(db: &Db, profile: &str) -> Value {
    let timeline = db.timeline(profile, Order::Asc, 2, 1);
    let mut back = db.timeline(profile, Order::Desc, 3, 2);
    back.reverse();
    assert_eq!(timeline, back);
    json!([
        db.rows(
            "select email, name, traits, created_at, registered_at, registered_id, last_ts, max_link_span, events, server_events, sessions, revenue,
                    trusted_traits, updated_at, revision from profiles where id = ?1",
            &[json!(profile)],
        ),
        db.rows("select * from links where profile = ?1 order by session, at, id", &[json!(profile)]),
        db.rows("select * from identities where profile = ?1 order by key", &[json!(profile)]),
        timeline
            .iter()
            .flat_map(|(_, source, id)| {
                let query = "select id, event, profile from deliveries where source = ?1 and message_id = ?2 order by id";
                db.rows(query, &[json!(source), json!(id)])
            })
            .collect::<Vec<_>>(),
        timeline,
        db.rows("select session, at, id, has_records from links where profile = ?1 order by 1, 2, 3", &[json!(profile)]),
        db.rows(sql::GROUPS_OF, &[json!(COMPANY), json!(profile), json!(50), json!(5000)])
            .iter()
            .map(|g| g[0].clone())
            .collect::<Vec<_>>(),
    ])
}

/// The places of a person's memberships, by the pure rule.
fn memberships(db: &Db, profile: &str) -> Vec<Vec<Value>> {
    let facts_of = |session: &Value| {
        let links =
            "select at, id, coalesce(profile, '') from links where session = ?1 and (id <> '' or profile is not null)";
        let facts = db.rows(links, std::slice::from_ref(session));
        facts
            .iter()
            .map(|f| LinkEvidence { at: number(&f[0]), id: text(&f[1]), profile: text(&f[2]) })
            .collect::<Vec<_>>()
    };
    let all = db.rows("select session, ts, group_id from memberships", &[]);
    all.into_iter().filter(|m| owner(&facts_of(&m[0]), number(&m[1])) == Some(profile)).collect()
}

/// All texts of all tables.
fn texts(db: &Db) -> String {
    let tables = db.rows("select name from sqlite_schema where type = 'table'", &[]);
    let all: Vec<_> =
        tables.iter().map(|t| db.rows(&format!("select * from {}", t[0].as_str().unwrap()), &[])).collect();
    json!(all).to_string()
}

/// Checks every count against a recount by the pure rule, and the timelines against the stored
/// events.
fn check(db: &Db) {
    let owned = owned(db);
    for row in db.rows("select id, events, last_ts, coalesce(revenue, '{}') from profiles where erased_at is null", &[])
    {
        let id = row[0].as_str().unwrap();
        let nothing = Vec::new();
        let theirs = owned.get(id).unwrap_or(&nothing);
        assert_eq!(row[1].as_u64().unwrap(), theirs.len() as u64, "events of {id}");
        assert_eq!(row[2].as_i64(), theirs.last().map(|e| e.0), "last event of {id}");
        let mut sums = BTreeMap::<String, i64>::new();
        for (_, source, message) in theirs {
            let stored = db.rows(
                "select revenue from events where source = ?1 and message_id = ?2",
                &[json!(source), json!(message)],
            );
            let counters: BTreeMap<String, i64> =
                stored[0][0].as_str().map_or_else(BTreeMap::new, |text| serde_json::from_str(text).unwrap());
            for (key, value) in counters {
                *sums.entry(key).or_default() += value;
            }
        }
        sums.retain(|_, sum| *sum != 0);
        assert_eq!(
            serde_json::from_str::<BTreeMap<String, i64>>(row[3].as_str().unwrap()).unwrap(),
            sums,
            "revenue of {id}"
        );
        for limit in [1, 3] {
            assert_eq!(&db.timeline(id, Order::Asc, limit, 1), theirs, "timeline of {id}");
        }
    }
    let wrong = db.rows(
        "select * from links as l where (first_ts is null) <> (events = 0) or (last_ts is null) <> (events = 0)
           or events > 0 and (first_ts not in (select ts from events where session = l.session)
                              or last_ts not in (select ts from events where session = l.session))",
        &[],
    );
    assert_eq!(wrong, Vec::<Vec<Value>>::new());
    let orphans = db.rows(
        "select d.id from deliveries d where not exists (select 1 from events e where e.source = d.source and e.message_id = d.message_id)
         union all select a.delivery from attempts a where not exists (select 1 from deliveries d where d.id = a.delivery)
         union all select i.message_id from incoming i where ring = 0 and not exists (select 1 from events e where e.source = i.source and e.message_id = i.message_id)",
        &[],
    );
    assert_eq!(orphans, Vec::<Vec<Value>>::new());
}
#[derive(Debug, Clone)]
enum Request {
    Events {
        session: usize,
        first: i64,
        count: i64,
        paid: Option<i64>,
    },
    Identify {
        session: usize,
        at: i64,
        person: usize,
    },
    Server {
        person: usize,
        at: i64,
        paid: Option<i64>,
    },
    /// A page or a server names a group, with a secret of the person in its traits.
    Group {
        session: usize,
        at: i64,
        person: Option<usize>,
    },
    Edit {
        person: usize,
    },
}

fn history() -> impl Strategy<Value = Vec<Request>> {
    let paid = || prop::option::weighted(0.3, -5000..9000_i64);
    let events = (0..3_usize, 0..60_i64, 1..5_i64, paid()).prop_map(|(session, first, count, paid)| Request::Events {
        session,
        first,
        count,
        paid,
    });
    let identify =
        (0..3_usize, 0..60_i64, 0..3_usize).prop_map(|(session, at, person)| Request::Identify { session, at, person });
    let server = (0..3_usize, 0..60_i64, paid()).prop_map(|(person, at, paid)| Request::Server { person, at, paid });
    let group = (0..3_usize, 0..60_i64, prop::option::of(0..3_usize))
        .prop_map(|(session, at, person)| Request::Group { session, at, person });
    let edit = (0..3_usize).prop_map(|person| Request::Edit { person });
    prop::collection::vec(prop_oneof![4 => events, 4 => identify, 2 => server, 2 => group, 1 => edit], 4..20)
}

/// Sends a request of a history, received on day `number`. Its message ids are the same each time.
fn send(db: &mut Db, number: usize, request: &Request) {
    db.clock = NOW + i64::try_from(number).unwrap() * DAY;
    match request {
        Request::Events { session, first, count, paid } => {
            db.events(Source::Browser, &format!("s{session}"), None, &views(number, *first, *count, *paid));
        }
        Request::Identify { session, at, person } => {
            // The milliseconds differ by request, so no two identifies of a session are
            // simultaneous.
            let (id, ms) = (format!("i{number}"), NOW + at * 1000 + i64::try_from(number).unwrap());
            let public_id = identify(db, *session, clock::identify_ts(ms, &id), &id, *person);
            assert!(public_id.is_some());
        }
        Request::Server { person, at, paid } => {
            if let Some((profile, session)) = db.person(&email(*person)) {
                let rows = [view(&format!("w{number}"), clock::event_ts(NOW + at * 1000, 0), *paid)];
                db.events(Source::Server, &session, Some(&profile), &rows);
            }
        }
        Request::Group { session, at, person } => {
            let group = |traits: Value| {
                let data = json!({ "groupId": "acme", "traits": traits }).to_string();
                [event(&format!("g{number}"), clock::event_ts(NOW + at * 1000, 0), "group", &data)]
            };
            match person.map(|person| (person, db.person(&email(person)))) {
                None => db.events(Source::Browser, &format!("s{session}"), None, &group(json!({ "name": "Acme" }))),
                Some((person, Some((profile, home)))) => {
                    db.events(
                        Source::Server,
                        &home,
                        Some(&profile),
                        &group(json!({ "contact": format!("secret-{person}") })),
                    );
                }
                Some((_, None)) => {}
            }
        }
        Request::Edit { person } => {
            if let Some((profile, _)) = db.person(&email(*person)) {
                let secret = json!(format!("secret-{person}"));
                db.connection
                    .execute(
                        "insert into tags values (?1, ?2, ?3, 0) on conflict do nothing",
                        (COMPANY, &profile, secret.as_str()),
                    )
                    .unwrap();
                db.connection
                    .execute(
                        "insert into fields values (?1, ?2, 'f', ?3) on conflict do nothing",
                        (COMPANY, &profile, secret.as_str()),
                    )
                    .unwrap();
                refresh(db);
            }
        }
    }
    // Some deliveries were attempted, and their bodies and answers are stored.
    db.connection
        .execute_batch(
            "update deliveries set state = 'delivered', finished_at = created_at, body = 'b', attempts = 2,
               attempt_at = 0, attempt_url = '', attempt_success = 1, attempt_duration_ms = 1
             where subscription = 'wh_all' and state <> 'delivered';
             insert into attempts (company, delivery, attempt, at, url, success, duration_ms)
             select company, id, 1, 0, '', 0, 1 from deliveries where state = 'delivered'
             on conflict do nothing;",
        )
        .unwrap();
}

thread_local! {
    // One database serves all cases and is cleared in between, because opening one takes most of a
    // case's time.
    static DB: RefCell<Db> = RefCell::new(open());
}

fn whole(db: &mut Db, history: &[Request]) {
    db.clear(&TABLES);
    db.connection.execute("update companies set event_days = null", []).unwrap();
    for (number, request) in history.iter().enumerate() {
        send(db, number, request);
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn erasing_a_person_removes_all_their_data_for_ever_and_changes_nobody_else(
        history in history(), person in 0..3_usize,
    ) {
        DB.with_borrow_mut(|db| erasing(db, &history, person));
    }

    #[test]
    fn deleting_old_events_keeps_every_count_and_every_page_correct(history in history(), days in 1..20_i64) {
        DB.with_borrow_mut(|db| forgetting(db, &history, days));
    }
}

fn erasing(db: &mut Db, history: &[Request], person: usize) {
    whole(db, history);
    let Some((erased, session)) = db.person(&email(person)) else { return };
    check(db);
    let others = (0..3).filter(|other| *other != person).filter_map(|other| db.person(&email(other)));
    let others: Vec<(String, Value)> = others.map(|(id, _)| (id.clone(), seen(db, &id))).collect();
    let about = "select 1 from events where session = '' and data ->> '$.user.id' = ?1";
    let theirs = owned(db)[&erased].len() + db.rows(about, &[json!(erased)]).len();
    let before = owned(db);
    let refused = "select count(*) from incoming where ring > 0 and session in (select value from json_each(?1))";
    let sessions = db.rows("select json_group_array(session) from links where profile = ?1", &[json!(erased)]);
    let (groups, named) = (db.rows("select id from groups", &[]), memberships(db, &erased));
    db.clock = NOW;
    let notice = db.erase(&erased);
    let shown = "select coalesce(public_id, profile) from tombstones group by 1 having count(*) > 1";
    assert_eq!(db.rows(shown, &[]), Vec::<Vec<Value>>::new(), "no two erased addresses have the same public id");
    let due = due(db);
    assert!(due.contains(&notice));
    for (_, _, id) in &before[&erased] {
        assert!(!due.contains(id), "{id} belongs to the erased person and may not be sent");
    }
    while db.slice(&erased, LINKS, EVENTS) {}
    let gone = |db: &Db| {
        let texts = texts(db);
        for secret in [email(person), format!("Secret {person}"), format!("secret-{person}")] {
            assert!(!texts.contains(&secret), "{secret} is still stored");
        }
        assert!(!owned(db).contains_key(&erased));
        for (id, before) in &others {
            assert_eq!(&seen(db, id), before, "the data of other people stay the same");
        }
        check(db);
    };
    gone(db);
    assert_eq!(
        db.rows(refused, &sessions[0]),
        [[json!(0)]],
        "receipts of rejected items on the person's sessions are deleted"
    );
    assert_eq!(db.rows("select id from groups", &[]), groups, "an erasure deletes no group");
    let left = db.rows("select session, ts, group_id from memberships", &[]);
    assert!(named.iter().all(|membership| !left.contains(membership)), "every membership of the person is deleted");
    let counted = db.rows("select counts ->> 'events', completed_at from erasures", &[]);
    assert_eq!(counted, [[json!(theirs), json!(NOW)]]);
    let left = db.rows("select events, revenue, last_ts from profiles where id = ?1", &[json!(erased)]);
    assert_eq!(left, [[json!(0), Value::Null, Value::Null]]);
    let counted = db.rows("select counts ->> 'memberships' from erasures", &[]);
    assert_eq!(counted, [[json!(named.len())]]);
    // All requests of browsers arrive again, late: identifies as the person, and events from a
    // server that had just resolved the person.
    for (number, request) in history
        .iter()
        .enumerate()
        .filter(|(_, r)| !matches!(r, Request::Server { .. } | Request::Group { person: Some(_), .. }))
    {
        send(db, number, request);
    }
    db.clock = NOW;
    db.events(Source::Server, &session, Some(&erased), &[view("late", clock::event_ts(NOW, 0), None)]);
    for s in 0..3 {
        let id = format!("late{s}");
        let public_id = identify(db, s, clock::identify_ts(NOW + 7, &id), &id, person);
        assert_eq!(public_id.as_ref(), Some(&erased));
    }
    let undone = "select session, data, context from events where type = 'identify.undone'";
    let occupied = db.rows(&format!("{undone} and message_id like 'late%'"), &[]);
    assert_eq!(occupied.len(), 3, "each message id stays in use, as it does with any other address");
    assert!(db.rows(undone, &[]).iter().all(|row| *row == [json!(""), json!("{}"), Value::Null]));
    gone(db);
}

fn forgetting(db: &mut Db, history: &[Request], days: i64) {
    whole(db, history);
    db.connection.execute("update companies set event_days = ?1", [days]).unwrap();
    let now = NOW + i64::try_from(history.len()).unwrap() * DAY;
    let ids = "select source, message_id from events where received_at >= ?1 or type = 'identify' order by 1, 2";
    let kept = db.rows(ids, &[json!(now - days * DAY)]);
    let groups = db.rows("select * from groups order by id", &[]);
    let members = db.rows("select * from memberships order by 1, 2, 3, 4", &[]);
    db.retain(now, EVENTS);
    assert_eq!(db.rows(ids, &[json!(0)]), kept);
    check(db);
    assert_eq!(groups, db.rows("select * from groups order by id", &[]), "the deletion of old events changes no group");
    assert_eq!(members, db.rows("select * from memberships order by 1, 2, 3, 4", &[]));
    let empty =
        db.rows("select session from links where profile is null and id = '' and events = 0 and has_records = 0", &[]);
    assert_eq!(empty, Vec::<Vec<Value>>::new());
    // Later requests count as usual, even those whose events were deleted.
    for (number, request) in history.iter().enumerate() {
        send(db, number, request);
    }
    check(db);
}

#[test]
fn a_company_without_a_retention_period_keeps_all_events() {
    let mut db = open();
    let events = Request::Events { session: 0, first: 2, count: 4, paid: None };
    whole(&mut db, &[Request::Identify { session: 0, at: 1, person: 0 }, events]);
    let before = texts(&db);
    db.retain(NOW + 10_000 * DAY, EVENTS);
    assert_eq!(texts(&db), before);
}

#[test]
fn an_identity_key_added_during_the_erasure_of_its_person_is_erased_too() {
    for late in [false, true] {
        let mut db = open();
        let ada = identify(&mut db, 0, 1, "i0", 0).unwrap();
        let grant = |db: &Db| {
            db.batch(
                &AddedKey { profile: &ada, key: "u-secret", typed: None }
                    .statements(COMPANY, ChangeStamp { marker: 77, now_ms: NOW }),
            )
        };
        let who = [json!(COMPANY), json!(ada)];
        let read: Vec<people::Profile> = db.find(sql::PROFILE_FIND, &[&who[..], &[json!(100)]].concat());
        let identities: Vec<Identity> = db.find(sql::IDENTITIES_OF, &who);
        if !late {
            grant(&db);
        }
        let done = db.batch(
            &erasures::erasing(COMPANY, &read[0], &identities, ChangeStamp { marker: 5, now_ms: NOW }, "n").unwrap(),
        );
        assert_eq!(done[0].is_empty(), !late, "an erasure is refused if a key was added after the profile was read");
        if late {
            grant(&db);
        } else {
            db.erase(&ada);
        }
        while db.slice(&ada, LINKS, EVENTS) {}
        assert!(!texts(&db).contains("u-secret"), "late {late}");
    }
}

#[test]
fn events_and_receipts_of_an_erased_person_are_hidden_before_they_are_deleted() {
    let mut db = open();
    let ada = identify(&mut db, 0, 1, "i0", 0).unwrap();
    let seen = |db: &Db| {
        let list = |statement, place| db.rows(statement, &[json!(COMPANY), json!(place), json!(10_000), json!(50)]);
        let find = db.rows(sql::EVENT_FIND, &[json!(COMPANY), json!("i0"), Value::Null]);
        let before = json!([COMPANY, i64::MAX >> 10, 10_000, 50, null, null, null, null]);
        let before = db.rows(sql::INCOMING_BEFORE, before.as_array().unwrap());
        [find, before, list(sql::INCOMING_AFTER, 0)].map(|rows| json!(rows).to_string().contains("secret"))
    };
    assert_eq!(seen(&db), [true; 3]);
    db.erase(&ada);
    assert_eq!(seen(&db), [false; 3]);
}
