//! The statements of a backup and a restore on the real schema: a backup has every column that
//! cannot be made again, and its rows make the same tables.

use rusqlite::StatementStatus;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use trackmate_edge::domain::backup::{EndPlace, TABLES, Table, range};
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::backup::{Restore, statement};
use trackmate_edge::store::restore_end::{Filled, ending, erased, finding, slice, state_after};
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
fn no_statement_of_a_backup_calls_a_function_with_more_arguments_than_d1_takes() {
    for table in TABLES {
        let page = statement(sql::BACKUP_PAGE, table);
        for call in page.split("json_array(").skip(1) {
            let arguments = call.split(')').next().unwrap().split(',').count();
            assert!(arguments <= 32, "{}: {arguments}", table.name);
        }
    }
}

#[test]
fn a_row_of_the_widest_table_is_a_json_array_of_its_columns() {
    let db = Db::open();
    let widest = TABLES.iter().max_by_key(|table| table.width()).unwrap();
    db.rows("insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s, timeout_ms, created_at) \
             values (?1, 'w', 'a \"name\"', 'u', '[\"*\"]', 's', 1, 2, 3, 4)", &[json!(COMPANY)]);
    let rows = walk(&db, widest, None);
    let row: Vec<Value> = serde_json::from_str(&rows[0]).unwrap();
    assert_eq!(row.len(), widest.width());
    assert_eq!(
        (&row[2], &row[4], &row[5], &row[14]),
        (&json!("a \"name\""), &json!("[\"*\"]"), &Value::Null, &json!(1))
    );
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
    end(&copy, usize::MAX);
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

/// What a statement of the end of a restore cost: steps of SQLite, and rows that it wrote.
type Cost = (i32, u64);

fn run(db: &Db, (sql, params): &Filled, costs: &mut Vec<Cost>) -> Vec<Option<String>> {
    let values = params.iter().map(|value| match value {
        Value::String(text) => Cell::Text(text.clone()),
        other => Cell::Real(other.as_f64().unwrap()),
    });
    let before = db.connection.total_changes();
    let mut prepared = db.connection.prepare_cached(sql).unwrap();
    prepared.reset_status(StatementStatus::VmStep);
    let rows = if prepared.column_count() == 0 {
        prepared.execute(rusqlite::params_from_iter(values)).unwrap();
        Vec::new()
    } else {
        let first = |row: &rusqlite::Row<'_>| row.get::<_, Cell>(0);
        let rows = prepared.query_map(rusqlite::params_from_iter(values), first).unwrap();
        rows.map(|cell| if let Cell::Text(text) = cell.unwrap() { Some(text) } else { None }).collect()
    };
    costs.push((prepared.get_status(StatementStatus::VmStep), db.connection.total_changes() - before));
    rows
}

/// Runs the end of a restore for at most this many slices of three rows, as a request does. → The
/// cost of each statement, and whether the restore has ended.
fn end(db: &Db, most: usize) -> (Vec<Cost>, bool) {
    end_by(db, most, 3)
}

fn end_by(db: &Db, most: usize, rows: i64) -> (Vec<Cost>, bool) {
    let stored = db.rows("select place from progress where job = 'restore'", &[]);
    let mut restore: Restore = serde_json::from_str(&text(&stored[0][0])).unwrap();
    let mut place = restore.end_place().unwrap();
    let mut costs = Vec::new();
    let mut slices = 0;
    loop {
        let table = place.table().unwrap();
        let found = run(db, &finding(table, place.1.as_deref(), &restore, rows), &mut costs);
        if let Some(last) = found.into_iter().next().flatten() {
            if slices == most {
                return (costs, false);
            }
            slices += 1;
            db.connection.execute_batch("begin").unwrap();
            for statement in slice(&restore, &place, &last, rows, 9) {
                run(db, &statement, &mut costs);
            }
            db.connection.execute_batch("commit").unwrap();
            restore.end = state_after(table, &last);
            place = EndPlace(table.name.to_owned(), Some(last));
            continue;
        }
        let skips = place.0 == "erasures" && run(db, &erased(&restore), &mut costs).is_empty();
        match if skips { Some(EndPlace::of("tombstones")) } else { place.next() } {
            Some(next) => place = next,
            None => break,
        }
    }
    for statement in ending(&restore) {
        run(db, &statement, &mut costs);
    }
    (costs, db.rows("select 1 from progress where job = 'restore'", &[]).is_empty())
}

/// A restored database whose end has not begun: this many companies with this many people each. An
/// address, a tag, a field and a tombstone belong to each person. Every third person was erased
/// during the backup, and was merged with the next one.
fn before_the_end(companies: i64, people: i64) -> Db {
    let db = Db::open();
    db.connection
        .execute_batch(&format!(
            "delete from keys; delete from companies;
             create temp table c as with recursive n (i) as (select 1 union all select i + 1 from n where i < {companies})
               select i, printf('TM-%06d', i) as company from n;
             create temp table p as with recursive n (i) as (select 1 union all select i + 1 from n where i < {people})
               select company, printf('p%07d', n.i) as id, n.i as i from c cross join n;
             insert into profiles (company, id, email, name, server_session, created_at, updated_at, merged_into, traits)
               select company, id, id || '@x.io', 'Ada', 's' || id, 1, 1, iif(i % 3 = 1, printf('p%07d', i - 1), null), '{{}}' from p;
             insert into identities (company, kind, key, profile, created_at)
               select company, 'email', (i * 7919 % 100003) || id || '@x.io', id, 1 from p;
             insert into tags select company, id, 'vip', 1 from p;
             insert into fields select company, id, 'level', '1' from p;
             insert into erasures select company, id, 7, 8, 'n', '[9]', '{{}}' from p where i % 3 = 0;
             insert into tombstones select company, 'h' || (i * 7919 % 100003) || id, id, 7, null from p where i % 3 < 2;
             insert into progress select 'restore companies ' || (i / 50),
               json_group_array(json_array(company, 'Shop', '[]', '[]', 1, 1, 30, 0, null, null, 0, 0, 0)) from c group by i / 50;
             insert into progress select 'restore keys ' || (i / 50),
               json_group_array(json_array('hash' || i, company, 'k', 'admin', '', '', 1, null, null, 0)) from c group by i / 50;
             insert into progress values ('restore', json_object('file', 'f', 'beganAt', 5, 'next', 3, 'rows', 9));"
        ))
        .unwrap();
    db
}

/// All that is stored and matters after the end of a restore.
fn stored(db: &Db) -> Vec<Vec<Vec<Value>>> {
    let tables = ["erasures", "profiles", "identities", "tags", "fields", "tombstones", "companies", "keys"];
    tables
        .map(|name| {
            let table = Table::named(name).unwrap();
            let columns = table.columns.replace(' ', ", ");
            db.rows(&format!("select {columns} from {name} order by {}", table.key.replace(' ', ", ")), &[])
        })
        .into()
}

#[test]
fn a_slice_of_the_end_of_a_restore_costs_the_same_however_many_people_there_are() {
    let worst = |people: i64| {
        let (costs, has_ended) = end_by(&before_the_end(2, people), usize::MAX, 200);
        assert!(has_ended);
        let most = |by: fn(&Cost) -> u64| costs.iter().map(by).max().unwrap();
        (most(|(steps, _)| u64::try_from(*steps).unwrap()), most(|(_, written)| *written), costs.len())
    };
    let (small, large) = (worst(600), worst(6000));
    assert!(large.0 <= small.0 + small.0 / 20, "{} steps of SQLite, and {} for a tenth", large.0, small.0);
    assert!(large.1 <= 200 && small.1 <= 200, "{} rows written in a statement", large.1);
    // 60,000 rows in slices of 200 rows, three statements each.
    assert!(large.2 < 2 * 6000 * 5 / 200 * 3 + 50, "{} statements for full slices", large.2);
    assert!(large.2 > 5 * small.2, "{} statements, and {} for a tenth", large.2, small.2);
}

#[test]
fn companies_become_visible_a_batch_at_a_time_and_after_everything_else() {
    let db = before_the_end(120, 3);
    let mut seen = vec![0];
    loop {
        let (_, has_ended) = end_by(&db, 1, 1000);
        let companies = number(&db.rows("select count(*) from companies", &[])[0][0]);
        if companies > 0 && seen.last() == Some(&0) {
            assert_eq!(db.rows("select 1 from identities as i where exists (select 1 from erasures as e where e.company = i.company and e.profile = i.profile)", &[]).len(), 0);
        }
        seen.push(companies);
        if has_ended {
            break;
        }
    }
    seen.dedup();
    assert_eq!(seen, [0, 49, 99, 120]);
    assert_eq!(number(&db.rows("select count(*) from keys", &[])[0][0]), 120);
    assert_eq!(db.rows("select job from progress where job like 'restore%'", &[]), [[json!("restored")]]);
}

#[test]
fn the_end_of_a_restore_that_breaks_off_after_any_slice_leads_to_the_same() {
    let whole = before_the_end(2, 10);
    assert!(end(&whole, usize::MAX).1);
    for most in 1..=3 {
        let db = before_the_end(2, 10);
        let mut requests = 0;
        while !end(&db, most).1 {
            requests += 1;
            assert_eq!(db.rows("select 1 from progress where job = 'restore'", &[]).len(), 1, "the sweep still waits");
        }
        assert!(requests > 10 / most, "{requests} requests");
        assert_eq!(stored(&db), stored(&whole), "{most} slices a request");
    }
}

#[test]
fn a_slice_that_comes_late_or_after_the_restore_was_given_up_changes_nothing() {
    let db = before_the_end(2, 10);
    let place = db.rows("select place from progress where job = 'restore'", &[]);
    let restore: Restore = serde_json::from_str(&text(&place[0][0])).unwrap();
    let late = |db: &Db| {
        for (name, last) in [("identities", "[\"TM-000001\",\"email\",\"~\"]"), ("companies", "restore companies 0")] {
            for statement in slice(&restore, &EndPlace::of(name), last, 100, 9) {
                run(db, &statement, &mut Vec::new());
            }
        }
    };
    end(&db, 4);
    let before = (stored(&db), db.rows("select * from progress", &[]));
    late(&db);
    assert_eq!((stored(&db), db.rows("select * from progress", &[])), before);
    let state =
        serde_json::from_str::<Restore>(&text(&db.rows("select place from progress where job = 'restore'", &[])[0][0]))
            .unwrap()
            .end;
    db.rows(sql::RESTORE_ABORT, &[json!("another"), json!("given up")]);
    assert_eq!(db.rows("select * from progress", &[]), before.1, "its end has gone on");
    db.rows(sql::RESTORE_ABORT, &[json!(state), json!("given up")]);
    let given_up = db.rows("select * from progress", &[]);
    assert_ne!(given_up, before.1);
    late(&db);
    assert_eq!((stored(&db), db.rows("select * from progress", &[])), (before.0, given_up));
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
    db.connection
        .execute("insert into progress values ('restore', '{\"file\":\"f\",\"beganAt\":5,\"next\":3,\"rows\":9}')", [])
        .unwrap();
    assert!(end(&db, usize::MAX).1);
    assert_eq!(
        db.rows("select profile, completed_at, place from erasures order by completed_at", &[]),
        [[json!(profile), Value::Null, json!("[0,0,\"\"]")], [json!("long ago"), json!(4), json!("[9]")]]
    );
    assert_eq!(db.rows("select email, erased_at from profiles", &[]), [[Value::Null, json!(7)]]);
    assert_eq!(db.rows("select 1 from identities", &[]).len(), 0);
    assert_eq!(db.rows("select hash from tombstones", &[]), [[json!("h1")]]);
}
