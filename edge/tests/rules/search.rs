//! The index of a search against the words of the people, with the SQL on the real schema.

use serde_json::{Value, json};
use trackmate_edge::domain::search::{search, words};
use trackmate_edge::store::sql;

use crate::schema::pipe::{COMPANY, Db, text};

/// The people who changed since the last search, as their words are written.
fn stale(db: &Db, bytes: i64) -> Vec<Value> {
    let rows = db.rows(sql::SEARCH_STALE, &[json!(COMPANY), json!(""), json!(100), json!(bytes)]);
    let person = |row: &Vec<Value>| json!({"id": row[0], "text": row[1], "words": words(&text(&row[1]), 100)});
    rows.iter().map(person).collect()
}

fn write(db: &Db, people: &[Value]) {
    let people = json!(people).to_string();
    for statement in [sql::SEARCH_WRITE, sql::SEARCH_DONE] {
        db.rows(statement, &[json!(COMPANY), json!(people)]);
    }
}

/// Writes the words of the people who changed, as a search does.
pub(crate) fn refresh(db: &Db) {
    write(db, &stale(db, 100_000));
}

/// A database of people with these names; their ids are their places.
fn people(names: &[&str]) -> Db {
    let db = Db::open();
    for (n, name) in names.iter().enumerate() {
        let insert = "insert into profiles (company, id, name, traits, server_session, created_at)
                      values (?1, ?2, ?3, '{}', '', 0)";
        db.connection.execute(insert, (COMPANY, format!("p{n}"), name)).unwrap();
    }
    db
}

fn rename(db: &Db, id: &str, name: &str) {
    db.connection.execute("update profiles set name = ?2, searched = 0 where id = ?1", [id, name]).unwrap();
}

fn found(db: &Db, asked: &str) -> Vec<String> {
    let wanted = json!(serde_json::to_string(&search(asked).unwrap()).unwrap());
    let mut params = vec![Value::Null; 15];
    params[0] = json!(COMPANY);
    params[8] = wanted;
    params[10] = json!(-1);
    params.truncate(11);
    let count = text(&db.rows(sql::USERS_COUNT, &params)[0][0].to_string().into());
    params.splice(10.., [Value::Null, Value::Null, json!(100), json!(0), json!(1_000_000)]);
    let rows = db.rows(sql::USERS_ASC, &params);
    assert_eq!(count, rows.len().to_string());
    rows.iter().map(|row| text(&row[0])).collect()
}

#[test]
fn the_index_has_the_words_of_now_and_no_others() {
    let db = people(&["Ada Lovelace", "Ann-Marie O'Neil", "ada ada"]);
    refresh(&db);
    assert_eq!(found(&db, "ada"), ["p0", "p2"]);
    assert_eq!(found(&db, "o'ne ann"), ["p1"]);
    assert_eq!(found(&db, "ann-o"), [""; 0], "the words of a phrase follow each other");
    rename(&db, "p0", "Grace Love Grace");
    refresh(&db);
    assert_eq!((found(&db, "ada"), found(&db, "love gra")), (vec!["p2".to_owned()], vec!["p0".to_owned()]));
    db.connection.execute("delete from search_docs where profile <> 'p2'", []).unwrap();
    assert_eq!(db.rows("select word, profile from search_words", &[]), [[json!("ada"), json!("p2")]]);
}

#[test]
fn a_person_who_changes_during_a_refresh_is_refreshed_again() {
    let db = people(&["Ada"]);
    let read = stale(&db, 100_000);
    rename(&db, "p0", "Grace");
    refresh(&db);
    write(&db, &read);
    // The older text was written last, but the mark of the newer one says so no longer.
    assert_eq!(found(&db, "ada"), ["p0"]);
    rename(&db, "p0", "Grace");
    let read = stale(&db, 100_000);
    rename(&db, "p0", "Hopper");
    write(&db, &read);
    assert_eq!(stale(&db, 100_000).len(), 1, "the person still counts as changed");
    refresh(&db);
    assert_eq!((found(&db, "grace"), found(&db, "hop")), (vec![], vec!["p0".to_owned()]));
}

#[test]
fn a_person_who_is_erased_during_a_refresh_leaves_no_word() {
    let db = people(&["Ada"]);
    let read = stale(&db, 100_000);
    db.connection.execute("update profiles set erased_at = 1", []).unwrap();
    write(&db, &read);
    assert_eq!(db.rows("select * from search_docs", &[]).len() + db.rows("select * from search_words", &[]).len(), 0);
}

#[test]
fn a_refresh_reads_a_bounded_number_of_bytes_and_at_least_one_person() {
    let db = people(&["Ada Lovelace", "Grace Hopper", "Jean Bartik"]);
    assert_eq!(stale(&db, 1).len(), 1);
    assert_eq!(stale(&db, 16).len(), 2);
}
