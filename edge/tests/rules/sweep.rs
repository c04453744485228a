//! The selections of the sweep, with the SQL on the real schema. Every company gets its turn,
//! whatever another one has stored, and no backlog makes the sweep more expensive.

use crate::schema::pipe::{Db, NOW, number, text};
use rusqlite::{StatementStatus, params};
use serde_json::{Value, json};
use trackmate_edge::store::sql;
use trackmate_wire::limits::{
    EARLY_MS_MAX, HELD_LOOKED_MAX, INTERRUPTIONS_MAX, LEASE_MS, PROBE_MARGIN_MS, PUT_OFF_MS, STATS_AHEAD_CLAIM_MS,
    STATS_AHEAD_NEW_MS,
};

const DAY_MS: i64 = 86_400_000;
/// A limit beyond all rows.
const ALL: i64 = 5000;

/// Opens a database with two companies, each with this number of webhooks `wh_0`, `wh_1`, …
fn open(webhooks: [i64; 2]) -> Db {
    let db = Db::open();
    for (company, webhooks) in ["TM-A", "TM-Z"].iter().zip(webhooks) {
        let insert = "insert into companies (id, name, revenue_events, created_at) values (?1, 'Test', '[]', 0)";
        db.connection.execute(insert, [company]).unwrap();
        for n in 0..webhooks {
            let insert =
                "insert into subscriptions (company, id, name, url, events, secret, retry_attempts, retry_delay_s,
                            timeout_ms, created_at)
                          values (?1, 'wh_' || ?2, '', '', '[\"*\"]', '', 3, 1, 1000, 0)";
            db.connection.execute(insert, params![company, n]).unwrap();
        }
    }
    db
}

/// The id of the delivery that [`add`] created at this time.
fn id(webhook: &str, state: &str, created_ms: i64) -> String {
    format!("{created_ms:012x}{webhook}{state}")
}

/// Adds deliveries of a webhook in a state. The n-th is created and due n ms after the first.
fn add(db: &Db, [company, webhook]: [&str; 2], state: &str, first_ms: i64, count: i64) {
    let insert = "with recursive n (i) as (select 0 union all select i + 1 from n where i < ?5 - 1)
                  insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at,
                                          finished_at)
                  select ?1, format('%012x', ?4 + i) || ?2 || ?3, ?2, 1, ?2 || ?3 || (?4 + i), 'e', ?3, ?4 + i, ?4 + i,
                         iif(?3 = 'delivered', ?4 + i, null) from n";
    db.connection.execute(insert, params![company, webhook, state, first_ms, count]).unwrap();
}

/// The company and webhook of each selected delivery, the place where the selection stopped, and
/// the steps that the database took.
fn due(db: &Db, limit: i64, place: [&str; 2], webhooks: i64) -> (Vec<[String; 2]>, Option<[String; 2]>, i32) {
    let mut statement = db.connection.prepare(sql::DELIVERY_DUE).unwrap();
    let mut rows: Vec<(String, String, Option<String>)> = statement
        .query_map(params![NOW, limit, place[0], place[1], webhooks], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let steps = statement.get_status(StatementStatus::VmStep);
    let end = rows.pop_if(|(_, _, id)| id.is_none()).map(|(company, webhook, _)| [company, webhook]);
    (rows.into_iter().map(|(company, webhook, _)| [company, webhook]).collect(), end, steps)
}

fn of(picked: &[[String; 2]], company: &str, webhook: &str) -> usize {
    picked.iter().filter(|place| place[0] == company && place[1] == webhook).count()
}

#[test]
fn no_backlog_delays_a_single_delivery_of_another_company_or_webhook() {
    let mut steps = Vec::new();
    for backlog in [2000, 100_000] {
        let db = open([2, 1]);
        add(&db, ["TM-A", "wh_0"], "pending", 0, backlog);
        add(&db, ["TM-A", "wh_1"], "pending", NOW - 5, 1);
        add(&db, ["TM-Z", "wh_0"], "leased", NOW - 1, 1);
        add(&db, ["TM-Z", "wh_0"], "pending", NOW + 1, 10);
        let (picked, end, taken) = due(&db, 1000, ["", ""], ALL);
        assert_eq!([of(&picked, "TM-A", "wh_1"), of(&picked, "TM-Z", "wh_0")], [1, 1]);
        assert!(of(&picked, "TM-A", "wh_0") > 990);
        assert_eq!(end, None);
        steps.push(taken);
    }
    assert!(steps[1] < steps[0] * 11 / 10, "{steps:?} steps");
}

#[test]
fn due_deliveries_of_a_deleted_webhook_end_without_a_wake_up() {
    let db = open([1, 1]);
    add(&db, ["TM-A", "gone"], "pending", 0, 1050);
    add(&db, ["TM-A", "wh_0"], "pending", 0, 3);
    add(&db, ["TM-Z", "wh_0"], "pending", NOW - 1, 1);
    db.rows(sql::DELIVERY_ORPHAN, &[json!(NOW), json!(1000), json!(""), json!(""), json!(ALL)]);
    let left = "select count(*) from deliveries where subscription = 'gone' and state = 'pending'";
    assert_eq!(number(&db.rows(left, &[])[0][0]), 50, "a run ends no more deliveries than its limit");
    db.rows(sql::DELIVERY_ORPHAN, &[json!(NOW), json!(1000), json!(""), json!(""), json!(ALL)]);
    let (picked, ..) = due(&db, 1000, ["", ""], ALL);
    assert_eq!([of(&picked, "TM-A", "gone"), of(&picked, "TM-A", "wh_0"), of(&picked, "TM-Z", "wh_0")], [0, 3, 1]);
}

#[test]
fn two_backlogs_share_a_sweep_by_company_not_by_webhook() {
    let db = open([9, 1]);
    for n in 0..9 {
        add(&db, ["TM-A", &format!("wh_{n}")], "pending", 0, 500);
    }
    add(&db, ["TM-Z", "wh_0"], "pending", 0, 500);
    let (picked, ..) = due(&db, 180, ["", ""], ALL);
    assert!(of(&picked, "TM-Z", "wh_0").abs_diff(90) <= 1);
    for n in 0..9 {
        assert!(of(&picked, "TM-A", &format!("wh_{n}")).abs_diff(10) <= 1);
    }
}

#[test]
fn a_selection_that_stops_at_its_limit_continues_in_the_next_sweep() {
    let db = open([5, 1]);
    for n in 0..5 {
        add(&db, ["TM-A", &format!("wh_{n}")], "pending", 0, 3);
    }
    add(&db, ["TM-Z", "wh_0"], "pending", 0, 1);
    let mut place = [String::new(), String::new()];
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (picked, end, _) = due(&db, 1000, [&place[0], &place[1]], 2);
        seen.extend(picked);
        place = end.unwrap_or_default();
    }
    assert_eq!(seen.len(), 16);
    let (picked, end, _) = due(&db, 1000, [&place[0], &place[1]], 2);
    assert!(picked.is_empty() && end.is_none() || place[0].is_empty());
}

/// Runs the statements of `store::deliveries::lease`. → The ids that were leased.
fn lease(db: &Db, keys: &[[String; 2]]) -> Vec<String> {
    let keys: Vec<Value> = keys.iter().map(|[webhook, id]| json!({"w": webhook, "i": id})).collect();
    let due = [json!("TM-A"), json!(json!(keys).to_string()), json!(NOW)];
    let (early, most) = (json!(EARLY_MS_MAX), json!(INTERRUPTIONS_MAX));
    let lease = [early.clone(), json!(NOW + LEASE_MS), most.clone()];
    let leased = db.rows(sql::DELIVERY_LEASE, &[&due[..], &lease].concat());
    db.rows(sql::DELIVERY_HOLD, &[&due[..], &[early.clone(), most.clone()]].concat());
    db.rows(sql::ATTEMPT_CLEAR, &[&due[..], std::slice::from_ref(&most)].concat());
    db.rows(sql::DELIVERY_CLEAR, &[&due[..], &[early, most, json!(PUT_OFF_MS)]].concat());
    leased.iter().map(|row| text(&row[0])).collect()
}

#[test]
fn a_lease_leaves_no_delivery_due_that_cannot_be_leased() {
    let db = open([2, 1]);
    for (webhook, state) in [("gone", "pending"), ("gone", "leased"), ("wh_0", "pending"), ("wh_1", "leased")] {
        add(&db, ["TM-A", webhook], state, 0, 1);
    }
    add(&db, ["TM-A", "wh_0"], "leased", 0, 2);
    let run = |statement: &str| db.connection.execute_batch(statement).unwrap();
    run("update deliveries set interrupted = 5 where subscription = 'wh_0' and state = 'leased' and created_at = 0;
         update deliveries set interrupted = 7, attempts = 1, attempt_at = 3, attempt_url = 'u', attempt_success = 0, attempt_duration_ms = 1
         where subscription = 'wh_1' and state = 'leased';
         update subscriptions set open_until = 1 where id = 'wh_1';
         update deliveries set profile = 'ada', interrupted = 1
         where subscription = 'wh_0' and (state = 'pending' or created_at = 1);
         insert into erasures (company, profile, erased_at, notice, place, counts) values ('TM-A', 'ada', 0, 'n', '[]', '{}');");
    let key = |webhook: &str, state: &str, created_ms| [webhook.to_owned(), id(webhook, state, created_ms)];
    let gone = [key("gone", "pending", 0), key("gone", "leased", 0)];
    let given_up = [(key("wh_0", "leased", 0), 5), (key("wh_1", "leased", 0), 7)];
    let put_off = [(key("wh_0", "pending", 0), 1), (key("wh_0", "leased", 1), 2)];
    let keys = gone.iter().chain(given_up.iter().chain(&put_off).map(|(key, _)| key)).cloned().collect::<Vec<_>>();
    assert_eq!(lease(&db, &keys), Vec::<String>::new());
    let state = |[_, id]: &[String; 2]| {
        let rows =
            db.rows("select state, due_at, interrupted, finished_at from deliveries where id = ?1", &[json!(id)]);
        (text(&rows[0][0]), number(&rows[0][1]), number(&rows[0][2]), rows[0][3].as_i64())
    };
    let reason = |[_, id]: &[String; 2]| {
        let rows = db.rows("select attempts, attempt_error from deliveries where id = ?1", &[json!(id)]);
        (number(&rows[0][0]), text(&rows[0][1]))
    };
    for key in &gone {
        assert_eq!(state(key), ("dismissed".to_owned(), 0, 0, Some(NOW)), "{key:?}");
    }
    // An open circuit does not prevent that a delivery with too many interruptions is given up.
    for (n, (key, interrupted)) in (1..).zip(&given_up) {
        assert_eq!(state(key), ("exhausted".to_owned(), 0, *interrupted, Some(NOW)), "{key:?}");
        let given_up = "given up: 6 attempts were interrupted before they ended";
        assert_eq!(reason(key), (n, given_up.to_owned()), "{key:?}");
    }
    // The attempt before stays in the log.
    assert_eq!(
        db.rows("select delivery, attempt, at from attempts", &[]),
        [[json!(given_up[1].0[1]), json!(1), json!(3)]]
    );
    for (key, interrupted) in &put_off {
        assert_eq!(state(key), ("pending".to_owned(), NOW + PUT_OFF_MS, *interrupted, None), "{key:?}");
    }
    let (picked, ..) = due(&db, 1000, ["", ""], ALL);
    assert_eq!(picked, Vec::<[String; 2]>::new());
}

#[test]
fn a_companys_held_deliveries_are_released_even_if_anothers_webhooks_fill_the_run() {
    let db = open([60, 1]);
    db.connection.execute("update subscriptions set releasing = 'deliver'", []).unwrap();
    let released = db.rows(sql::SUBSCRIPTION_RELEASING, &[json!(20)]);
    assert_eq!(released.len(), 20);
    assert_eq!(released.iter().filter(|row| text(&row[0]) == "TM-Z").count(), 1);
}

#[test]
fn deliveries_that_arrive_during_a_dismissal_are_sent() {
    let db = open([1, 0]);
    add(&db, ["TM-A", "wh_0"], "held", 10, 1);
    let released = |left: &str| {
        db.rows(sql::SUBSCRIPTION_RELEASED, &[json!("TM-A"), json!("wh_0")]);
        let now = db.rows("select releasing from subscriptions where company = 'TM-A'", &[]);
        assert_eq!(now[0][0].as_str().unwrap_or("nothing"), left);
    };
    db.connection.execute("update subscriptions set releasing = 'dismiss', released_at = 20", []).unwrap();
    released("dismiss");
    db.connection.execute("update subscriptions set released_at = 5", []).unwrap();
    released("deliver");
    released("deliver");
    db.connection.execute("update deliveries set state = 'pending'", []).unwrap();
    released("nothing");
}

#[test]
fn turns_of_a_company_that_is_switched_off_do_not_delay_others() {
    let db = open([60, 1]);
    db.connection
        .execute_batch(
            "update subscriptions set rate_limit = 5, rate_at = iif(company = 'TM-A', 1, 2);
             update companies set webhooks_enabled = 0 where id = 'TM-A';",
        )
        .unwrap();
    for n in 0..60 {
        add(&db, ["TM-A", &format!("wh_{n}")], "held", 0, 1);
    }
    add(&db, ["TM-Z", "wh_0"], "held", 0, 1);
    let free_slots = |db: &Db| db.rows(sql::SUBSCRIPTION_FREE_SLOTS, &[json!(NOW), json!(20)]);
    assert_eq!(free_slots(&db), [[json!("TM-Z"), json!("wh_0")]]);
    db.connection.execute("update companies set webhooks_enabled = 1", []).unwrap();
    let both = free_slots(&db);
    assert_eq!((both.len(), both.iter().filter(|row| text(&row[0]) == "TM-Z").count()), (20, 1));
}

#[test]
fn a_delivery_that_waits_for_an_erasure_is_never_the_probe() {
    let db = open([1, 0]);
    add(&db, ["TM-A", "wh_0"], "held", 0, 2);
    db.connection
        .execute_batch(
            "update subscriptions set open_until = 1;
             update deliveries set profile = 'ada' where created_at = 0;
             insert into erasures (company, profile, erased_at, notice, place, counts) values ('TM-A', 'ada', 0, 'n', '[]', '{}');",
        )
        .unwrap();
    let take_slot = |now: i64| {
        let whose = [json!("TM-A"), json!("wh_0")];
        let take = [json!(now), json!(PROBE_MARGIN_MS), json!(HELD_LOOKED_MAX)];
        let lease = [json!(now + LEASE_MS), json!(12), json!(HELD_LOOKED_MAX)];
        let leased = db.batch(&[
            trackmate_edge::store::Statement::new(sql::SUBSCRIPTION_TAKE_SLOT, [&whose[..], &take].concat().into()),
            trackmate_edge::store::Statement::new(sql::DELIVERY_LEASE_HELD, [&whose[..], &lease].concat().into()),
        ]);
        leased[1].iter().map(|row| text(&row[0])).collect::<Vec<_>>()
    };
    assert_eq!(take_slot(NOW), [id("wh_0", "held", 1)]);
    // Without another delivery, the slot is used up without a probe.
    db.connection.execute("update deliveries set state = 'delivered' where created_at = 1", []).unwrap();
    assert_eq!(take_slot(NOW + DAY_MS), Vec::<String>::new());
    db.connection.execute("update erasures set completed_at = 1", []).unwrap();
    assert_eq!(take_slot(NOW + 2 * DAY_MS), [id("wh_0", "held", 0)]);
}

#[test]
fn a_deleted_webhook_takes_no_throttle_slot_and_causes_no_error() {
    let db = open([1, 0]);
    let (company, gone) = (json!("TM-A"), json!("wh_gone"));
    let take = vec![company.clone(), gone.clone(), json!(NOW), json!(PROBE_MARGIN_MS), json!(HELD_LOOKED_MAX)];
    let lease = vec![company, gone, json!(NOW + LEASE_MS), json!(12), json!(HELD_LOOKED_MAX)];
    let leased = db.batch(&[
        trackmate_edge::store::Statement::new(sql::SUBSCRIPTION_TAKE_SLOT, take.into()),
        trackmate_edge::store::Statement::new(sql::DELIVERY_LEASE_HELD, lease.into()),
    ]);
    assert!(leased[1].is_empty());
}

#[test]
fn erasures_continue_by_company_in_turn_and_the_longest_waiting_first() {
    let db = open([0, 0]);
    let insert =
        "insert into erasures (company, profile, erased_at, notice, place, counts) values (?1, ?2, ?3, '', '[]', '{}')";
    for (company, profile, at) in [("TM-A", "a1", 30), ("TM-A", "a2", 20), ("TM-A", "a3", 40), ("TM-Z", "z1", 10)] {
        db.connection.execute(insert, params![company, profile, at]).unwrap();
    }
    let open = |last: &str, most: i64| -> Vec<String> {
        db.rows(sql::ERASURE_OPEN, &[json!(last), json!(most)]).iter().map(|row| text(&row[1])).collect()
    };
    assert_eq!(open("", 10), ["a2", "z1", "a1", "a3"]);
    assert_eq!(open("TM-A", 10), ["z1", "a2", "a1", "a3"]);
    assert_eq!(open("TM-Z", 2), ["a2", "z1"]);
}

/// The logs after a place that have something to delete: company, webhook, and whether they do.
fn prunable(db: &Db, webhooks: i64, looked: i64) -> Vec<Vec<Value>> {
    db.rows(sql::DELIVERY_PRUNABLE, &[json!(""), json!(""), json!(NOW), json!(webhooks), json!(looked)])
}

#[test]
fn the_deletion_of_old_deliveries_skips_webhooks_without_any_and_held_deliveries() {
    let db = open([50, 1]);
    for n in 0..50 {
        add(&db, ["TM-A", &format!("wh_{n}")], "delivered", NOW - DAY_MS, 3);
    }
    // Held deliveries, older and younger than those to delete.
    add(&db, ["TM-Z", "wh_0"], "held", NOW - 40 * DAY_MS, 30);
    add(&db, ["TM-Z", "wh_0"], "delivered", NOW - 35 * DAY_MS, 40);
    assert_eq!(prunable(&db, 500, 20), [[json!("TM-Z"), json!("wh_0"), json!(1)]]);
    let slice = [json!("TM-Z"), json!("wh_0"), json!(NOW), json!(20)];
    let deleted = || db.rows(sql::DELIVERY_PRUNE, &slice).len();
    assert_eq!([deleted(), deleted(), deleted()], [0; 3]);
    let left = |state: &str| {
        db.rows("select id from deliveries where company = 'TM-Z' and state = +?1", &[json!(state)]).len()
    };
    assert_eq!([left("held"), left("delivered")], [30, 0]);
    assert_eq!(prunable(&db, 500, 20), Vec::<Vec<Value>>::new());
    // A selection that stops at its limit returns the place.
    let stopped = prunable(&db, 3, 20);
    assert_eq!(stopped, [[json!("TM-A"), json!("wh_10"), json!(0)]]);
}

#[test]
fn old_events_are_deleted_by_company_in_turn() {
    let db = open([0, 0]);
    db.connection.execute("update companies set event_days = 1 where id <> 'TM-TEST'", []).unwrap();
    for company in ["TM-A", "TM-Z"] {
        for n in 0..4 {
            let insert =
                "insert into events (company, source, message_id, session, ts, type, data, request, received_at)
                          values (?1, 1, 'm' || ?2, '', 0, 'e', '{}', 1, 0)";
            db.connection.execute(insert, params![company, n]).unwrap();
        }
    }
    let mut last = String::new();
    let mut served = Vec::new();
    for _ in 0..6 {
        let old = db.rows(sql::EVENTS_OLD, &[json!(last), json!(NOW), json!(2)]);
        last = text(&old[0][0]);
        db.batch(&trackmate_edge::store::retention::slices(&last, &text(&old[0][1]), old[0][2].as_str()).unwrap());
        served.push(last.clone());
    }
    assert_eq!(served, ["TM-A", "TM-Z", "TM-A", "TM-Z", "TM-A", "TM-Z"]);
    assert_eq!(db.rows("select 1 from events", &[]).len(), 0);
}

#[test]
fn dismissing_a_deleted_webhooks_open_deliveries_costs_the_same_however_long_its_log() {
    let mut steps = Vec::new();
    for log in [100, 50_000] {
        let db = open([2, 0]);
        add(&db, ["TM-A", "wh_0"], "delivered", 0, log);
        for state in ["pending", "leased", "held"] {
            add(&db, ["TM-A", "wh_0"], state, 0, 2);
        }
        add(&db, ["TM-A", "wh_1"], "held", 0, 2);
        let mut statement = db.connection.prepare(sql::DELIVERY_DISMISS).unwrap();
        assert_eq!(statement.execute(params!["TM-A", "wh_0", NOW]).unwrap(), 6);
        steps.push(statement.get_status(StatementStatus::VmStep));
    }
    assert_eq!(steps[0], steps[1]);
}

/// Claims a turn of the count of past hours. → The company, and whether it has anything to count.
fn claimed(db: &Db, now_ms: i64) -> Option<(String, i64)> {
    let claim = [json!(now_ms), json!(now_ms + STATS_AHEAD_CLAIM_MS), json!(STATS_AHEAD_NEW_MS)];
    db.rows(sql::HOUR_COUNTS_CLAIM, &claim).pop().map(|row| (text(&row[0]), number(&row[3])))
}

#[test]
fn companies_take_turns_to_have_past_hours_counted_and_a_turn_that_died_comes_again() {
    let db = open([0, 0]);
    db.connection.execute("delete from hour_counts where company = 'TM-TEST'", []).unwrap();
    let save = |company: &str, round: Value, due: i64| {
        db.rows(sql::HOUR_COUNTS_SAVE, &[json!(company), round, json!(due), json!(null)]);
    };
    let turn = |now: i64| claimed(&db, now).map(|(company, _)| company);
    assert_eq!([turn(NOW), turn(NOW), turn(NOW)], [Some("TM-A".to_owned()), Some("TM-Z".to_owned()), None]);
    // A goes on at once, and Z in an hour.
    save("TM-A", json!("{}"), NOW);
    save("TM-Z", json!(null), NOW + 3_600_000);
    assert_eq!([turn(NOW), turn(NOW)], [Some("TM-A".to_owned()), None]);
    assert_eq!(turn(NOW + STATS_AHEAD_CLAIM_MS), Some("TM-A".to_owned()), "its run died");
}

#[test]
fn a_company_without_events_since_its_last_round_has_nothing_to_count() {
    let db = open([0, 0]);
    db.connection.execute("delete from hour_counts where company <> 'TM-A'", []).unwrap();
    let begun = |at: i64| {
        db.rows(sql::HOUR_COUNTS_SAVE, &[json!("TM-A"), json!(null), json!(0), json!(at)]);
        claimed(&db, NOW).unwrap().1
    };
    assert_eq!([begun(0), begun(1)], [1, 0], "no event ever");
    let insert = "insert into catalog (company, name, seen, last_at) values ('TM-A', 'view', 0, ?1)";
    db.connection.execute(insert, [NOW - DAY_MS]).unwrap();
    let known = NOW - DAY_MS + STATS_AHEAD_NEW_MS;
    assert_eq!([begun(known), begun(known + 1)], [1, 0]);
    // A request whose range was too large needs the hours.
    let ask = [json!("TM-A"), json!(5), json!(NOW)];
    db.connection.execute("update hour_counts set since = 9, due_at = ?1", [NOW + DAY_MS]).unwrap();
    db.rows(sql::HOUR_COUNTS_ASK, &ask);
    assert_eq!(claimed(&db, NOW), Some(("TM-A".to_owned(), 1)));
    assert_eq!(db.rows("select since from hour_counts", &[]), [[json!(5)]]);
}

#[test]
fn a_turn_costs_the_same_however_many_companies_wait() {
    let mut steps = Vec::new();
    for companies in [10, 5000] {
        let db = open([0, 0]);
        let insert = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?1)
                      insert into companies (id, name, revenue_events, created_at) select 'TM-' || i, '', '[]', 0 from n";
        db.connection.execute(insert, [companies]).unwrap();
        let mut statement = db.connection.prepare(sql::HOUR_COUNTS_CLAIM).unwrap();
        let claim = params![NOW, NOW + 1, 0];
        assert_eq!(statement.query_map(claim, |_| Ok(())).unwrap().count(), 1);
        steps.push(statement.get_status(StatementStatus::VmStep));
    }
    assert_eq!(steps[0], steps[1]);
}
