//! The figures of a range, slice by slice, with the SQL on the real schema over generated histories
//! of people who share browsers, with late events, identifies, undos, merges, erasures and the
//! deletion of old events, also during a count. They equal a count of all events, whether the
//! counts of past hours are stored or not.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::schema::cases;
use crate::schema::figures::Count;
use crate::schema::pipe::{COMPANY, Db, NOW, event, number, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::source::Source;
use trackmate_edge::domain::stats::{Counting, Figures, Interval, Range};
use trackmate_edge::store::ChangeStamp;
use trackmate_wire::limits::STATS_HOUR_NAMES_MAX;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The begin of a history, ms. It is a whole hour.
const BEGIN: i64 = NOW - NOW % HOUR;
/// The length of a history, minutes.
const LENGTH: i64 = 2 * 24 * 60;

const TABLES: [&str; 17] = [
    "events",
    "event_hours",
    "links",
    "profiles",
    "identities",
    "deliveries",
    "erasures",
    "tombstones",
    "progress",
    "merges",
    "merge_blocks",
    "rebuilds",
    "tags",
    "fields",
    "records",
    "groups",
    "memberships",
];

#[derive(Debug, Clone)]
enum Request {
    /// Events of a page or of a server on a browser's session.
    Events {
        session: usize,
        minute: i64,
        count: i64,
        server: bool,
    },
    /// Events of a server about a person, or about nobody.
    Server {
        person: Option<usize>,
        minute: i64,
    },
    Identify {
        session: usize,
        minute: i64,
        person: usize,
    },
    /// Undoes the identify of an earlier request.
    Undo {
        request: usize,
    },
    Merge {
        into: usize,
        from: usize,
    },
    Erase {
        person: usize,
    },
    /// Deletes the events that arrived before this minute.
    Retain {
        minute: i64,
    },
}

fn request() -> impl Strategy<Value = Request> {
    let minute = || 0..LENGTH;
    prop_oneof![
        8 => (0..4_usize, minute(), 1..6_i64, prop::bool::weighted(0.2))
            .prop_map(|(session, minute, count, server)| Request::Events { session, minute, count, server }),
        2 => (prop::option::of(0..3_usize), minute()).prop_map(|(person, minute)| Request::Server { person, minute }),
        4 => (0..4_usize, minute(), 0..3_usize)
            .prop_map(|(session, minute, person)| Request::Identify { session, minute, person }),
        1 => (0..20_usize).prop_map(|request| Request::Undo { request }),
        1 => (0..3_usize, 0..3_usize).prop_map(|(into, from)| Request::Merge { into, from }),
        1 => (0..3_usize).prop_map(|person| Request::Erase { person }),
        1 => minute().prop_map(|minute| Request::Retain { minute }),
    ]
}

fn address(person: usize) -> String {
    format!("p{person}@x.io")
}

/// Sends a request of a history, which arrives at the latest minute of all requests so far.
fn send(db: &mut Db, number: usize, request: &Request) {
    let at = |minute: i64| BEGIN + minute * MINUTE;
    match *request {
        Request::Events { session, minute, count, server } => {
            db.clock = db.clock.max(at(minute));
            let row = |n: i64| {
                let ts = clock::event_ts(at(minute) + n * 11 * MINUTE, usize::try_from(n).unwrap());
                event(&format!("e{number}-{n}"), ts, ["view", "pay", "scroll"][(number + n as usize) % 3], "{}")
            };
            let rows: Vec<_> = (0..count).map(row).collect();
            db.events(if server { Source::Server } else { Source::Browser }, &format!("s{session}"), None, &rows);
        }
        Request::Server { person, minute } => {
            db.clock = db.clock.max(at(minute));
            let rows = [event(&format!("w{number}"), clock::event_ts(at(minute), 0), "paid", "{}")];
            match person {
                Some(person) => db.server(&address(person), &rows),
                None => db.events(Source::Server, "", None, &rows),
            }
        }
        Request::Identify { session, minute, person } => {
            db.clock = db.clock.max(at(minute));
            let id = format!("i{number}");
            let ts = clock::identify_ts(at(minute) + i64::try_from(number).unwrap(), &id);
            db.identify(&format!("s{session}"), ts, &id, &address(person), &json!({}));
        }
        Request::Undo { request } => {
            db.undo(&format!("i{request}"));
        }
        Request::Merge { into, from } => {
            db.merge(&address(into), &address(from));
        }
        Request::Erase { person } => {
            if let Some(profile) = db.owner(&address(person)) {
                db.erase(&profile);
                while db.slice(&profile, 2, 3) {}
            }
        }
        Request::Retain { minute } => {
            db.connection.execute("update companies set event_days = 1", []).unwrap();
            db.retain(at(minute) + DAY, 3);
        }
    }
}

/// The count of a range an hour after the last request, in slices of this number of rows.
fn count(db: &mut Db, range: Range, rows: i64) -> Count {
    db.request += 1;
    Count::new(range, rows, ChangeStamp { marker: db.request, now_ms: db.clock + HOUR })
}

/// The same figures, of all events.
fn recounted(db: &Db, range: Range) -> Figures {
    let (mut figures, mut names, mut sessions) = (Counting::new(range).figures(), BTreeMap::new(), BTreeSet::new());
    let query = "select session, ts, source, coalesce(sent_by_server, 0), type from events";
    let mut all = db.connection.prepare_cached(query).unwrap();
    let all = all.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))).unwrap();
    for row in all {
        let (session, ts, source, by_server, name): (String, i64, i64, i64, String) = row.unwrap();
        let ms = clock::ts_ms(ts);
        if session.is_empty() && source == 0 || !(range.from_ms..range.to_ms).contains(&ms) {
            continue;
        }
        let place = range.spans().take_while(|begin| *begin <= ms).count() - 1;
        for span in [&mut figures.spans[place], &mut figures.total] {
            let count = if source.max(by_server) == 0 { &mut span.browser_events } else { &mut span.server_events };
            *count += 1;
        }
        *names.entry(name).or_default() += 1;
        if source == 0 {
            sessions.insert(session);
        }
    }
    figures.sessions = i64::try_from(sessions.len()).unwrap();
    figures.names = names.into_iter().collect();
    figures.names.sort_by_key(|(_, n): &(String, i64)| std::cmp::Reverse(*n));
    figures
}

/// A range of the history, or a part of it; `offset` is that of the zone.
fn range(from: i64, minutes: i64, interval: Interval, offset: i64) -> Range {
    let from = BEGIN + from * MINUTE;
    Range::new(Some(from), Some(from + minutes * MINUTE), Some(interval), NOW, |_| offset).unwrap()
}

fn ranges() -> impl Strategy<Value = (Range, i64)> {
    let interval = prop_oneof![Just(Interval::Hour), Just(Interval::Day)];
    let begins = prop_oneof![(-24..48_i64).prop_map(|hour| hour * 60), -60..LENGTH];
    let lengths = prop_oneof![(1..72_i64).prop_map(|hours| hours * 60), 1..LENGTH];
    (begins, lengths, interval, 1..9_i64)
        .prop_map(|(from, minutes, interval, rows)| (range(from, minutes, interval, 0), rows))
}

/// A turn of the sweep: its round trips, the rows of a slice, and whether the turn is saved.
fn turn() -> impl Strategy<Value = (usize, i64, bool)> {
    (0..12_usize, 1..9_i64, prop::bool::weighted(0.8))
}

thread_local! {
    // One database serves all cases and is cleared in between, because opening one takes most of a
    // case's time.
    static DB: RefCell<Db> = RefCell::new(Db::open());
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn figures_equal_a_count_of_all_events_after_any_history(
        history in prop::collection::vec(
            (request(), prop::option::weighted(0.5, (ranges(), 0..9_usize)), prop::option::of(turn())),
            4..20,
        ),
        last in prop::collection::vec(ranges(), 4),
    ) {
        DB.with_borrow_mut(|db| {
            db.clear(&TABLES);
            db.clock = BEGIN;
            db.connection.execute("update hour_counts set since = ?1, round = null", [BEGIN / HOUR - 5]).unwrap();
            let mut begun: Option<Count> = None;
            for (number, (request, asked, swept)) in history.iter().enumerate() {
                send(db, number, request);
                if let Some((trips, rows, saves)) = *swept {
                    db.count_ahead(trips, rows, db.clock + HOUR, saves);
                }
                // Requests arrived during this count, so only what it stored must be right.
                if let Some(begun) = begun.take() {
                    begun.end(db);
                }
                if let Some(((range, rows), trips)) = asked {
                    let figures = count(db, *range, *rows).end(db);
                    assert_eq!(figures, recounted(db, *range), "{range:?} after request {number}");
                    let mut another = count(db, *range, *rows);
                    begun = another.run(db, *trips).then_some(another);
                }
            }
            while db.count_ahead(99, 7, db.clock + HOUR, true) {}
            for (range, rows) in last {
                assert_eq!(count(db, range, rows).end(db), recounted(db, range), "{range:?}");
            }
        });
    }
}

/// Checks that the figures of a count contain each event that was stored during the whole count,
/// and none twice: in each span at least the events that `before` and `after` have in common, and
/// at most those that one of them has.
fn check_between(counted: &Figures, range: Range, before: &BTreeSet<Stored>, after: &BTreeSet<Stored>) {
    let all = |events: &BTreeSet<Stored>| {
        let (mut spans, mut sessions) = (vec![[0, 0]; counted.spans.len()], BTreeSet::new());
        for (ms, session, source, by_server, _) in events {
            if (range.from_ms..range.to_ms).contains(ms) && (*source == 1 || !session.is_empty()) {
                let span = range.spans().take_while(|begin| begin <= ms).count() - 1;
                spans[span][usize::from(*source.max(by_server) == 1)] += 1;
                if *source == 0 {
                    sessions.insert(session.clone());
                }
            }
        }
        (spans, i64::try_from(sessions.len()).unwrap())
    };
    let (least, most) = (all(&(before & after)), all(&(before | after)));
    for (n, span) in counted.spans.iter().enumerate() {
        let counts = [span.browser_events, span.server_events];
        for (kind, count) in counts.into_iter().enumerate() {
            let expected = least.0[n][kind]..=most.0[n][kind];
            assert!(expected.contains(&count), "{count} events instead of {expected:?} in span {n} of {range:?}");
        }
    }
    assert!((least.1..=most.1).contains(&counted.sessions), "{} sessions", counted.sessions);
}

/// A stored event: ms, session, source, whether a server sent it, and its message id.
type Stored = (i64, String, i64, i64, String);

fn stored_events(db: &Db) -> BTreeSet<Stored> {
    let query = "select session, ts, source, coalesce(sent_by_server, 0), message_id from events";
    let event = |r: Vec<Value>| (clock::ts_ms(number(&r[1])), text(&r[0]), number(&r[2]), number(&r[3]), text(&r[4]));
    db.rows(query, &[]).into_iter().map(event).collect()
}

/// A change of the ledger, which moves events between the links of a session, or a late event.
fn change() -> impl Strategy<Value = Request> {
    let session = || 0..2_usize;
    prop_oneof![
        4 => (session(), 0..LENGTH, 0..3_usize)
            .prop_map(|(session, minute, person)| Request::Identify { session, minute, person }),
        4 => (0..20_usize).prop_map(|request| Request::Undo { request }),
        1 => (0..3_usize, 0..3_usize).prop_map(|(into, from)| Request::Merge { into, from }),
        1 => (session(), 0..LENGTH, prop::bool::ANY)
            .prop_map(|(session, minute, server)| Request::Events { session, minute, count: 1, server }),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_count_has_each_event_once_whatever_changes_the_links_between_two_slices(
        history in prop::collection::vec(
            prop_oneof![
                3 => (0..2_usize, 0..LENGTH, 1..6_i64, prop::bool::weighted(0.3))
                    .prop_map(|(session, minute, count, server)| Request::Events { session, minute, count, server }),
                2 => change(),
            ],
            4..12,
        ),
        (range, rows) in ranges(),
        changes in prop::collection::vec(prop::option::weighted(0.5, change()), 1..12),
    ) {
        DB.with_borrow_mut(|db| {
            db.clear(&TABLES);
            db.clock = BEGIN;
            for (number, request) in history.iter().enumerate() {
                send(db, number, request);
            }
            let mut count = count(db, range, rows);
            let mut before = stored_events(db);
            let mut after = before.clone();
            let mut has_ended = false;
            for (number, change) in changes.iter().enumerate() {
                has_ended = has_ended || !count.run(db, 1);
                if let Some(change) = change.as_ref().filter(|_| !has_ended) {
                    send(db, history.len() + number, change);
                    let now = stored_events(db);
                    before = &before & &now;
                    after = &after | &now;
                }
            }
            check_between(&count.end(db), range, &before, &after);
            // What the count stored is right too.
            let mut again = Count::new(range, rows, ChangeStamp { marker: 9999, now_ms: db.clock + HOUR });
            again.run(db, 1);
            assert_eq!(again.end(db), recounted(db, range));
        });
    }
}

/// The stored hours that have counts.
fn stored(db: &Db) -> usize {
    db.rows("select hour from event_hours where counts is not null", &[]).len()
}

#[test]
fn a_past_hour_is_stored_once_and_its_events_are_not_read_again() {
    let mut db = Db::open();
    for hour in 0..20 {
        let rows = [event(&format!("e{hour}"), clock::event_ts(BEGIN + hour * HOUR, 0), "view", "{}")];
        db.events(Source::Browser, &format!("s{hour}"), None, &rows);
    }
    db.clock = BEGIN + 20 * HOUR;
    let day = range(0, 24 * 60, Interval::Hour, 0);
    let first = count(&mut db, day, 5).end(&db);
    assert_eq!((stored(&db), first.total.browser_events, first.sessions), (20, 20, 20));
    let mut second = count(&mut db, day, 5);
    // All hours that were past are closed to the walk.
    second.run(&db, 1);
    let open = second.walk.trip(COMPANY, &day, 5).events.unwrap().params[3].clone();
    assert_eq!(open, "000000000000000000001111");
    assert_eq!(second.end(&db), first);
    // Half of an hour is of no use to days that begin in its middle.
    let half = range(30, 24 * 60, Interval::Day, 0);
    assert_eq!(count(&mut db, half, 5).end(&db), recounted(&db, half));
}

#[test]
fn only_a_late_event_deletes_the_stored_hour_it_belongs_to() {
    let mut db = Db::open();
    let now_ms = db.rows("select unixepoch() * 1000", &[])[0][0].as_i64().unwrap();
    let hours = [now_ms / HOUR - 2, now_ms / HOUR - 1, now_ms / HOUR];
    for hour in hours {
        let insert = "insert into event_hours (company, hour, number, counts) values (?1, ?2, 1, '{}')";
        db.connection.execute(insert, (COMPANY, hour)).unwrap();
    }
    for (id, ms) in [("fresh", now_ms), ("late", now_ms - HOUR)] {
        db.events(Source::Browser, "s", None, &[event(id, clock::event_ts(ms, 0), "view", "{}")]);
    }
    let left = db.rows("select hour from event_hours order by hour", &[]);
    assert_eq!(left, [[json!(hours[0])], [json!(hours[2])]]);
}

/// Opens a database with two events in each of these hours. Each hour has its session.
fn hourly(hours: i64) -> Db {
    let mut db = Db::open();
    for hour in 0..hours {
        let at = |n: usize| clock::event_ts(BEGIN + hour * HOUR, n);
        let rows = [0, 1].map(|n| event(&format!("e{hour}-{n}"), at(n), "view", "{}"));
        db.events(Source::Browser, &format!("s{hour}"), None, &rows);
    }
    db.clock = BEGIN + hours * HOUR;
    db.connection.execute("update hour_counts set since = ?1", [BEGIN / HOUR]).unwrap();
    db
}

/// The hours that the first request of a day has to count, as a text of 1 and 0.
fn open_hours(db: &mut Db, day: Range) -> String {
    let mut count = count(db, day, 5);
    count.run(db, 1);
    count.walk.trip(COMPANY, &day, 5).events.unwrap().params[3].as_str().unwrap().to_owned()
}

#[test]
fn past_hours_that_the_sweep_has_counted_are_closed_to_the_first_request() {
    let mut db = hourly(20);
    while db.count_ahead(3, 5, db.clock + HOUR, true) {}
    assert_eq!(stored(&db), 20);
    let day = range(0, 24 * 60, Interval::Hour, 0);
    assert_eq!(open_hours(&mut db, day), "000000000000000000001111");
    assert_eq!(count(&mut db, day, 5).end(&db), recounted(&db, day));
    // A late event: the next round counts its hour again, and no other.
    db.events(Source::Browser, "s3", None, &[event("late", clock::event_ts(BEGIN + 3 * HOUR, 9), "view", "{}")]);
    assert_eq!(open_hours(&mut db, day), "000100000000000000001111");
    db.count_ahead(1, 5, db.clock + HOUR, true);
    let round = text(&db.rows("select round from hour_counts", &[])[0][0]);
    assert_eq!(round, json!([BEGIN / HOUR + 4, 0, 0, "", "", []]).to_string());
    while db.count_ahead(3, 5, db.clock + HOUR, true) {}
    assert_eq!(open_hours(&mut db, day), "000000000000000000001111");
    assert_eq!(count(&mut db, day, 5).end(&db), recounted(&db, day));
}

#[test]
fn the_sweep_stores_no_hour_of_a_company_that_a_request_counts_in_one_slice() {
    let mut db = hourly(20);
    assert!(!db.count_ahead(2, 100, db.clock + HOUR, true));
    assert_eq!(db.rows("select 1 from event_hours", &[]).len(), 0);
}

#[test]
fn the_latest_hours_are_counted_first() {
    let mut db = Db::open();
    db.clock = BEGIN + 30 * DAY;
    db.connection.execute("update hour_counts set since = ?1", [BEGIN / HOUR]).unwrap();
    for day in 0..30 {
        let rows = [event(&format!("e{day}"), clock::event_ts(BEGIN + day * DAY, 0), "view", "{}")];
        db.events(Source::Browser, &format!("s{day}"), None, &rows);
    }
    while stored(&db) == 0 {
        assert!(db.count_ahead(3, 5, db.clock + HOUR, true));
    }
    let bounds = db.rows("select min(hour), max(hour) from event_hours", &[]);
    assert_eq!(bounds, [[json!(BEGIN / HOUR + 720 - 168), json!(BEGIN / HOUR + 719)]]);
    while db.count_ahead(9, 5, db.clock + HOUR, true) {}
    assert_eq!(stored(&db), 720);
}

#[test]
fn an_hour_with_too_many_names_is_counted_once_and_never_stored() {
    let mut db = hourly(3);
    for n in 0..=STATS_HOUR_NAMES_MAX {
        let at = clock::event_ts(BEGIN + HOUR, n);
        db.events(Source::Browser, "s1", None, &[event(&format!("n{n}"), at, &format!("name {n}"), "{}")]);
    }
    while db.count_ahead(9, 5, db.clock + HOUR, true) {}
    let hour = |counts: &str| db.rows(&format!("select hour from event_hours where counts {counts}"), &[]);
    assert_eq!(hour("= 'null'"), [[json!(BEGIN / HOUR + 1)]]);
    let day = range(0, 24 * 60, Interval::Hour, 0);
    assert_eq!(open_hours(&mut db, day), "010111111111111111111111");
    assert_eq!(count(&mut db, day, 5).end(&db).spans, recounted(&db, day).spans);
    assert!(!db.count_ahead(1, 5, db.clock + HOUR, true), "nothing is left to count");
}

#[test]
fn hours_with_too_many_names_together_are_counted_in_several_walks() {
    let mut db = Db::open();
    let hours = 12;
    for hour in 0..hours {
        for n in 0..STATS_HOUR_NAMES_MAX {
            let at = clock::event_ts(BEGIN + hour * HOUR, n);
            db.events(
                Source::Browser,
                &format!("s{hour}"),
                None,
                &[event(&format!("{hour}-{n}"), at, &format!("{n} of {hour}"), "{}")],
            );
        }
    }
    db.clock = BEGIN + hours * HOUR;
    db.connection.execute("update hour_counts set since = ?1", [BEGIN / HOUR]).unwrap();
    let mut longest = 0;
    while db.count_ahead(3, 500, db.clock + HOUR, true) {
        let round = db.rows("select length(round) from hour_counts", &[])[0][0].as_u64().unwrap();
        longest = longest.max(round);
    }
    assert_eq!(stored(&db), usize::try_from(hours).unwrap());
    assert!(longest < 50_000, "{longest} bytes");
}

/// Opens a database in which Ada has a session of eight events, an hour apart. With `shared`, Bob
/// has it from the third hour on, by the identify `i1`. → The ts of that identify.
fn shared_session(shared: bool) -> (Db, i64) {
    let mut db = Db::open();
    let rows: Vec<_> =
        (0..8).map(|n| event(&format!("e{n}"), clock::event_ts(BEGIN + n * HOUR, 0), "view", "{}")).collect();
    db.events(Source::Browser, "s", None, &rows);
    db.identify("s", clock::identify_ts(BEGIN, "i0"), "i0", "ada@x.io", &json!({}));
    let late = clock::identify_ts(BEGIN + 2 * HOUR + MINUTE, "i1");
    if shared {
        db.identify("s", late, "i1", "bob@x.io", &json!({}));
    }
    db.clock = BEGIN + 8 * HOUR;
    (db, late)
}

/// Undoes Bob's identify, or sends it.
fn change_owner(db: &mut Db, undo: bool, late: i64) {
    if undo {
        assert!(db.undo("i1"));
    } else {
        db.identify("s", late, "i1", "bob@x.io", &json!({}));
    }
}

#[test]
fn an_identify_or_an_undo_during_a_request_counts_no_event_twice_and_leaves_none_out() {
    let day = range(0, 8 * 60, Interval::Hour, 0);
    for (undo, trips, rows) in [false, true].into_iter().flat_map(|undo| (1..9).map(move |n| (undo, n, 2))) {
        let (mut db, late) = shared_session(undo);
        let mut first = count(&mut db, day, rows);
        let before = stored_events(&db);
        first.run(&db, trips);
        change_owner(&mut db, undo, late);
        let after = stored_events(&db);
        check_between(&first.end(&db), day, &(&before & &after), &(&before | &after));
        assert_eq!(count(&mut db, day, rows).end(&db), recounted(&db, day), "undo: {undo}, after {trips} slices");
    }
}

#[test]
fn an_identify_or_an_undo_between_two_slices_of_the_sweep_counts_no_event_twice_and_leaves_none_out() {
    for undo in [false, true] {
        let (mut db, late) = shared_session(undo);
        db.connection.execute("update hour_counts set since = ?1", [BEGIN / HOUR]).unwrap();
        // The first slices end in the middle of the session.
        db.count_ahead(4, 3, db.clock + HOUR, true);
        change_owner(&mut db, undo, late);
        while db.count_ahead(9, 3, db.clock + HOUR, true) {}
        let day = range(0, 8 * 60, Interval::Hour, 0);
        assert_eq!(count(&mut db, day, 3).end(&db), recounted(&db, day), "undo: {undo}");
    }
}
