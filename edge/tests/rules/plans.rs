//! How SQLite runs each statement: `plans.txt` has the plan of each. A changed statement or index
//! shows there what it changes. To write it, run `make schema`. No statement may walk all rows of
//! the companies, unless it is listed here.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// Statements that walk an index from its beginning, and what it is: they stop after some rows.
const WALKS: [(&str, &str); 6] = [
    ("AUDIT_PRUNE", "audit_by_age"),
    ("EXPORT_PRUNE", "exports_by_age"),
    ("HOUR_COUNTS_CLAIM", "hour_counts_due"),
    ("IDEMPOTENCY_KEYS_PRUNE", "idempotency_keys_by_age"),
    ("INCOMING_PRUNE", "incoming_by_age"),
    ("REBUILD_OLDEST", "rebuilds_by_age"),
];

/// The statements of `store/sql.rs`: the name, and the text of its files.
fn statements(root: &Path) -> BTreeMap<String, String> {
    let list = fs::read_to_string(root.join("src/store/sql.rs")).unwrap();
    let named = |line: &str| {
        let (name, files) = line.strip_prefix("    ")?.strip_suffix(',')?.split_once(" = \"")?;
        let text = files
            .trim_end_matches('"')
            .split("\" \"")
            .map(|file| fs::read_to_string(root.join("src/store/sql").join(file)).unwrap());
        Some((name.to_owned(), text.collect()))
    };
    list.lines().filter_map(named).collect()
}

/// How a statement searches tables and where it sorts; each step once, without the structure.
fn plan(database: &Connection, sql: &str) -> Vec<String> {
    let mut explained = database.prepare(&format!("explain query plan {sql}")).unwrap();
    let steps = explained.raw_query().mapped(|row| row.get::<_, String>(3));
    let mut shown = Vec::new();
    for step in steps.map(Result::unwrap) {
        let is_access = step.starts_with("SEARCH ") || step.starts_with("SCAN ") && step.contains(" USING ");
        let line = format!("  {step}");
        if (is_access || step.starts_with("USE TEMP")) && !shown.contains(&line) {
            shown.push(line);
        }
    }
    shown
}

/// The tables and whole indexes that a statement may walk from one end to the other, by the program
/// that SQLite makes of it. A partial index may be walked: it has only rows with something to do.
fn walked(database: &Connection, sql: &str, objects: &BTreeMap<i64, String>) -> BTreeSet<String> {
    let mut explained = database.prepare(&format!("explain {sql}")).unwrap();
    let steps = explained.raw_query().mapped(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let steps: Vec<(i64, String, i64, i64)> = steps.map(Result::unwrap).collect();
    // The programs of triggers follow, each with the numbers of its own cursors.
    let programs = steps.chunk_by(|_, (address, ..)| *address > 0);
    let of_program = |program: &[(i64, String, i64, i64)]| {
        let walks = program.iter().filter(|(_, step, ..)| step == "Rewind" || step == "Last");
        let walked: BTreeSet<i64> = walks.map(|(_, _, cursor, _)| *cursor).collect();
        let opened = program.iter().filter(|(_, step, ..)| step == "OpenRead" || step == "OpenWrite");
        let pages = opened.filter(|(_, _, cursor, _)| walked.contains(cursor));
        pages.filter_map(|(.., page)| objects.get(page).cloned()).collect::<Vec<_>>()
    };
    programs.flat_map(of_program).collect()
}

/// The tables that have a company in each row, and their indexes without a condition, by the number
/// of their first page.
fn objects(database: &Connection) -> BTreeMap<i64, String> {
    let query = "select m.rootpage, m.name from sqlite_master as m, pragma_table_info(m.tbl_name) as c
                 where m.rootpage > 0 and c.name = 'company' and coalesce(m.sql, '') not like 'create %index%where%'";
    let mut found = database.prepare(query).unwrap();
    found.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn every_statement_has_the_plan_of_plans_txt_and_reads_no_whole_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let database = crate::schema::open("TM-1", "[]");
    // wrangler makes this table.
    database.execute_batch("create table d1_migrations (id integer primary key, name text unique) strict").unwrap();
    let objects = objects(&database);
    let mut text =
        "# How SQLite runs each statement of src/store/sql, made by `make schema`. Do not edit it.\n".to_owned();
    let mut walks = Vec::new();
    // Those of backups are for any table: backup.rs looks at their plans.
    for (name, sql) in statements(root).into_iter().filter(|(_, sql)| !sql.contains("{table}")) {
        walks.extend(walked(&database, &sql, &objects).into_iter().map(|object| (name.clone(), object)));
        let steps = plan(&database, &sql);
        if !steps.is_empty() {
            writeln!(text, "\n{name}\n{}", steps.join("\n")).unwrap();
        }
    }
    let allowed = WALKS.map(|(name, object)| (name.to_owned(), object.to_owned()));
    assert_eq!(walks, allowed, "a statement walks a whole table or index");

    let path = root.join("tests/rules/plans.txt");
    if env::var_os("SCHEMA_WRITE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let difference = text.lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert!(
        committed == text,
        "plans.txt is stale: run make schema and commit it; the first difference: {difference:?}"
    );
}
