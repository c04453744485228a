//! What the Worker sends for each kind of request, sent to a database in memory: the real statements with the real parameters.

use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use trackmate_edge::store::{Statement, sql};

pub(crate) const COMPANY: &str = "TM-TEST";
pub(crate) const NOW: i64 = 1_760_788_800_000;

/// A database and the number of requests it has had.
pub(crate) struct Db {
    pub(crate) connection: Connection,
    pub(crate) request: i64,
    /// Whether each request comes a second after the one before; else all come at once.
    pub(crate) ticks: bool,
}

impl Db {
    pub(crate) fn open() -> Self {
        let connection = super::open(COMPANY, "[\"pay\"]");
        Self { connection, request: 0, ticks: false }
    }

    pub(crate) fn clear(&mut self, tables: &[&str]) {
        self.connection.execute_batch(&tables.iter().map(|t| format!("delete from {t};")).collect::<String>()).unwrap();
        self.request = 0;
    }

    /// Our clock at this request.
    pub(crate) fn now(&self) -> i64 {
        if self.ticks { NOW + self.request * 1000 } else { NOW }
    }

    /// The first column of each row.
    pub(crate) fn run(&self, statement: &str, parameters: &[Value]) -> Vec<String> {
        let mut prepared = self.connection.prepare_cached(statement).unwrap();
        // D1 binds every number as a float; so does this.
        let values = parameters.iter().map(|v| match v {
            Value::Null => rusqlite::types::Value::Null,
            Value::String(s) => rusqlite::types::Value::Text(s.clone()),
            other => rusqlite::types::Value::Real(other.as_f64().unwrap()),
        });
        let rows = prepared.query_map(params_from_iter(values), |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        rows.map(|r| match r.unwrap() {
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        })
        .collect()
    }

    /// A batch: all or nothing.
    pub(crate) fn batch(&self, statements: &[Statement]) -> Vec<Vec<String>> {
        self.connection.execute_batch("begin").unwrap();
        let answers = statements.iter().map(|s| self.run(s.sql, &s.params)).collect();
        self.connection.execute_batch("commit").unwrap();
        answers
    }

    /// What `store::ingest` sends for events of a browser (source 0) or a server (1); `profile` opens a server session.
    pub(crate) fn events(&mut self, source: i64, session: &str, profile: Option<&str>, rows: &[Value]) {
        self.request += 1;
        let ids = Value::Array(rows.iter().map(|row| row["i"].clone()).collect()).to_string();
        let counts_revenue = rows.iter().any(|row| row.get("r").is_some());
        let count = if counts_revenue { sql::LINKS_COUNT_REVENUE } else { sql::LINKS_COUNT };
        let (rows, n, now) = (Value::Array(rows.to_vec()).to_string(), self.request, self.now());
        let insert = json!([rows, COMPANY, source, session, n, null, now, null, null, null, null, null, null]);
        self.batch(&[
            Statement::new(sql::EVENTS_INSERT, insert),
            Statement::new(count, json!([ids, COMPANY, source, session, n, profile])),
        ]);
    }

    /// What `store::ingest::server` sends for an address: it makes the person if nobody has it.
    pub(crate) fn server(&mut self, email: &str, rows: &[Value]) {
        let found = self.table(&format!(
            "select i.profile, p.server_session from identities i join profiles p on p.id = coalesce(i.origin, i.profile) where i.key = '{email}'"
        ));
        if let Some(row) = found.first() {
            let text = |cell: &str| cell.trim_start_matches("Text(\"").trim_end_matches("\")").to_owned();
            let (profile, session) = (text(&row[0]), text(&row[1]));
            return self.events(1, &session, Some(&profile), rows);
        }
        self.request += 1;
        let (n, now) = (self.request, self.now());
        let (profile, session) = (format!("p{n}"), format!("webhook_{n}"));
        let ids = Value::Array(rows.iter().map(|row| row["i"].clone()).collect()).to_string();
        let created = rows.iter().map(|row| row["t"].as_i64().unwrap() / 1000).min().unwrap();
        let counts_revenue = rows.iter().any(|row| row.get("r").is_some());
        let count = if counts_revenue { sql::LINKS_COUNT_REVENUE } else { sql::LINKS_COUNT };
        let rows = Value::Array(rows.to_vec()).to_string();
        self.batch(&[
            Statement::new(sql::IDENTITY_INSERT, json!([COMPANY, email, profile, now, ids, null])),
            Statement::new(
                sql::EVENTS_INSERT,
                json!([rows, COMPANY, 1, session, n, null, now, null, null, email, profile, null, null]),
            ),
            Statement::new(count, json!([ids, COMPANY, 1, session, n, profile])),
            Statement::new(sql::PROFILE_OPEN, json!([COMPANY, profile, email, email, session, created, now])),
        ]);
    }

    /// What `store::identify` sends.
    pub(crate) fn identify(&mut self, session: &str, at: i64, id: &str, email: &str, traits: &Value) {
        self.request += 1;
        let (n, now) = (self.request, self.now());
        let mut data = traits.clone();
        data["email"] = json!(email);
        let rows = json!([{ "i": id, "t": at, "n": "identify", "d": data }]).to_string();
        let fact = [json!(COMPANY), json!(session), json!(at), json!(id), json!(email), json!(n)];
        let (name, server) = (traits["name"].as_str(), format!("webhook_{n}"));
        let created = if self.ticks { at / 1000 } else { NOW };
        let person = json!([email, name, traits.to_string(), server, created, 32768, now]);
        self.batch(&[
            Statement::new(
                sql::EVENTS_INSERT,
                json!([rows, COMPANY, 0, session, n, null, now, null, null, null, null, null, null]),
            ),
            Statement::new(sql::IDENTIFY_ADDRESS, json!([COMPANY, email, format!("p{n}"), now, id, n])),
            Statement::new(sql::IDENTIFY_CLAIM, json!(fact)),
            Statement::new(sql::IDENTIFY_LINK, json!(fact)),
            Statement::new(sql::IDENTIFY_SHIFT, json!([COMPANY, session, at, id, n])),
            Statement::new(sql::IDENTIFY_PROFILE, [&fact[..], person.as_array().unwrap()].concat().into()),
        ]);
    }

    pub(crate) fn table(&self, query: &str) -> Vec<Vec<String>> {
        let mut statement = self.connection.prepare_cached(query).unwrap();
        let columns = statement.column_count();
        statement
            .query_map([], |row| {
                (0..columns).map(|c| row.get::<_, rusqlite::types::Value>(c).map(|v| format!("{v:?}"))).collect()
            })
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
}
