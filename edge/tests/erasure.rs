//! Erasing people and forgetting old events, by the SQL on the real schema over generated histories of people who share browsers: the others keep exactly what
//! they had, of the erased one no text is left in any table, nothing that comes late brings them back, and timelines page right over what remains.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod schema;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use trackmate_edge::domain::ledger::{Fact, owner};
use trackmate_edge::domain::timeline::{Cursor, Order, Segment, plan};
use trackmate_edge::domain::{clock, revenue, tombstone};
use trackmate_edge::store::sql;

const COMPANY: &str = "TM-TEST";
const NOW: i64 = 1_760_788_800_000;
const DAY: i64 = 86_400_000;
/// Small, so that a history takes several slices.
const LINKS: i64 = 2;
const EVENTS: i64 = 3;

struct Db {
    connection: Connection,
    request: i64,
}

fn email(person: usize) -> String {
    format!("p{person}-secret@x.io")
}

impl Db {
    fn open() -> Self {
        let connection = schema::open(COMPANY, "[\"pay\"]");
        for (id, events) in [("wh_all", r#"["*"]"#), ("wh_pay", r#"["pay", "user.*"]"#)] {
            let insert = "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at)
                          values (?1, ?2, '', '', ?3, '', 3, 1, 1000, 0)";
            connection.execute(insert, [COMPANY, id, events]).unwrap();
        }
        Self { connection, request: 0 }
    }

    fn clear(&self) {
        let tables =
            ["events", "links", "profiles", "identities", "deliveries", "attempts", "tags", "fields", "search_docs"];
        let sql: String =
            tables.iter().chain(&["erasures", "tombstones", "progress"]).map(|t| format!("delete from {t};")).collect();
        self.connection.execute_batch(&sql).unwrap();
        self.connection.execute("update companies set event_days = null", []).unwrap();
    }

    fn rows(&self, statement: &str, parameters: &[Value]) -> Vec<Vec<Value>> {
        let mut prepared = self.connection.prepare_cached(statement).unwrap();
        let columns = prepared.column_count();
        // D1 binds every number as a float; so does this.
        let values = parameters.iter().map(|v| match v {
            Value::Null => Cell::Null,
            Value::String(s) => Cell::Text(s.clone()),
            other => Cell::Real(other.as_f64().unwrap()),
        });
        let cell = |cell: Cell| match cell {
            Cell::Null => Value::Null,
            Cell::Integer(n) => json!(n),
            Cell::Real(n) => json!(n),
            Cell::Text(text) => json!(text),
            Cell::Blob(bytes) => json!(String::from_utf8_lossy(&bytes)),
        };
        prepared
            .query_map(params_from_iter(values), |row| (0..columns).map(|c| row.get(c).map(cell)).collect())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn run(&self, statement: &str, parameters: Value) {
        self.rows(statement, parameters.as_array().unwrap());
    }

    fn outbox(&self, ids: &Value, source: i64, address: Value, request: i64, received: i64) {
        self.run(
            sql::DELIVERIES_INSERT,
            json!([ids.to_string(), COMPANY, source, address, request, received, received + 7000, "[]", 20_000, 1]),
        );
    }

    fn insert(&self, source: i64, session: &str, rows: &Value, received: i64, guard: [Value; 3]) {
        let [address, profile, hash] = guard;
        let shared = json!([
            rows.to_string(),
            COMPANY,
            source,
            session,
            self.request,
            null,
            received,
            null,
            null,
            address,
            profile,
            hash,
            null
        ]);
        self.run(sql::EVENTS_INSERT, shared);
    }

    /// What `store::ingest` sends for events of a browser, or of a known person's server.
    fn events(&mut self, source: i64, session: &str, rows: &[Value], received: i64, profile: Option<&str>) {
        self.request += 1;
        let ids = Value::Array(rows.iter().map(|row| row["i"].clone()).collect());
        self.connection.execute_batch("begin").unwrap();
        self.insert(source, session, &json!(rows), received, [Value::Null, json!(profile), Value::Null]);
        self.run(sql::LINKS_COUNT_REVENUE, json!([ids.to_string(), COMPANY, source, session, self.request, profile]));
        self.outbox(&ids, source, Value::Null, self.request, received);
        self.connection.execute_batch("commit").unwrap();
    }

    /// What `store::identify` sends. → what the caller is told.
    fn identify(&mut self, session: &str, at: i64, id: &str, person: usize, received: i64) -> Value {
        self.request += 1;
        let (request, email, candidate) = (self.request, email(person), format!("candidate{}", self.request));
        let hash = tombstone::address(COMPANY, &email);
        let traits = json!({"phone": format!("+47-secret-{person}")}).to_string();
        let user = json!({"id": candidate, "email": email}).to_string();
        let data = json!({"email": email, "name": format!("Secret {person}")});
        let (row, platform) = (json!([{"i": id, "t": at, "n": "identify", "d": data}]), format!("u{request}"));
        self.connection.execute_batch("begin").unwrap();
        self.insert(0, session, &row, received, [Value::Null, Value::Null, json!(hash)]);
        self.run(sql::IDENTIFY_ADDRESS, json!([COMPANY, email, candidate, received, id, request]));
        let fact = json!([COMPANY, session, at, id, email, request]);
        self.run(sql::IDENTIFY_CLAIM, fact.clone());
        self.run(sql::IDENTIFY_LINK, fact.clone());
        self.run(sql::IDENTIFY_SHIFT, json!([COMPANY, session, at, id, request]));
        let place = clock::event_ts(received, 0);
        let wanted = json!([COMPANY, email, candidate, id, request, traits, 32768, platform, place, user, received]);
        self.run(sql::PLATFORM_IDENTIFIED, wanted);
        let mut profile = fact.as_array().unwrap().clone();
        let known =
            json!([email, format!("Secret {person}"), traits, format!("webhook_{request}"), received, 32768, received]);
        profile.extend(known.as_array().unwrap().clone());
        self.run(sql::IDENTIFY_PROFILE, Value::Array(profile));
        self.outbox(&json!([id]), 0, json!(email), request, received);
        self.outbox(&json!([platform]), 1, json!(""), request, received);
        let told = self.rows(sql::IDENTIFY_FIND, json!([COMPANY, email, session, id, hash]).as_array().unwrap());
        self.connection.execute_batch("commit").unwrap();
        assert_eq!(told.len(), 1);
        told[0][0].clone()
    }

    fn profile(&self, person: usize) -> Option<(String, String)> {
        let found = self.rows(
            "select p.id, p.server_session from identities as i join profiles as p on p.id = i.profile where i.key = ?1",
            &[json!(email(person))],
        );
        let text = |cell: &Value| cell.as_str().unwrap().to_owned();
        found.first().map(|row| (text(&row[0]), text(&row[1])))
    }

    /// What `store::erasures` sends first. → the message id of the notice.
    fn begin(&mut self, profile: &str) -> String {
        self.request += 1;
        let (edit, notice) = (self.request, format!("n{}", self.request));
        let keys = self.rows(sql::IDENTITIES_OF, &[json!(COMPANY), json!(profile)]);
        let named: Vec<Value> = keys.iter().map(|row| json!({"k": row[0], "v": row[1]})).collect();
        let hashes: Vec<String> =
            keys.iter().map(|row| tombstone::address(COMPANY, row[1].as_str().unwrap())).collect();
        let text = |query: &str| {
            let names: Vec<Value> = self.rows(query, &[json!(profile)]).into_iter().map(|row| row[0].clone()).collect();
            json!(names).to_string()
        };
        let (tags, fields) =
            (text("select name from tags where profile = ?1"), text("select name from fields where profile = ?1"));
        let seen = self.rows("select edit from profiles where id = ?1", &[json!(profile)])[0][0].clone();
        let event = json!([{"i": notice, "t": clock::event_ts(NOW, 0), "n": "user.deleted", "d": {}}]).to_string();
        let user = json!({"id": profile}).to_string();
        self.connection.execute_batch("begin").unwrap();
        self.run(sql::PROFILE_ERASE, json!([COMPANY, profile, seen, edit, NOW]));
        self.run(sql::PROFILES_ERASE, json!([COMPANY, profile, edit, NOW]));
        self.run(sql::ERASURE_INSERT, json!([COMPANY, profile, edit, NOW, notice, "[0,0,\"\"]", "{\"events\":0}"]));
        self.run(sql::TOMBSTONES_INSERT, json!([COMPANY, json!(hashes).to_string(), profile, edit, NOW]));
        self.run(sql::IDENTITIES_ERASE, json!([COMPANY, json!(named).to_string(), profile, edit]));
        self.run(sql::TAGS_DELETE, json!([COMPANY, profile, tags, edit]));
        self.run(sql::FIELDS_DELETE, json!([COMPANY, profile, fields, edit]));
        self.run(sql::SEARCH_ERASE, json!([COMPANY, profile, edit]));
        self.run(sql::PLATFORM_EDITED, json!([COMPANY, event, user, profile, edit, NOW]));
        self.outbox(&json!([notice]), 1, json!(""), edit, NOW);
        self.connection.execute_batch("commit").unwrap();
        notice
    }

    /// The events whose deliveries a consumer would attempt now.
    fn claim(&self) -> Vec<String> {
        let ids = "select json_group_array(id) from deliveries where state in ('pending', 'leased')";
        let due = json!([COMPANY, self.rows(ids, &[])[0][0], NOW + 1000 * DAY, 0, NOW + 2000 * DAY, 5]);
        self.connection.execute_batch("begin").unwrap();
        let claimed = self.rows(sql::DELIVERY_CLAIM, due.as_array().unwrap());
        self.connection.execute_batch("rollback").unwrap();
        claimed.iter().map(|row| row[2].as_str().unwrap().to_owned()).collect()
    }

    fn slice(&self, profile: &str) -> bool {
        let next = self.rows(sql::ERASURE_NEXT, json!([COMPANY, profile, LINKS, EVENTS]).as_array().unwrap());
        self.connection.execute_batch("begin").unwrap();
        let mut more = true;
        if let Some(ids) = next[0][0].as_str() {
            self.forget(ids, Some(profile));
            self.run(sql::RECORDS_ERASE, json!([COMPANY, profile, LINKS, EVENTS]));
            self.run(sql::LINKS_RELEASE, json!([COMPANY, profile, LINKS]));
        } else {
            let found = self.rows(sql::ERASURE_ABOUT, json!([COMPANY, profile, EVENTS]).as_array().unwrap());
            self.forget(found[0][0].as_str().unwrap(), Some(profile));
            more = found[0][1] != Value::Null;
            if more {
                self.run(sql::ERASURE_PLACE, json!([COMPANY, profile, found[0][1]]));
            } else {
                self.run(sql::ERASURE_FINISH, json!([COMPANY, profile, NOW]));
                self.run(sql::PROFILE_BLANK, json!([COMPANY, profile]));
            }
        }
        self.connection.execute_batch("commit").unwrap();
        more
    }

    fn forget(&self, ids: &str, profile: Option<&str>) {
        let parameters = json!([COMPANY, ids, profile]);
        for (kind, statement) in [
            (Some("attempts"), sql::ATTEMPTS_FORGET),
            (Some("deliveries"), sql::DELIVERIES_FORGET),
            (None, sql::LINKS_FORGET),
            (None, sql::LINKS_PRUNE),
            (Some("events"), sql::EVENTS_FORGET),
        ] {
            self.run(statement, parameters.clone());
            if let (Some(kind), Some(profile)) = (kind, profile) {
                self.run(sql::ERASURE_COUNT, json!([COMPANY, profile, kind]));
            }
        }
    }

    /// What `store::retention` sends, from the start until it is through.
    fn retain(&self, now: i64) {
        let mut place = (String::new(), json!(-1), json!(""));
        loop {
            let old = self.rows(sql::EVENTS_OLD, json!([place.0, place.1, place.2, now, EVENTS]).as_array().unwrap());
            let Some(row) = old.first() else { return };
            self.connection.execute_batch("begin").unwrap();
            self.forget(row[1].as_str().unwrap(), None);
            self.connection.execute_batch("commit").unwrap();
            let end: Value = row[2].as_str().map_or(json!([2, ""]), |text| serde_json::from_str(text).unwrap());
            place = (row[0].as_str().unwrap().to_owned(), end[0].clone(), end[1].clone());
        }
    }

    /// Whose every stored event is, by the pure rule.
    fn owned(&self) -> BTreeMap<String, Vec<(i64, i64, String)>> {
        let mut facts = BTreeMap::<String, Vec<Fact>>::new();
        for row in self
            .rows("select session, at, id, coalesce(profile, '') from links where id <> '' or profile is not null", &[])
        {
            let text = |n: usize| row[n].as_str().unwrap().to_owned();
            let fact = Fact { at: row[1].as_i64().unwrap(), id: text(2), profile: text(3) };
            facts.entry(text(0)).or_default().push(fact);
        }
        let mut owned = BTreeMap::<String, Vec<_>>::new();
        for row in self.rows("select session, ts, source, message_id from events order by ts, source, message_id", &[])
        {
            let ts = row[1].as_i64().unwrap();
            let facts = facts.get(row[0].as_str().unwrap()).map_or(&[][..], Vec::as_slice);
            let whose = owner(facts, ts).unwrap_or_default().to_owned();
            owned.entry(whose).or_default().push((ts, row[2].as_i64().unwrap(), row[3].as_str().unwrap().to_owned()));
        }
        owned
    }

    /// A walk through a timeline, page by page, as the API reads it.
    fn walk(&self, profile: &str, order: Order, limit: usize) -> Vec<(i64, i64, String)> {
        let (links, events) = match order {
            Order::Asc => (sql::TIMELINE_ASC, sql::TIMELINE_EVENTS_ASC),
            Order::Desc => (sql::TIMELINE_DESC, sql::TIMELINE_EVENTS_DESC),
        };
        let (mut cursor, mut walked) = (Cursor::start(order), Vec::new());
        loop {
            let wanted = limit + 1;
            let found = self.rows(links, json!([COMPANY, profile, cursor.ts, wanted]).as_array().unwrap());
            let number = |cell: &Value| cell.as_i64().unwrap();
            let segments = found.iter().map(|row| Segment {
                session: row[0].as_str().unwrap().to_owned(),
                events: row[1].as_u64().unwrap(),
                first_ts: number(&row[2]),
                last_ts: number(&row[3]),
                since: number(&row[4]),
                until: number(&row[5]),
            });
            let mut page = Vec::new();
            for s in plan(segments.collect(), cursor.ts, wanted as u64, order) {
                let since = if order == Order::Asc { s.since.max(cursor.ts) } else { s.since };
                let until = if order == Order::Desc { s.until.min(cursor.ts + 1) } else { s.until };
                let range = json!([COMPANY, s.session, since, until, cursor.ts, cursor.source, cursor.id, wanted]);
                let entries = self.rows(events, range.as_array().unwrap());
                page.extend(
                    entries.iter().map(|row| (number(&row[3]), number(&row[1]), row[0].as_str().unwrap().to_owned())),
                );
            }
            page.sort();
            if order == Order::Desc {
                page.reverse();
            }
            let more = page.len() > limit;
            page.truncate(limit);
            walked.extend(page.iter().cloned());
            let Some((ts, source, id)) = page.pop().filter(|_| more) else { return walked };
            cursor = Cursor { ts, source, id };
        }
    }

    /// Everything of a person that anybody could see: the profile, its links, its timeline both ways.
    fn seen(&self, profile: &str) -> Value {
        let timeline = self.walk(profile, Order::Asc, 2);
        let mut back = self.walk(profile, Order::Desc, 3);
        back.reverse();
        assert_eq!(timeline, back);
        json!([
            self.rows(
                "select email, name, traits, created_at, registered_at, registered_id, last_ts, longest, events, server_events, sessions, revenue,
                        said, updated_at, edit from profiles where id = ?1",
                &[json!(profile)],
            ),
            self.rows("select * from links where profile = ?1 order by session, at, id", &[json!(profile)]),
            self.rows("select * from identities where profile = ?1 order by key", &[json!(profile)]),
            timeline
                .iter()
                .flat_map(|(_, source, id)| {
                    let query = "select id, event, profile from deliveries where source = ?1 and message_id = ?2 order by id";
                    self.rows(query, &[json!(source), json!(id)])
                })
                .collect::<Vec<_>>(),
            timeline,
        ])
    }

    /// Every text of every table.
    fn texts(&self) -> String {
        let tables = self.rows(
            "select name from sqlite_schema where type = 'table' and name not like 'search%' or name = 'search_docs'",
            &[],
        );
        let all: Vec<_> =
            tables.iter().map(|t| self.rows(&format!("select * from {}", t[0].as_str().unwrap()), &[])).collect();
        json!(all).to_string()
    }

    /// Every count is what a recount by the pure rule gives, and timelines show what is there.
    fn check(&self) {
        let owned = self.owned();
        for row in
            self.rows("select id, events, last_ts, coalesce(revenue, '{}') from profiles where erased_at is null", &[])
        {
            let id = row[0].as_str().unwrap();
            let nothing = Vec::new();
            let theirs = owned.get(id).unwrap_or(&nothing);
            assert_eq!(row[1].as_u64().unwrap(), theirs.len() as u64, "events of {id}");
            assert_eq!(row[2].as_i64(), theirs.last().map(|e| e.0), "last event of {id}");
            let mut sums = BTreeMap::<String, i64>::new();
            for (_, source, message) in theirs {
                let stored = self.rows(
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
                assert_eq!(&self.walk(id, Order::Asc, limit), theirs, "timeline of {id}");
            }
        }
        let wrong = self.rows(
            "select * from links as l where (first_ts is null) <> (events = 0) or (last_ts is null) <> (events = 0)
               or events > 0 and (first_ts not in (select ts from events where session = l.session)
                                  or last_ts not in (select ts from events where session = l.session))",
            &[],
        );
        assert_eq!(wrong, Vec::<Vec<Value>>::new());
        let orphans = self.rows(
            "select d.id from deliveries d where not exists (select 1 from events e where e.source = d.source and e.message_id = d.message_id)
             union all select a.delivery from attempts a where not exists (select 1 from deliveries d where d.id = a.delivery)",
            &[],
        );
        assert_eq!(orphans, Vec::<Vec<Value>>::new());
    }
}

#[derive(Debug, Clone)]
enum Request {
    Events { session: usize, first: i64, count: i64, paid: Option<i64> },
    Identify { session: usize, at: i64, person: usize },
    Server { person: usize, at: i64, paid: Option<i64> },
    Edit { person: usize },
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
    let edit = (0..3_usize).prop_map(|person| Request::Edit { person });
    prop::collection::vec(prop_oneof![4 => events, 4 => identify, 2 => server, 1 => edit], 4..20)
}

fn row(id: String, ts: i64, paid: Option<i64>) -> Value {
    let counters =
        paid.and_then(|cents| revenue::counters("pay", &format!(r#"{{"amount":{cents}e-2,"currency":"USD"}}"#)));
    let mut row = json!({"i": id, "t": ts, "n": if paid.is_some() { "pay" } else { "view" }, "d": {}});
    if let Some(counters) = counters {
        row["r"] = json!(counters);
    }
    row
}

/// Sends a request of a history, received on day `number`; its message ids are the same each time.
fn send(db: &mut Db, number: usize, request: &Request) {
    let received = NOW + i64::try_from(number).unwrap() * DAY;
    match request {
        Request::Events { session, first, count, paid } => {
            let rows: Vec<Value> = (0..*count)
                .map(|n| {
                    row(
                        format!("e{number}-{n}"),
                        clock::event_ts(NOW + (first + n) * 1000, usize::try_from(n).unwrap()),
                        *paid,
                    )
                })
                .collect();
            db.events(0, &format!("s{session}"), &rows, received, None);
        }
        Request::Identify { session, at, person } => {
            // Odd milliseconds by number: no two identifies of a session fall together.
            let (id, ms) = (format!("i{number}"), NOW + at * 1000 + i64::try_from(number).unwrap());
            db.identify(&format!("s{session}"), clock::identify_ts(ms, &id), &id, *person, received);
        }
        Request::Server { person, at, paid } => {
            if let Some((profile, session)) = db.profile(*person) {
                let rows = [row(format!("w{number}"), clock::event_ts(NOW + at * 1000, 0), *paid)];
                db.events(1, &session, &rows, received, Some(&profile));
            }
        }
        Request::Edit { person } => {
            if let Some((profile, _)) = db.profile(*person) {
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
                db.run(sql::SEARCH_REFRESH, json!([COMPANY, 10]));
            }
        }
    }
    // Some deliveries were attempted, and their bodies and answers are kept.
    db.connection
        .execute_batch(
            "update deliveries set state = 'delivered', finished_at = created_at, body = 'b' where subscription = 'wh_all' and state <> 'delivered';
             insert into attempts (company, delivery, attempt, at, url, success, duration_ms) select company, id, 1, 0, '', 1, 1 from deliveries where state = 'delivered'
             on conflict do nothing;",
        )
        .unwrap();
}

thread_local! {
    // One database serves all cases, emptied in between: making it anew is most of a case's time.
    static DB: RefCell<Db> = RefCell::new(Db::open());
}

fn whole(db: &mut Db, history: &[Request]) {
    db.clear();
    for (number, request) in history.iter().enumerate() {
        send(db, number, request);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn erasing_one_leaves_the_others_as_they_were_nothing_of_the_one_and_no_way_back(history in history(), person in 0..3_usize) {
        DB.with_borrow_mut(|db| erasing(db, &history, person));
    }

    #[test]
    fn forgetting_old_events_keeps_every_count_and_every_page_right(history in history(), days in 1..20_i64) {
        DB.with_borrow_mut(|db| forgetting(db, &history, days));
    }
}

fn erasing(db: &mut Db, history: &[Request], person: usize) {
    whole(db, history);
    let Some((erased, session)) = db.profile(person) else { return };
    db.check();
    let others = (0..3).filter(|other| *other != person).filter_map(|other| db.profile(other));
    let others: Vec<(String, Value)> = others.map(|(id, _)| (id.clone(), db.seen(&id))).collect();
    let about = "select 1 from events where session = '' and data ->> '$.user.id' = ?1";
    let theirs = db.owned()[&erased].len() + db.rows(about, &[json!(erased)]).len();
    let owned = db.owned();
    let notice = db.begin(&erased);
    let claimed = db.claim();
    assert!(claimed.contains(&notice));
    for (_, _, id) in &owned[&erased] {
        assert!(!claimed.contains(id), "{id} of the erased one may not go out");
    }
    while db.slice(&erased) {}
    let gone = |db: &Db| {
        let texts = db.texts();
        for secret in [email(person), format!("Secret {person}"), format!("secret-{person}")] {
            assert!(!texts.contains(&secret), "{secret} is still there");
        }
        assert!(!db.owned().contains_key(&erased));
        for (id, before) in &others {
            assert_eq!(&db.seen(id), before, "what another person had");
        }
        db.check();
    };
    gone(db);
    let counted = db.rows("select counts ->> 'events', completed_at from erasures", &[]);
    assert_eq!(counted, [[json!(theirs), json!(NOW)]]);
    let left = db.rows("select events, revenue, last_ts from profiles where id = ?1", &[json!(erased)]);
    assert_eq!(left, [[json!(0), Value::Null, Value::Null]]);
    // Everything of the browsers once more, and late: identifies as the person, and a server that had resolved them just before.
    for (number, request) in history.iter().enumerate().filter(|(_, r)| !matches!(r, Request::Server { .. })) {
        send(db, number, request);
    }
    db.events(1, &session, &[row("late".into(), clock::event_ts(NOW, 0), None)], NOW, Some(&erased));
    for s in 0..3 {
        let id = format!("late{s}");
        let told = db.identify(&format!("s{s}"), clock::identify_ts(NOW + 7, &id), &id, person, NOW);
        assert_eq!(told, json!(erased));
    }
    gone(db);
}

fn forgetting(db: &mut Db, history: &[Request], days: i64) {
    whole(db, history);
    db.connection.execute("update companies set event_days = ?1", [days]).unwrap();
    let now = NOW + i64::try_from(history.len()).unwrap() * DAY;
    let ids = "select source, message_id from events where received_at >= ?1 or type = 'identify' order by 1, 2";
    let kept = db.rows(ids, &[json!(now - days * DAY)]);
    db.retain(now);
    assert_eq!(db.rows(ids, &[json!(0)]), kept);
    db.check();
    let empty = db.rows("select session from links where profile is null and id = '' and events = 0", &[]);
    assert_eq!(empty, Vec::<Vec<Value>>::new());
    // What comes in afterwards counts as ever, even what was forgotten.
    for (number, request) in history.iter().enumerate() {
        send(db, number, request);
    }
    db.check();
}

#[test]
fn nothing_is_forgotten_where_nobody_asks_for_it() {
    let mut db = Db::open();
    let events = Request::Events { session: 0, first: 2, count: 4, paid: None };
    whole(&mut db, &[Request::Identify { session: 0, at: 1, person: 0 }, events]);
    let before = db.texts();
    db.retain(NOW + 10_000 * DAY);
    assert_eq!(db.texts(), before);
}
