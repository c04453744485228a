//! The statements for each kind of request, with the parameters that the Worker sends, on a
//! database in memory.

use std::collections::BTreeSet;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, StatementStatus, params_from_iter};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use trackmate_edge::domain::event::Row;
use trackmate_edge::domain::groups::group_changes;
use trackmate_edge::domain::incoming::Receipt;
use trackmate_edge::domain::record::changes;
use trackmate_edge::domain::source::Source;
use trackmate_edge::domain::timeline::{Cursor, Order, Steps, in_turn};
use trackmate_edge::domain::{clock, ledger, revenue, tombstone};
use trackmate_edge::store::timeline::Entry as Shown;
use trackmate_edge::store::{Statement, groups, sql};
use trackmate_wire::ids::key_kind;
use trackmate_wire::limits::{
    CLAIMED_SESSIONS_MAX, GROUP_LAYER_BYTES_MAX, GROUPS_OF_PAGES_MAX, LATE_EVENTS_MAX, LEASE_MS,
    MEMBERSHIPS_SESSION_MAX, RECORD_FIELDS_MAX, SESSION_IDENTIFIES_MAX, TRAITS_BYTES_MAX, TRAITS_MEMBERS_MAX,
};
use trackmate_wire::problem::{Code, Problem};

pub(crate) const COMPANY: &str = "TM-TEST";
pub(crate) const NOW: i64 = 1_760_788_800_000;

/// An event; `data` is JSON.
pub(crate) fn event(id: &str, ts: i64, name: &str, data: &str) -> Row {
    let data = RawValue::from_string(data.to_owned()).unwrap();
    Row {
        id: id.to_owned(),
        ts,
        name: name.to_owned(),
        data,
        revenue: None,
        original_ms: None,
        context: None,
        groups: Vec::new(),
        sent_by_server: None,
    }
}

/// A page view, or a payment of this many cents.
pub(crate) fn view(id: &str, ts: i64, paid: Option<i64>) -> Row {
    let mut row = event(id, ts, if paid.is_some() { "pay" } else { "view" }, "{}");
    row.revenue =
        paid.and_then(|cents| revenue::counters("pay", &format!(r#"{{"amount":{cents}e-2,"currency":"USD"}}"#)));
    row
}

/// Page views or payments in a request of a history, a second apart. Their ids do not depend on the
/// place of the request in the order of arrival.
pub(crate) fn views(number: usize, first: i64, count: i64, paid: Option<i64>) -> Vec<Row> {
    let ts = |n: i64| clock::event_ts(NOW + (first + n) * 1000, usize::try_from(n).unwrap());
    (0..count).map(|n| view(&format!("e{number}-{n}"), ts(n), paid)).collect()
}

/// Whether two identifies, each given as session and `ts`, have the same session and the same `ts`.
/// One in 500 pairs within a millisecond has the same `ts`, and the rule by `ts` cannot order them.
pub(crate) fn has_tie(mut identifies: impl Iterator<Item = (usize, i64)>) -> bool {
    let mut seen = BTreeSet::new();
    !identifies.all(|place| seen.insert(place))
}

/// A database, and the number of its requests so far.
pub(crate) struct Db {
    pub(crate) connection: Connection,
    pub(crate) request: i64,
    /// The server's clock, ms.
    pub(crate) clock: i64,
    /// Whether each request arrives a second after the one before. Otherwise all arrive at the same
    /// time.
    pub(crate) ticks: bool,
    /// Whether somebody watches the live receipts.
    pub(crate) watched: bool,
    /// The limit of events that a late identify may move.
    pub(crate) late_events: i64,
    /// The limit of groups from pages.
    pub(crate) most_groups: i64,
}

/// The conditions under which events are stored, and the hash of an identify.
#[derive(Default)]
struct Conditions<'a> {
    address: Option<&'a str>,
    profile: Option<&'a str>,
    hash: Option<&'a str>,
    identify_hash: Option<i64>,
}

impl Db {
    pub(crate) fn open() -> Self {
        let connection = super::open(COMPANY, "[\"pay\"]");
        Self {
            connection,
            request: 0,
            clock: NOW,
            ticks: false,
            watched: false,
            late_events: LATE_EVENTS_MAX,
            most_groups: GROUPS_OF_PAGES_MAX,
        }
    }

    pub(crate) fn clear(&mut self, tables: &[&str]) {
        self.connection.execute_batch(&tables.iter().map(|t| format!("delete from {t};")).collect::<String>()).unwrap();
        self.request = 0;
    }

    /// The server's clock at this request.
    pub(crate) fn now(&self) -> i64 {
        if self.ticks { self.clock + self.request * 1000 } else { self.clock }
    }

    /// The rows that a statement returns.
    pub(crate) fn rows(&self, statement: &str, parameters: &[Value]) -> Vec<Vec<Value>> {
        let mut prepared = self.connection.prepare_cached(statement).unwrap();
        let columns = prepared.column_count();
        // D1 binds every number as a float, and so does this.
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
        let rows = prepared.query_map(params_from_iter(values), |r| (0..columns).map(|c| r.get(c).map(cell)).collect());
        let rows = rows.unwrap().map(Result::unwrap).collect();
        // `= +?1` instead of `= ?1` prevents it: see `store/sql.rs`.
        assert_eq!(prepared.get_status(StatementStatus::RePrepare), 0, "SQLite planned this again: {statement}");
        rows
    }

    /// The rows that a statement returns, as the Worker reads them.
    pub(crate) fn find<T: DeserializeOwned>(&self, statement: &str, parameters: &[Value]) -> Vec<T> {
        let prepared = self.connection.prepare_cached(statement).unwrap();
        let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
        drop(prepared);
        let object = |row: Vec<Value>| Value::Object(names.iter().cloned().zip(row).collect());
        let rows = self.rows(statement, parameters).into_iter();
        rows.map(|row| serde_json::from_value(object(row)).unwrap()).collect()
    }

    /// Runs a batch, completely or not at all. → The rows of each statement.
    pub(crate) fn batch(&self, statements: &[Statement]) -> Vec<Vec<Vec<Value>>> {
        self.connection.execute_batch("begin").unwrap();
        let answers = statements.iter().map(|s| self.rows(s.sql, &s.params)).collect();
        self.connection.execute_batch("commit").unwrap();
        answers
    }

    fn insert(
        &self,
        source: Source,
        session: &str,
        rows: &[Row],
        Conditions { address, profile, hash, identify_hash }: Conditions<'_>,
    ) -> Statement {
        let (rows, n, now) = (serde_json::to_string(rows).unwrap(), self.request, self.now());
        let insert = json!([
            rows,
            COMPANY,
            source,
            session,
            n,
            null,
            now,
            null,
            null,
            address,
            profile,
            hash,
            null,
            null,
            null,
            identify_hash,
            null
        ]);
        Statement::new(sql::EVENTS_INSERT, insert)
    }

    fn count(&self, source: Source, rows: &[Row], profile: Option<&str>) -> Statement {
        Statement::new(sql::LINKS_COUNT, json!([ids(rows), COMPANY, source, self.request, profile]))
    }

    /// Writes the deliveries of events, leased if possible. `address` is that of an identify.
    fn outbox(&self, source: Source, rows: &[Row], address: Option<&str>) -> Statement {
        let (n, now) = (self.request, self.now());
        let outbox = json!([ids(rows), COMPANY, source, address, n, now, now + LEASE_MS, "[]", 1]);
        Statement::new(sql::DELIVERIES_INSERT, outbox)
    }

    /// Writes the deliveries of a platform event.
    pub(crate) fn emitted(&self, id: &str) -> Statement {
        let ids = json!([id]).to_string();
        Statement::new(sql::DELIVERIES_INSERT, json!([ids, COMPANY, 1, "", self.request, self.now(), 0, "[]", 0]))
    }

    /// Writes what events say about records and groups.
    fn records(&self, source: Source, session: &str, rows: &[Row]) -> Vec<Statement> {
        let (n, mut statements) = (self.request, Vec::new());
        let changes = if source.is_server() { changes(rows) } else { Vec::new() };
        if !changes.is_empty() {
            let merge = json!([serde_json::to_string(&changes).unwrap(), COMPANY, n, RECORD_FIELDS_MAX]);
            statements.push(Statement::new(sql::RECORDS_MERGE, merge));
        }
        let changed = group_changes(rows, source);
        if !changed.is_empty() {
            let changed = serde_json::to_string(&changed).unwrap();
            statements.push(Statement::new(
                sql::GROUPS_MERGE,
                json!([changed, COMPANY, source, n, RECORD_FIELDS_MAX, GROUP_LAYER_BYTES_MAX, self.most_groups]),
            ));
            if !session.is_empty() {
                let membership =
                    json!([changed, COMPANY, source, session, n, groups::place(session), MEMBERSHIPS_SESSION_MAX]);
                statements.push(Statement::new(sql::MEMBERSHIPS_INSERT, membership));
            }
        }
        if !session.is_empty() && !statements.is_empty() {
            statements.push(Statement::new(sql::LINKS_MARK, json!([COMPANY, source, ids(rows), n])));
        }
        statements
    }

    /// Writes the receipts of stored items after the answer, as `store::incoming` does, and of one
    /// rejected item.
    fn note(&self, source: Source, session: &str, rows: &[Row]) {
        let stored: Vec<Receipt> = rows.iter().map(|row| Receipt::accepted(row, true)).collect();
        let problem = Problem::new(Code::MissingField, "eventType is missing");
        let rejected = [Receipt::rejected(Some("{}"), None, Some(session), &problem)];
        for (ring, entries) in [(0, json!(stored)), (1 + source.number(), json!(rejected))] {
            let insert = json!([COMPANY, ring, entries.to_string(), source, self.now(), 100]);
            self.rows(sql::INCOMING_INSERT, insert.as_array().unwrap());
            self.rows(sql::INCOMING_TRIM, &[json!(COMPANY), json!(ring), json!(1000)]);
        }
    }

    /// Stores events of a browser or a server, as `store::ingest` does. A session of
    /// "" belongs to nobody. `profile` has this server session.
    pub(crate) fn events(&mut self, source: Source, session: &str, profile: Option<&str>, rows: &[Row]) {
        self.request += 1;
        let mut batch = vec![self.insert(source, session, rows, Conditions { profile, ..Conditions::default() })];
        if !session.is_empty() {
            batch.push(self.count(source, rows, profile));
        }
        batch.push(self.outbox(source, rows, None));
        batch.extend(self.records(source, session, rows));
        self.batch(&batch);
        if self.watched {
            self.note(source, session, rows);
        }
    }

    /// The profile and the server session of an address.
    pub(crate) fn person(&self, email: &str) -> Option<(String, String)> {
        let found = self.rows(
            "select i.profile, p.server_session from identities i join profiles p on p.id = coalesce(i.origin, i.profile) where i.key = ?1",
            &[json!(email)],
        );
        found.first().map(|row| (text(&row[0]), text(&row[1])))
    }

    /// Stores events of a server for an address, as `store::ingest::server` does. It creates the
    /// person if nobody has the address.
    pub(crate) fn server(&mut self, email: &str, rows: &[Row]) {
        if let Some((profile, session)) = self.person(email) {
            return self.events(Source::Server, &session, Some(&profile), rows);
        }
        self.request += 1;
        let (n, now, hash) = (self.request, self.now(), tombstone::of_key(COMPANY, email));
        let (profile, session, platform) = (format!("p{n}"), format!("webhook_{n}"), format!("u{n}"));
        let created = rows.iter().map(|row| clock::ts_ms(row.ts)).min().unwrap();
        let (place, user) = (clock::event_ts(now, 0), json!({ "id": profile, "email": email }).to_string());
        let made = json!([COMPANY, email, profile, "", n, "{}", 0, platform, place, user, now, 0]);
        let known = Conditions { address: Some(email), profile: Some(&profile), ..Conditions::default() };
        let mut batch = vec![
            Statement::new(sql::IDENTITY_INSERT, json!([COMPANY, email, profile, now, ids(rows), hash])),
            self.insert(Source::Server, &session, rows, known),
            self.count(Source::Server, rows, Some(&profile)),
            self.outbox(Source::Server, rows, None),
            Statement::new(sql::PLATFORM_IDENTIFIED, made),
            Statement::new(sql::PROFILE_OPEN, json!([COMPANY, profile, email, typed(email), session, created, now])),
            self.emitted(&platform),
        ];
        batch.extend(self.records(Source::Server, &session, rows));
        self.batch(&batch);
    }

    /// Stores an identify, as `store::identify` does. → The public id of the address, for the
    /// caller.
    #[allow(clippy::too_many_arguments, reason = "tests name the five parts of an identify in one line")]
    pub(crate) fn identify(&mut self, session: &str, at: i64, id: &str, email: &str, traits: &Value) -> Option<String> {
        self.request += 1;
        let (n, now, hash) = (self.request, self.now(), tombstone::of_key(COMPANY, email));
        let (candidate, server, platform) = (format!("p{n}"), format!("webhook_{n}"), format!("u{n}"));
        let mut data = traits.clone();
        if let Some(typed) = typed(email) {
            data["email"] = json!(typed);
        }
        let mut rows = [event(id, at, "identify", &data.to_string())];
        // A server sends every second one.
        rows[0].sent_by_server = id.bytes().last().is_some_and(|last| last % 2 == 0).then_some(1);
        let fact = [json!(COMPANY), json!(session), json!(at), json!(id), json!(email), json!(n)];
        let bounds = [self.late_events, SESSION_IDENTIFIES_MAX, CLAIMED_SESSIONS_MAX];
        let refuse = json!([COMPANY, session, at, id, email, n, bounds[0], bounds[1], bounds[2]]);
        let (name, claims) = (traits["name"].as_str(), traits.to_string());
        let created = if self.ticks { clock::ts_ms(at) } else { now };
        let person =
            [json!(typed(email)), json!(name), json!(claims), json!(server), json!(created), json!(TRAITS_BYTES_MAX)];
        let (place, user) = (clock::event_ts(now, 0), json!({ "id": candidate, "email": email }).to_string());
        let (bytes, members) = (TRAITS_BYTES_MAX, TRAITS_MEMBERS_MAX);
        let made = json!([COMPANY, email, candidate, id, n, claims, bytes, platform, place, user, now, members]);
        let identify_hash = ledger::identify_hash(session, email);
        let new = Conditions { hash: Some(&hash), identify_hash: Some(identify_hash), ..Conditions::default() };
        let answers = self.batch(&[
            self.insert(Source::Browser, session, &rows, new),
            Statement::new(sql::IDENTIFY_REFUSE, refuse),
            Statement::new(sql::IDENTIFY_OCCUPY, json!([COMPANY, id, at, hash, identify_hash, null, null, now])),
            Statement::new(sql::IDENTIFY_KEY, json!([COMPANY, email, candidate, now, id, n])),
            Statement::new(sql::IDENTIFY_FIRST, json!(fact)),
            Statement::new(sql::IDENTIFY_LINK, json!(fact)),
            Statement::new(sql::IDENTIFY_COUNT, json!([COMPANY, session, at, id, n])),
            Statement::new(sql::IDENTIFY_SHIFT, json!([COMPANY, session, at, id, n])),
            Statement::new(sql::PLATFORM_IDENTIFIED, made),
            Statement::new(sql::IDENTIFY_PROFILE, [&fact[..], &person, &[json!(now), json!(members)]].concat().into()),
            self.outbox(Source::Browser, &rows, Some(email)),
            self.emitted(&platform),
            Statement::new(sql::IDENTIFY_FIND, json!([COMPANY, email, id, hash, identify_hash, candidate])),
        ]);
        if self.watched {
            self.note(Source::Browser, session, &rows);
        }
        let found = answers.last().unwrap();
        assert!(found.len() <= 1);
        found.first().map(|row| text(&row[0]))
    }

    /// Reads a timeline page by page as the API does, for a person with this number of links.
    pub(crate) fn timeline(
        &self,
        profile: &str,
        order: Order,
        limit: usize,
        links: usize,
    ) -> Vec<(i64, Source, String)> {
        let (statement, wanted) = (if order == Order::Asc { sql::TIMELINE_ASC } else { sql::TIMELINE_DESC }, limit + 1);
        let steps = Steps::new(wanted, links);
        let (mut cursor, mut walked) = (Cursor::start(order), Vec::new());
        loop {
            let params = json!([COMPANY, profile, cursor.ts, cursor.key(), steps.rows, wanted, steps.step, 4096]);
            let found = self.find::<Shown>(statement, params.as_array().unwrap());
            let (mut page, left_out) = in_turn(found, steps, order);
            let more = left_out || page.len() > limit;
            page.truncate(limit);
            walked.extend(page.iter().map(|e| (e.ts, e.source, e.message_id.clone())));
            let Some(last) = page.pop().filter(|_| more) else { return walked };
            cursor = Cursor { ts: last.ts, source: last.source, id: last.message_id };
        }
    }

    /// Rows for a comparison. Each cell includes its type.
    pub(crate) fn table(&self, query: &str) -> Vec<Vec<String>> {
        let mut statement = self.connection.prepare_cached(query).unwrap();
        let columns = statement.column_count();
        statement
            .query_map([], |row| (0..columns).map(|c| row.get::<_, Cell>(c).map(|v| format!("{v:?}"))).collect())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
}

/// The address of an identity key. `None` for a user id's key.
fn typed(key: &str) -> Option<&str> {
    Some(key).filter(|key| key_kind(key) == "email")
}

fn ids(rows: &[Row]) -> String {
    json!(rows.iter().map(|row| &row.id).collect::<Vec<_>>()).to_string()
}

/// The text in a cell.
pub(crate) fn text(cell: &Value) -> String {
    cell.as_str().unwrap().to_owned()
}

/// The integer in a cell.
pub(crate) fn number(cell: &Value) -> i64 {
    cell.as_i64().unwrap()
}
