//! The statements of a backup and a restore on the real schema: a backup has every column that
//! cannot be made again, and its rows make the same tables.

use serde_json::{Value, json};
use trackmate_edge::domain::backup::{LAST, TABLES, Table, range};
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::backup::statement;
use trackmate_edge::store::sql;

use crate::schema::pipe::{COMPANY, Db, event, number, text};

/// Tables and columns that the Worker makes again, those that are of one day, those of the
/// deployment's own databases, and the bookkeeping of SQLite.
const MADE_AGAIN: [&str; 15] = [
    "event_hours",
    "hour_counts",
    "progress",
    "search_docs",
    "search_words",
    "profiles.searched",
    "idempotency_keys",
    "companies.answers_salt",
    "places",
    "key_places",
    "cells",
    "moves",
    "away",
    "fence",
    "changes",
];

fn page(db: &Db, table: &Table, after: &str, to: &str, limits: (i64, i64)) -> Vec<Vec<Value>> {
    db.rows(&statement(sql::BACKUP_PAGE, table), &[json!(after), json!(to), json!(limits.0), json!(limits.1)])
}

/// All rows of a table, in pages of two.
fn walk(db: &Db, table: &Table, company: Option<&str>) -> Vec<String> {
    let (first, to) = range(company);
    let mut after = json!([first]).to_string();
    let mut rows = Vec::new();
    loop {
        let found = page(db, table, &after, &to, (2, 1_000_000));
        let Some(last) = found.last() else { return rows };
        after = text(&last[1]);
        rows.extend(found.iter().map(|row| text(&row[0])));
    }
}

fn history() -> Db {
    let mut db = Db::open();
    db.events(Source::Browser, "s1", None, &[0, 1, 2, 3, 4].map(|n| event(&format!("m{n}"), n * 1000, "pay", "{}")));
    db.identify("s1", 2000, "i1", "a@x.io", &json!({"name": "A"}));
    db.connection
        .execute("insert into keys (hash, company, id, scope, prefix, name, created_at) values ('h', ?1, 'k', 'admin', '', '', 0)", [COMPANY])
        .unwrap();
    db
}

fn begin(db: &Db, file: &str) -> bool {
    let state = json!({"file": file, "company": null, "beganAt": 5, "next": 0, "rows": 0}).to_string();
    let (after, to) = range(None);
    db.rows(sql::RESTORE_BEGIN, &[json!(state), json!(after), json!(to)]);
    db.rows("select 1 from progress where job = 'restore'", &[]).len() == 1
}

fn store(db: &Db, table: &Table, number: i64, rows: &str) {
    if table.is_last() {
        db.rows(sql::RESTORE_STAGE, &[json!(number), json!(rows), json!(table.name)]);
    } else {
        db.rows(&statement(sql::RESTORE_ROWS, table), &[json!(number), json!(rows)]);
    }
    db.rows(sql::RESTORE_STEP, &[json!(number), json!(1), json!(9)]);
}

#[test]
fn a_backup_has_every_column_that_cannot_be_made_again() {
    let db = Db::open();
    let stored = db.rows(
        "select t.name || '.' || c.name from sqlite_schema as t cross join pragma_table_xinfo(t.name) as c
         where t.type = 'table' and c.hidden = 0 order by 1",
        &[],
    );
    let is_made_again =
        |name: &str| MADE_AGAIN.iter().any(|made| name == *made || name.starts_with(&format!("{made}.")));
    let stored: Vec<String> = stored.iter().map(|row| text(&row[0])).filter(|name| !is_made_again(name)).collect();
    let columns = |table: &'static Table| table.columns.split(' ').map(|column| format!("{}.{column}", table.name));
    let mut backed: Vec<String> = TABLES.iter().flat_map(columns).collect();
    backed.sort();
    assert_eq!(backed, stored);
}

#[test]
fn a_page_of_any_table_reads_a_range_of_its_key() {
    let db = Db::open();
    for table in TABLES {
        let plan = format!("explain query plan {}", statement(sql::BACKUP_PAGE, table));
        let steps = db.rows(&plan, &[json!("[\"\"]"), json!("~"), json!(1), json!(1)]);
        let steps: Vec<String> = steps.iter().map(|row| text(&row[3])).collect();
        assert!(
            steps.iter().any(|step| step.starts_with("SEARCH ") && step.contains('>')),
            "{}: {steps:?}",
            table.name
        );
        assert!(
            !steps.iter().any(|step| step.starts_with("SCAN ") && !step.contains("SCAN (") && step != "SCAN page"),
            "{}: {steps:?}",
            table.name
        );
    }
}

#[test]
fn a_page_ends_with_the_row_that_reaches_its_bytes() {
    let db = history();
    let events = Table::named("events").unwrap();
    assert_eq!(page(&db, events, "[\"\"]", "~", (100, 1)).len(), 1);
    assert_eq!(number(&page(&db, events, "[\"\"]", "~", (100, 1))[0][2]), 6, "it says how many rows there are");
}

#[test]
fn restored_tables_have_the_same_rows_however_often_a_batch_is_sent() {
    let db = history();
    let copy = Db::open();
    copy.connection.execute_batch("delete from keys; delete from companies").unwrap();
    assert!(begin(&copy, "f"));
    let mut number = 0;
    for table in TABLES {
        for row in walk(&db, table, None) {
            let rows = format!("[{row}]");
            store(&copy, table, number, &rows);
            store(&copy, table, number, &rows);
            number += 1;
        }
    }
    let state: Value =
        serde_json::from_str(&text(&copy.rows("select place from progress where job = 'restore'", &[])[0][0])).unwrap();
    assert_eq!((state["next"].as_i64(), state["rows"].as_i64()), (Some(number), Some(number)));
    assert_eq!(copy.rows("select 1 from companies", &[]).len(), 0, "nobody can use it yet");
    for table in LAST {
        copy.rows(&statement(sql::RESTORE_STAGED, Table::named(table).unwrap()), &[json!(number)]);
    }
    copy.rows(sql::RESTORE_NOTE, &[json!(number - 1)]);
    assert_eq!(copy.rows("select 1 from progress where job = 'restored'", &[]).len(), 0, "it has not ended");
    copy.rows(sql::RESTORE_NOTE, &[json!(number)]);
    copy.rows(sql::RESTORE_END, &[json!(number)]);
    for table in TABLES {
        let all = walk(&db, table, None);
        assert_eq!(walk(&copy, table, None), all, "{}", table.name);
        assert_eq!(walk(&copy, table, Some(COMPANY)), all, "{}", table.name);
        assert_eq!(walk(&copy, table, Some("TM-OTHER")).len(), 0);
    }
    assert!(walk(&copy, Table::named("events").unwrap(), None).len() > 5);
    assert_eq!(copy.rows("select place from progress where job like 'restore%'", &[]), [[json!("\"f\"")]]);
}

#[test]
fn a_restore_begins_only_where_nothing_is() {
    assert!(!begin(&history(), "f"));
    let empty = Db::open();
    empty.connection.execute_batch("delete from keys; delete from companies").unwrap();
    assert!(begin(&empty, "f"));
}

#[test]
fn a_restore_that_is_given_up_leaves_no_row() {
    let db = history();
    db.connection.execute_batch("delete from keys; delete from companies").unwrap();
    for table in TABLES {
        db.rows(&statement(sql::RESTORE_DROP, table), &[json!(""), json!("~"), json!(1000)]);
        assert_eq!(walk(&db, table, None).len(), 0, "{}", table.name);
    }
}

#[test]
fn a_person_who_was_erased_during_the_backup_is_erased_again() {
    let db = history();
    let profile = text(&db.rows("select id from profiles where email is not null", &[])[0][0]);
    let insert =
        "insert into erasures values (?1, ?2, 7, 8, 'n', '[9]', '{}'), (?1, 'long ago', 3, 4, 'n', '[9]', '{}')";
    db.connection.execute(insert, [COMPANY, &profile]).unwrap();
    let tombstones = "insert into tombstones values (?1, 'h1', ?2, 7, null), (?1, 'h2', 'erased later', 9, null)";
    db.connection.execute(tombstones, [COMPANY, &profile]).unwrap();
    db.connection.execute("insert into progress values ('restore', '{\"next\":3}')", []).unwrap();
    let (after, to) = range(None);
    let range = [json!(3), json!(after), json!(to)];
    db.rows(sql::RESTORE_ERASURES, &[json!(3), json!(5), json!(after), json!(to)]);
    db.rows(sql::RESTORE_BLANK, &range);
    db.rows(&statement(sql::RESTORE_FORGET, Table::named("identities").unwrap()), &range);
    db.rows(sql::RESTORE_TOMBSTONES, &range);
    assert_eq!(
        db.rows("select profile, completed_at, place from erasures order by completed_at", &[]),
        [[json!(profile), Value::Null, json!("[0,0,\"\"]")], [json!("long ago"), json!(4), json!("[9]")]]
    );
    assert_eq!(db.rows("select email, erased_at from profiles", &[]), [[Value::Null, json!(7)]]);
    assert_eq!(db.rows("select 1 from identities", &[]).len(), 0);
    assert_eq!(db.rows("select hash from tombstones", &[]), [[json!("h1")]]);
}
