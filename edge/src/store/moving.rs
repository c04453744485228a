//! The statements of a move (`domain/moving.rs`), and its row in the directory. The operator moves
//! companies, and the sweep serves all, so not every function takes a company.
//!
//! The worker that has the lease writes a token into each cell in which it works. Each batch fails
//! as a whole if a later token is there (`move.guard.sql`), so a worker whose lease ran out while
//! a batch was under way changes nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use trackmate_wire::ids::is_company_id;
use trackmate_wire::limits::{MOVE_BYTES, MOVE_CHANGES_FEW, MOVE_DROP_ROWS, MOVE_HASHES_MAX, MOVE_KEYS, MOVE_ROWS};

use super::backup::statement;
use super::{Result, sql};
use crate::domain::backup::{TABLES, Table, range};
use crate::domain::moving::{Bounds, Change, Task, is_by_length};

/// The cell that a batch goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The cell that the company leaves.
    Source,
    /// The cell that it goes to.
    Target,
    /// The first cell, which has the directory.
    Directory,
}

/// A statement, and whether its rows are an answer to the machine.
#[derive(Debug)]
pub struct Part {
    /// Its text.
    pub sql: Cow<'static, str>,
    /// Texts, integers and nulls.
    pub params: Vec<Value>,
    /// Whether it answers rows.
    pub reads: bool,
}

/// The statements of a task.
#[derive(Debug)]
pub struct Trip {
    /// Where they run.
    pub side: Side,
    /// The statements, in one batch.
    pub parts: Vec<Part>,
}

/// What the statements of a move name.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The company.
    pub company: &'a str,
    /// The cell that it goes to.
    pub target: &'a str,
    /// Whether that is the first cell.
    pub to_directory: bool,
    /// The worker's token.
    pub token: &'a str,
    /// The time, ms.
    pub now_ms: i64,
}

/// The bounds of a move in a deployment.
#[must_use]
pub const fn bounds(purge_after_ms: i64) -> Bounds {
    Bounds {
        rows: MOVE_ROWS,
        bytes: MOVE_BYTES,
        keys: MOVE_KEYS,
        drops: MOVE_DROP_ROWS,
        changes: MOVE_CHANGES_FEW,
        purge_after_ms,
    }
}

/// The token of a lease. A later lease has a greater token.
#[must_use]
pub fn token(lease_until: i64, id: &str) -> String {
    format!("{lease_until:013} {id}")
}

/// The first pages of all tables are read together, so each has this share of the bytes of a page.
const SHARES: i64 = 8;

fn write(sql: impl Into<Cow<'static, str>>, params: Value) -> Part {
    let params = if let Value::Array(params) = params { params } else { vec![params] };
    Part { sql: sql.into(), params, reads: false }
}

fn read(sql: impl Into<Cow<'static, str>>, params: Value) -> Part {
    Part { reads: true, ..write(sql, params) }
}

/// The batch of a task: what it needs, and before it the worker's token and the guard.
///
/// # Errors
/// If the id of the company is no id: it is part of statements.
pub fn trip(task: &Task<'_>, names: Names<'_>, bounds: &Bounds) -> Result<Trip> {
    if !is_company_id(names.company) {
        return Err(worker::Error::RustError("a move has no company".into()));
    }
    let Trip { side, parts } = task_parts(task, names, bounds);
    let own = [write(sql::MOVE_TOKEN, json!([names.token])), write(sql::MOVE_GUARD, json!([names.token]))];
    Ok(Trip { side, parts: own.into_iter().chain(parts).collect() })
}

fn task_parts(task: &Task<'_>, names: Names<'_>, bounds: &Bounds) -> Trip {
    let Names { company, target, to_directory, now_ms, .. } = names;
    let away = |state: &str| write(sql::AWAY_SET, json!([company, state, now_ms]));
    let here = || write(sql::AWAY_CLEAR, json!([company]));
    let side = |at_target: bool| if at_target { Side::Target } else { Side::Source };
    let (side, parts) = match task {
        Task::Arrive => (Side::Target, vec![away("arriving")]),
        Task::Watch => (Side::Source, watching(company)),
        Task::Read { table, after } => (Side::Source, vec![page(table, company, *after, bounds)]),
        Task::Write(changes) => (Side::Target, writing(changes)),
        Task::Changes { seq } => {
            let find = read(sql::CHANGES_FIND, json!([seq, bounds.keys]));
            (Side::Source, vec![write(sql::CHANGES_DROP, json!([seq])), find])
        }
        Task::Find(keys) => (Side::Source, finding(keys, bounds)),
        Task::Stop => (Side::Source, vec![away("leaving")]),
        Task::Compare { at_target, tables, after } => {
            let bytes = bounds.bytes / if after.is_some() { 1 } else { SHARES };
            let compared = |table: &Table| {
                let page = if is_by_length(table) { lengths } else { page };
                page(table, company, *after, &Bounds { bytes, ..*bounds })
            };
            (side(*at_target), tables.iter().map(compared).collect())
        }
        Task::Settle => (Side::Target, vec![here(), read(sql::KEY_HASHES, json!([company, MOVE_HASHES_MAX]))]),
        Task::Direct(_) if to_directory => {
            let clear = [sql::PLACE_CLEAR, sql::KEY_PLACE_CLEAR].map(|sql| write(sql, json!([company])));
            (Side::Directory, clear.into())
        }
        Task::Direct(hashes) => {
            let place = write(sql::PLACE_MOVE, json!([company, target, now_ms]));
            let keys = write(sql::KEY_PLACE_MOVE, json!([company, json!(hashes).to_string()]));
            (Side::Directory, vec![place, keys])
        }
        Task::Leave => (Side::Source, unwatching([away("gone"), write(sql::CHANGES_CLEAR, json!([bounds.drops]))])),
        Task::Drop { at_target, table } => {
            let (after, to) = range(Some(company));
            let drop = write(statement(sql::RESTORE_DROP, table), json!([after, to, bounds.drops]));
            (side(*at_target), vec![drop, read(sql::MOVE_CHANGED, json!([]))])
        }
        Task::Revive => (Side::Source, unwatching([here()])),
        Task::Forget => {
            let clear = write(sql::CHANGES_CLEAR, json!([bounds.drops]));
            (Side::Source, vec![clear, read(sql::MOVE_CHANGED, json!([]))])
        }
        Task::Withdraw => (Side::Target, vec![away("gone")]),
    };
    Trip { side, parts }
}

/// A page of a table.
fn page(table: &Table, company: &str, after: Option<&str>, bounds: &Bounds) -> Part {
    let (first, to) = range(Some(company));
    let after = after.map_or_else(|| json!([first]).to_string(), str::to_owned);
    read(statement(sql::BACKUP_PAGE, table), json!([after, to, bounds.rows, bounds.bytes]))
}

/// The lengths of the rows of a page.
fn lengths(table: &Table, company: &str, after: Option<&str>, bounds: &Bounds) -> Part {
    let (first, to) = range(Some(company));
    let after = after.map_or_else(|| json!([first]).to_string(), str::to_owned);
    read(statement(sql::MOVE_LENGTHS, table), json!([after, to, bounds.rows]))
}

/// JSON texts as one array.
fn array(texts: &[impl AsRef<str>]) -> String {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    format!("[{}]", texts.join(","))
}

/// An expression for each column of the key, with its number.
fn of_key(table: &Table, expression: impl Fn(usize, &str) -> String, between: &str) -> String {
    let columns = table.key.split(' ').enumerate().map(|(n, column)| expression(n, column));
    columns.collect::<Vec<_>>().join(between)
}

/// The rows with these keys, a statement for each table. They share the bytes of a page.
fn finding(keys: &BTreeMap<usize, Vec<&str>>, bounds: &Bounds) -> Vec<Part> {
    let bytes = bounds.bytes / i64::try_from(keys.len()).unwrap_or(1).max(1);
    let find = |(number, keys): (&usize, &Vec<&str>)| {
        let table = TABLES.get(*number)?;
        let is_key = of_key(table, |n, column| format!("{column} = k.value ->> {n}"), " and ");
        let sql = statement(sql::MOVE_ROWS, table).replace("{is_key}", &is_key);
        Some(read(sql, json!([json!(keys).to_string(), bytes])))
    };
    keys.iter().filter_map(find).collect()
}

/// Writes and deletes rows, table by table.
fn writing(changes: &BTreeMap<usize, Change>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (number, Change { rows, gone }) in changes {
        let Some(table) = TABLES.get(*number) else { continue };
        if !rows.is_empty() {
            let rows = json!([array(rows)]);
            if table.name == "links" {
                let updates = table.columns.split(' ').map(|column| format!("{column} = excluded.{column}"));
                let updates = updates.collect::<Vec<_>>().join(", ");
                parts.push(write(sql::MOVE_LINKS_MUTE, rows.clone()));
                parts.push(write(statement(sql::MOVE_LINKS_WRITE, table).replace("{updates}", &updates), rows));
            } else {
                parts.push(write(statement(sql::MOVE_WRITE, table), rows));
            }
        }
        if !gone.is_empty() {
            let values = of_key(table, |n, _| format!("value ->> {n}"), ", ");
            let sql = statement(sql::MOVE_DELETE, table).replace("{key_values}", &values);
            parts.push(write(sql, json!([array(gone)])));
        }
    }
    parts
}

/// The triggers that note changes of the company. Its id is in their texts, because a trigger takes
/// no parameters; so the rows of all others are not looked at.
fn watching(company: &str) -> Vec<Part> {
    let trigger = |template: &str, table: &Table| {
        let key = |row: &str| of_key(table, |_, column| format!("{row}.{column}"), ", ");
        let sql = statement(template, table).replace("{id}", company);
        write(sql.replace("{new_key}", &key("new")).replace("{old_key}", &key("old")), json!([]))
    };
    let templates = [sql::MOVE_WATCH_INSERTED, sql::MOVE_WATCH_CHANGED, sql::MOVE_WATCH_DELETED];
    TABLES.iter().flat_map(|table| templates.map(|template| trigger(template, table))).collect()
}

/// Statements, and those that remove the triggers.
fn unwatching<const N: usize>(parts: [Part; N]) -> Vec<Part> {
    let templates = [sql::MOVE_UNWATCH_INSERTED, sql::MOVE_UNWATCH_CHANGED, sql::MOVE_UNWATCH_DELETED];
    let drops = TABLES.iter().flat_map(|table| templates.map(|template| write(statement(template, table), json!([]))));
    parts.into_iter().chain(drops).collect()
}
