//! Compares the SQL of ingest and identify on the real schema with the pure rules. Whatever the
//! history and the order of arrival, no event belongs to a wrong person, and every count equals a
//! recount.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::schema::cases;
use crate::schema::figures::Count;
use crate::schema::pipe::{self, COMPANY, Db, NOW, views};
use proptest::prelude::*;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::ledger::{LinkEvidence, owner};
use trackmate_edge::domain::source::Source;
use trackmate_edge::domain::stats::Range;
use trackmate_edge::store::people::Profile;
use trackmate_edge::store::{ChangeStamp, sql};
use trackmate_wire::limits::SERVER_LINKS_COUNTED_MAX;

const TABLES: [&str; 4] = ["events", "links", "profiles", "identities"];

/// A request of a history: events of one browser, or a person who logs in there.
#[derive(Debug, Clone)]
enum Request {
    Events { session: usize, first: i64, count: i64, paid: Option<i64> },
    Identify { session: usize, at: i64, person: usize },
}

fn history(people: usize) -> impl Strategy<Value = Vec<Request>> {
    let events = (0..2_usize, 0..40_i64, 1..4_i64, prop::option::weighted(0.3, -5000..9000_i64))
        .prop_map(|(session, first, count, paid)| Request::Events { session, first, count, paid });
    let identify =
        (0..2_usize, 0..40_i64, 0..people).prop_map(|(session, at, person)| Request::Identify { session, at, person });
    prop::collection::vec(prop_oneof![3 => events, 2 => identify], 1..14)
}

/// The message ids of a request do not depend on its place in the order of arrival.
fn send(db: &mut Db, number: usize, request: &Request) {
    match request {
        Request::Events { session, first, count, paid } => {
            db.events(Source::Browser, &format!("s{session}"), None, &views(number, *first, *count, *paid));
        }
        Request::Identify { session, at, person } => {
            let id = format!("i{number}");
            db.identify(
                &format!("s{session}"),
                clock::identify_ts(NOW + at * 1000, &id),
                &id,
                &format!("p{person}@x.io"),
                &json!({}),
            );
        }
    }
}

/// Everything that must not depend on the order of arrival, with people named by their address.
fn state(db: &Db) -> Vec<Vec<String>> {
    let mut state = db.table(
        "select 'link', l.session, l.at, l.id, i.key, l.events, l.server_events, coalesce(l.revenue, '{}'), l.first_ts, l.last_ts
         from links l left join identities i on i.profile = l.profile order by 2, 3, 4",
    );
    state.extend(db.table(
        "select 'profile', i.key, p.last_ts, p.events, p.server_events, p.sessions, coalesce(p.revenue, '{}')
         from identities i left join profiles p on p.id = i.profile order by 2",
    ));
    for row in &mut state {
        for cell in row {
            // An empty object equals null: nothing was counted.
            *cell = cell.replace("Text(\"{}\")", "{}");
        }
    }
    state
}

/// Compares the stored links and counts with the pure owner of every event.
fn check(db: &Db) {
    let events =
        db.table("select session, ts, message_id, coalesce(revenue, '{}'), source, sent_by_server from events");
    let number = |cell: &str| cell.trim_start_matches("Integer(").trim_end_matches(')').parse::<i64>().unwrap();
    let text = |cell: &str| cell.trim_start_matches("Text(\"").trim_end_matches("\")").replace("\\\"", "\"");
    let mut facts = BTreeMap::<String, Vec<LinkEvidence>>::new();
    for row in db.table("select session, at, id, profile from links where profile is not null") {
        facts.entry(text(&row[0])).or_default().push(LinkEvidence {
            at: number(&row[1]),
            id: text(&row[2]),
            profile: text(&row[3]),
        });
    }
    let mut owners = BTreeMap::<String, String>::new();
    let mut owned = BTreeMap::<String, (i64, i64, BTreeMap<String, i64>, BTreeSet<String>)>::new();
    // Sessions with events from pages.
    let mut seen = BTreeSet::new();
    for row in &events {
        let session = text(&row[0]);
        if let Some(profile) = owner(facts.get(&session).map_or(&[], Vec::as_slice), number(&row[1])) {
            owners.insert(text(&row[2]), profile.to_owned());
            if number(&row[4]) == 0 && row[5] == "Null" {
                seen.insert((profile.to_owned(), session.clone()));
            }
            let sum = owned.entry(profile.to_owned()).or_default();
            sum.0 += 1;
            sum.1 = sum.1.max(number(&row[1]));
            for (key, value) in serde_json::from_str::<BTreeMap<String, i64>>(&text(&row[3])).unwrap() {
                *sum.2.entry(key).or_default() += value;
            }
            sum.2.retain(|_, v| *v != 0);
        }
    }
    for (session, facts) in &facts {
        for fact in facts {
            owned.entry(fact.profile.clone()).or_default().3.insert(session.clone());
        }
    }
    exported(db, &events.iter().map(|row| text(&row[2])).collect(), &owners);
    let places: Vec<_> = events.iter().map(|row| (text(&row[0]), number(&row[1]), text(&row[2]))).collect();
    // The statements of figures run in many slices. One case in eight keeps the test short.
    let is_sampled = places.len() % 8 == 0;
    if is_sampled {
        counted(db, &places, &owners);
    }
    let unbounded = db.table(
        "select l.session from links l join profiles p on p.id = l.profile where l.id <> '' and l.last_ts - l.first_ts > p.max_link_span",
    );
    assert!(unbounded.is_empty(), "a link is longer than its person's limit");
    let profiles = db.table("select id, events, last_ts, coalesce(revenue, '{}'), sessions from profiles");
    assert_eq!(profiles.len(), owned.len());
    for row in profiles {
        let id = text(&row[0]);
        let expected = &owned[&id];
        assert_eq!(number(&row[1]), expected.0, "events of {id}");
        assert_eq!(number(&row[2]), expected.1, "last event of {id}");
        assert_eq!(
            serde_json::from_str::<BTreeMap<String, i64>>(&text(&row[3])).unwrap(),
            expected.2,
            "revenue of {id}"
        );
        assert_eq!(number(&row[4]), i64::try_from(expected.3.len()).unwrap(), "sessions of {id}");
        if is_sampled {
            let asked = [json!(COMPANY), json!(id), json!(SERVER_LINKS_COUNTED_MAX)];
            let read: Vec<Profile> = db.find(sql::PROFILE_FIND, &asked);
            let unseen = expected.3.iter().filter(|session| !seen.contains(&(id.clone(), (*session).clone()))).count();
            assert_eq!(read[0].server_only_sessions, i64::try_from(unseen).unwrap(), "server-only sessions of {id}");
        }
    }
}

/// Events in one page of an export.
const LIMIT: i64 = 3;

/// Compares the owners in exports, page by page, with the pure owners.
fn exported(db: &Db, events: &BTreeSet<String>, owners: &BTreeMap<String, String>) {
    let page = |statement: &str, place: [Value; 4], user: Option<&str>| {
        let none = || [Value::Null, Value::Null, Value::Null];
        let of = user.map_or(json!(LIMIT), |id| json!(id));
        let parameters = [&[json!(COMPANY), json!(NOW)][..], &none()[..], &place[..], &[json!(LIMIT), of][..]].concat();
        let rows = db.rows(statement, &parameters);
        let shown = |row: &Vec<Value>| {
            let event: Vec<Value> = serde_json::from_str(row[0].as_str().unwrap()).unwrap();
            // A page of all events ends with a row that names the last place it examined.
            let is_end = event.get(11).is_some();
            let profile = if is_end { Value::Null } else { json!(event[10].as_str().unwrap_or_default()) };
            [event[0].clone(), profile, event[4].clone(), event[2].clone(), event[3].clone()]
        };
        rows.iter().map(shown).collect::<Vec<_>>()
    };
    let walk = |statement: &str, begin: Value, user: Option<&str>| {
        let mut walked = Vec::new();
        let mut place = [begin, json!(-1), json!(-1), json!("")];
        loop {
            let rows = page(statement, place, user);
            let Some([id, _, session, ts, source]) = rows.last().cloned() else { return walked };
            place = [session, ts, source, id];
            walked.extend(
                rows.into_iter()
                    .filter_map(|[id, profile, ..]| Some((id.as_str()?.to_owned(), profile.as_str()?.to_owned()))),
            );
        }
    };
    let all = walk(sql::EXPORT_EVENTS, json!(""), None);
    assert_eq!(all.len(), events.len(), "all events are exported once");
    for (id, profile) in &all {
        assert_eq!(owners.get(id).map_or("", String::as_str), profile, "owner of {id}");
    }
    for user in owners.values().collect::<BTreeSet<_>>() {
        let theirs: Vec<String> =
            walk(sql::EXPORT_EVENTS_OF, Value::Null, Some(user)).into_iter().map(|(id, _)| id).collect();
        let expected: BTreeSet<&String> = owners.iter().filter(|(_, owner)| *owner == user).map(|(id, _)| id).collect();
        assert_eq!(theirs.len(), expected.len(), "all events of {user} are exported once");
        assert!(theirs.iter().all(|id| expected.contains(id)), "events of {user}");
    }
}

/// Compares the figures of ranges, and the counts of exports, with the pure owners. Each event is
/// given as session, `ts` and id.
fn counted(db: &Db, events: &[(String, i64, String)], owners: &BTreeMap<String, String>) {
    // Runs slice by slice, as `store` does. The last column is the place where the next slice
    // begins.
    let walk = |statement: &str, parameters: &[Value], first: Value, rows: i64, each: &mut dyn FnMut(&[Value])| {
        let mut place = first.as_array().unwrap().clone();
        loop {
            let slice = db.rows(statement, &[parameters, &place[..], &[json!(rows)]].concat());
            for row in &slice {
                each(row);
            }
            let Some(next) = slice.iter().find_map(|row| row.last().and_then(Value::as_str)) else { return };
            place = serde_json::from_str(next).unwrap();
        }
    };
    let sum = |statement: &str, parameters: &[Value], first: Value, rows: i64| {
        let mut n = 0;
        walk(statement, parameters, first, rows, &mut |row| n += row[0].as_u64().unwrap());
        n
    };
    for (from, to, rows) in
        [(0, 20, 4), (10, 25, 9), (20, 44, 10_000)].map(|(a, b, n)| (NOW + a * 1000, NOW + b * 1000, n))
    {
        let within = || events.iter().filter(|(_, ts, _)| (from * 1000..to * 1000).contains(ts));
        let active: BTreeSet<_> = within().filter_map(|(_, _, id)| owners.get(id)).collect();
        let sessions: BTreeSet<_> = within().map(|(session, ..)| session).collect();
        let (mut people, mut place) = (0, json!(["", -1, "", -1, ""]));
        let mut person = json!("");
        while let Some(at) = place.as_array() {
            let range = [&[json!(COMPANY), json!(from), json!(to)][..], at, &[json!(rows), person.clone()]].concat();
            let [n, last, next] = <[Value; 3]>::try_from(db.rows(sql::STATS_ACTIVE, &range).remove(0)).unwrap();
            people += n.as_u64().unwrap();
            person = if last.is_null() { person } else { last };
            place = next.as_str().map_or(Value::Null, |next| serde_json::from_str(next).unwrap());
        }
        assert_eq!(people, active.len() as u64, "people from {from} to {to}");
        let range = Range::new(Some(from), Some(to), None, NOW, |_| 0).unwrap();
        let figures = Count::new(range, rows, ChangeStamp { marker: 1, now_ms: NOW }).end(db);
        assert_eq!(figures.sessions, sessions.len() as i64, "sessions from {from} to {to}");
        let spans = figures.total.browser_events + figures.total.server_events;
        let named: i64 = figures.names.iter().map(|(_, n)| n).sum();
        assert_eq!([spans, named], [within().count() as i64; 2], "events from {from} to {to}");
        let whole = [json!(COMPANY), json!(NOW), json!(from * 1000), json!(to * 1000), Value::Null];
        assert_eq!(sum(sql::EXPORT_COUNT_EVENTS, &whole, json!([-1, ""]), rows), within().count() as u64);
        for user in owners.values().collect::<BTreeSet<_>>() {
            let theirs = within().filter(|(_, _, id)| owners.get(id) == Some(user)).count();
            let of = [&whole[..], &[json!(user)]].concat();
            let counted = sum(sql::EXPORT_COUNT_EVENTS_OF, &of, json!(["", -1, -1, ""]), rows);
            assert_eq!(counted, theirs as u64, "events of {user}");
        }
    }
}

fn has_tie(history: &[Request]) -> bool {
    pipe::has_tie(history.iter().enumerate().filter_map(|(number, request)| match request {
        Request::Identify { session, at, .. } => {
            Some((*session, clock::identify_ts(NOW + at * 1000, &format!("i{number}"))))
        }
        Request::Events { .. } => None,
    }))
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn no_event_belongs_to_a_wrong_person_whatever_the_order_of_arrival(
        (history, order) in (2..5_usize).prop_flat_map(history).prop_flat_map(|h| {
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
            straight.clear(&TABLES);
            for (number, request) in history.iter().enumerate() {
                send(straight, number, request);
            }
            check(straight);
            shuffled.clear(&TABLES);
            let late: Vec<usize> = repeats.iter().map(|r| r.index(history.len())).collect();
            for number in order.iter().chain(&late) {
                send(shuffled, *number, &history[*number]);
            }
            check(shuffled);
            prop_assert_eq!(state(straight), state(shuffled));
            Ok(())
        })?;
    }
}
