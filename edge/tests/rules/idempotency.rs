//! The statements of idempotency keys on the real schema: one request has a key, its answer is
//! stored once, and with what it creates or not at all.

use serde_json::{Value, json};
use trackmate_edge::domain::idempotency::Hashes;
use trackmate_edge::store::idempotency::{Claim, Found, claiming, releasing, remembering};
use trackmate_edge::store::{Statement, sql};
use trackmate_wire::limits::{IDEMPOTENCY_CLAIM_MS, IDEMPOTENCY_KEY_MS, IDEMPOTENCY_KEYS_MAX};

use crate::schema::pipe::{COMPANY, Db, NOW, number, text};

fn claim_of(company: &str, key: &str, body: &str, marker: i64) -> Claim {
    Claim::new(company, Hashes::new(key, "/path", body.as_bytes()), marker, format!("salt {marker}"))
}

/// Claims the key `k` of the company for a request.
fn request(body: &str, marker: i64) -> Claim {
    claim_of(COMPANY, "k", body, marker)
}

/// Runs a claim. Returns who has the key then.
fn claim(db: &Db, claim: &Claim, now_ms: i64) -> Option<Found> {
    let mut statements = claiming(claim, now_ms);
    let find = statements.pop().unwrap();
    db.batch(&statements);
    db.find(find.sql, &find.params).pop()
}

fn keys(db: &Db) -> i64 {
    number(&db.rows("select count(*) from idempotency_keys", &[])[0][0])
}

/// Adds an API key with this id, and stores the answer in the same transaction. → Whether it was
/// committed.
fn create(db: &Db, claim: &Claim, id: &str, most: i64) -> bool {
    let insert = Statement::new(sql::KEY_INSERT, json!([id, COMPANY, id, "server", "", "", NOW, most]));
    let statements = [insert, remembering(claim, 200, Some("sealed"), true)];
    db.connection.execute_batch("begin").unwrap();
    let done = statements.iter().try_for_each(|s| {
        let params = s.params.iter().map(|value| match value {
            Value::String(text) => rusqlite::types::Value::Text(text.clone()),
            other => rusqlite::types::Value::Real(other.as_f64().unwrap()),
        });
        let mut prepared = db.connection.prepare(s.sql)?;
        prepared.execute(rusqlite::params_from_iter(params)).map(drop)
    });
    db.connection.execute_batch(if done.is_ok() { "commit" } else { "rollback" }).unwrap();
    done.is_ok()
}

fn created(db: &Db) -> Vec<String> {
    db.rows("select id from keys order by id", &[]).iter().map(|row| text(&row[0])).collect()
}

#[test]
fn the_first_of_many_requests_has_the_key_and_the_others_see_it() {
    let db = Db::open();
    for marker in 1..=20 {
        let found = claim(&db, &request("a", marker), NOW).unwrap();
        assert_eq!((found.marker, found.status), (1, None));
        assert_eq!(found.salt, "salt 1", "the company keeps its first salt");
    }
    let found = claim(&db, &request("b", 30), NOW).unwrap();
    assert_eq!(found.request, request("a", 1).hashes.request, "another request does not get the key");
    assert_eq!(keys(&db), 1);
}

#[test]
fn an_answer_is_stored_once_and_found_for_a_day() {
    let db = Db::open();
    claim(&db, &request("a", 1), NOW);
    db.batch(&[remembering(&request("a", 1), 200, Some("first"), false)]);
    db.batch(&[remembering(&request("a", 1), 400, Some("second"), false)]);
    db.batch(&[releasing(&request("a", 1))]);
    let end = NOW + IDEMPOTENCY_KEY_MS;
    let found = claim(&db, &request("a", 2), end).unwrap();
    assert_eq!((found.marker, found.status, found.answer.as_deref()), (1, Some(200), Some("first")));
    let found = claim(&db, &request("b", 3), end + 1).unwrap();
    assert_eq!((found.marker, found.status, found.answer), (3, None, None), "after a day any request gets the key");
    assert_eq!(found.request, request("b", 3).hashes.request);
}

#[test]
fn the_key_of_a_dead_request_goes_to_its_repeat_after_a_minute_and_to_no_other_request() {
    let db = Db::open();
    claim(&db, &request("a", 1), NOW);
    let dead = NOW + IDEMPOTENCY_CLAIM_MS;
    assert_eq!(claim(&db, &request("a", 2), dead).unwrap().marker, 1);
    assert_eq!(claim(&db, &request("b", 3), dead + 1).unwrap().marker, 1);
    assert_eq!(claim(&db, &request("a", 4), dead + 1).unwrap().marker, 4);
    // The first one was slow, not dead. Its answer does not become that of the second.
    db.batch(&[remembering(&request("a", 1), 200, Some("late"), false), releasing(&request("a", 1))]);
    assert_eq!(claim(&db, &request("a", 5), dead + 2).unwrap().status, None);
}

#[test]
fn a_request_without_a_lasting_answer_frees_its_key() {
    let db = Db::open();
    claim(&db, &request("a", 1), NOW);
    db.batch(&[releasing(&request("a", 1))]);
    assert_eq!(claim(&db, &request("b", 2), NOW + 1).unwrap().marker, 2);
}

#[test]
fn what_a_request_creates_and_its_answer_are_stored_together_or_not_at_all() {
    let db = Db::open();
    claim(&db, &request("a", 1), NOW);
    assert!(create(&db, &request("a", 1), "one", 100));
    assert_eq!(claim(&db, &request("a", 2), NOW + 1).unwrap().status, Some(200));
    // A limit keeps the second from being created, so the answer of a success is not stored.
    let other = |marker| claim_of(COMPANY, "other", "a", marker);
    claim(&db, &other(3), NOW);
    assert!(create(&db, &other(3), "two", 1));
    assert_eq!(claim(&db, &other(4), NOW + 1).unwrap().status, None);
    assert_eq!(created(&db), ["one"]);
}

#[test]
fn a_slow_request_whose_key_another_one_has_claimed_creates_nothing() {
    let db = Db::open();
    claim(&db, &request("a", 1), NOW);
    claim(&db, &request("a", 2), NOW + IDEMPOTENCY_CLAIM_MS + 1);
    assert!(!create(&db, &request("a", 1), "slow", 100));
    assert!(create(&db, &request("a", 2), "second", 100));
    assert_eq!(created(&db), ["second"]);
}

#[test]
fn the_operator_and_each_company_have_keys_of_their_own() {
    let db = Db::open();
    for (marker, company) in [(1, COMPANY), (2, "TM-OTHER"), (3, "")] {
        assert_eq!(claim(&db, &claim_of(company, "k", "a", marker), NOW).unwrap().marker, marker);
    }
    assert_eq!(claim(&db, &claim_of("", "k", "a", 4), NOW).unwrap().salt, "");
}

#[test]
fn a_company_with_too_many_keys_gets_no_further_one_and_others_do() {
    let db = Db::open();
    let fill = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
                insert into idempotency_keys (company, key, request, marker, at) select ?1, 'k' || i, '', 0, ?3 from n";
    db.rows(fill, &[json!(COMPANY), json!(IDEMPOTENCY_KEYS_MAX - 1), json!(NOW)]);
    assert!(claim(&db, &request("a", 1), NOW).is_some());
    assert!(claim(&db, &claim_of(COMPANY, "another", "a", 2), NOW).is_none());
    assert!(claim(&db, &claim_of("TM-OTHER", "k", "a", 3), NOW).is_some());
    assert_eq!(claim(&db, &request("a", 4), NOW).unwrap().marker, 1, "a key that is there still answers");
}

#[test]
fn the_sweep_deletes_old_keys_in_slices_and_no_others() {
    let db = Db::open();
    for (marker, at) in [(1, NOW - 3), (2, NOW - 2), (3, NOW - 1), (4, NOW)] {
        claim(&db, &claim_of(COMPANY, &format!("k{marker}"), "a", marker), at);
    }
    db.rows(sql::IDEMPOTENCY_KEYS_PRUNE, &[json!(NOW), json!(2)]);
    let left = db.rows("select marker from idempotency_keys order by marker", &[]);
    assert_eq!(left.iter().map(|row| number(&row[0])).collect::<Vec<_>>(), [3, 4], "the oldest go first");
    db.rows(sql::IDEMPOTENCY_KEYS_PRUNE, &[json!(NOW), json!(2)]);
    assert_eq!(keys(&db), 1);
}

#[test]
fn an_erasure_takes_away_what_opens_the_company_s_answers() {
    let mut db = Db::open();
    db.identify("s1", 1000, "i1", "a@x.io", &json!({}));
    let (profile, _) = db.person("a@x.io").unwrap();
    let salt = || db.rows("select answers_salt from companies where id = ?1", &[json!(COMPANY)])[0][0].clone();
    let erase = |revision: i64| db.rows(sql::ANSWERS_SALT_ERASE, &[json!(COMPANY), json!(profile), json!(revision)]);
    claim(&db, &request("a", 1), NOW);
    db.rows("update profiles set revision = 7 where id = ?1", &[json!(profile)]);
    erase(6);
    assert_eq!(salt(), json!("salt 1"), "another request has edited the person meanwhile");
    erase(7);
    assert_eq!(salt(), Value::Null);
    assert_eq!(claim(&db, &request("a", 2), NOW).unwrap().salt, "salt 2");
}
