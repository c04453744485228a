//! Moves a company between two databases with the real schema while it works: whatever happens in
//! between, it ends in one of them, as if it had never moved.

mod requests;
mod world;

use proptest::prelude::*;
use serde_json::json;
use trackmate_edge::domain::backup::TABLES;
use trackmate_edge::domain::moving::{Phase, Step};
use trackmate_edge::store::backup::statement;
use trackmate_edge::store::sql;

use crate::schema::cases;
use crate::schema::pipe::{COMPANY, text};
use requests::Op;
use world::World;

/// What happens between two requests of the company.
#[derive(Debug, Clone)]
enum Turn {
    /// The company works.
    Op(Op),
    /// The worker makes so many round trips.
    Work(usize),
    /// The worker saves and goes; another one goes on.
    Relay,
    /// The worker dies. The next one waits for its lease to run out.
    Crash,
    /// The worker is thought to be dead, and goes on when another one has taken over.
    Stall,
    /// The operator aborts the move, if that is possible.
    Abort,
}

fn op() -> impl Strategy<Value = Op> {
    let events = (0..3_usize, 0..40_i64, 1..4_i64, prop::option::weighted(0.3, -5000..9000_i64))
        .prop_map(|(session, first, count, paid)| Op::Events { session, first, count, paid });
    let person = || 0..3_usize;
    prop_oneof![
        4 => events,
        3 => (0..3_usize, 0..40_i64, person()).prop_map(|(session, at, person)| Op::Identify { session, at, person }),
        2 => (person(), 0..40_i64).prop_map(|(person, first)| Op::Server { person, first }),
        1 => (person(), 0..40_i64).prop_map(|(person, first)| Op::Group { person, first }),
        1 => any::<prop::sample::Index>().prop_map(Op::Undo),
        1 => (person(), person()).prop_map(|(into, from)| Op::Merge(into, from)),
        1 => person().prop_map(Op::Erase),
        2 => (0..4_usize).prop_map(Op::Deliver),
        1 => (0..4_usize).prop_map(Op::PruneDelivery),
        1 => (0..40_i64).prop_map(Op::Retain),
        1 => (0..4_usize).prop_map(Op::Tag),
        1 => (0..3_usize, 0..3_usize).prop_map(|(one, other)| Op::SwapIds(one, other)),
        1 => Just(Op::Other),
    ]
}

fn turns(aborts: u32) -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        6 => op().prop_map(Turn::Op),
        12 => (1..9_usize).prop_map(Turn::Work),
        1 => Just(Turn::Relay),
        1 => Just(Turn::Crash),
        1 => Just(Turn::Stall),
        aborts => Just(Turn::Abort),
    ];
    prop::collection::vec(turn, 1..60)
}

/// Plays a history, ends the move, and compares.
fn play(before: &[Op], turns: &[Turn], after: &[Op], is_back: bool) -> Result<(), TestCaseError> {
    let mut world = World::open();
    for op in before {
        world.request(op);
    }
    if is_back {
        world.begin(0, 1);
        world.end();
    }
    let (source, target) = if is_back { (1, 0) } else { (0, 1) };
    world.begin(source, target);
    for turn in turns {
        match turn {
            Turn::Op(op) => world.request(op),
            Turn::Work(trips) => world.work(*trips),
            Turn::Relay => world.relay(),
            Turn::Crash => world.crash(),
            Turn::Stall => world.stall(),
            Turn::Abort => world.abort(),
        }
        prop_assert!(world.accepting().len() <= 1, "two databases accept the company");
    }
    let phase = world.end();
    for op in after {
        world.request(op);
    }
    let home = if phase == Phase::Done { target } else { source };
    prop_assert_eq!(world.accepting(), vec![home]);
    world.check(home);
    Ok(())
}

proptest! {
    #![proptest_config(cases(25))]

    #[test]
    fn a_company_that_moved_is_as_if_it_had_never_moved(
        before in prop::collection::vec(op(), 0..25),
        turns in turns(0),
        after in prop::collection::vec(op(), 0..4),
        is_back: bool,
    ) {
        play(&before, &turns, &after, is_back)?;
    }

    #[test]
    fn a_move_that_is_aborted_leaves_the_company_as_it_was(
        before in prop::collection::vec(op(), 0..25),
        turns in turns(2),
        after in prop::collection::vec(op(), 0..4),
        is_back: bool,
    ) {
        play(&before, &turns, &after, is_back)?;
    }
}

#[test]
fn the_company_is_refused_by_both_databases_from_the_freeze_to_the_switch_and_by_none_before() {
    let mut world = World::open();
    world.request(&Op::Events { session: 0, first: 0, count: 3, paid: None });
    world.begin(0, 1);
    let mut seen = Vec::new();
    while world.is_open() {
        world.work(1);
        if let Some((phase, step)) = world.place() {
            let accepting = world.accepting();
            let expected: &[usize] = match (phase, step) {
                (Phase::Copying, _) | (Phase::Frozen, Step::Stop) => &[0],
                (Phase::Frozen, _) => &[],
                // The target accepts it in the first batch of the step.
                (Phase::Switched, Step::Settle) if accepting.is_empty() => &[],
                _ => &[1],
            };
            assert_eq!(accepting, expected, "{phase:?} {step:?}");
            seen.push(phase);
        }
    }
    seen.dedup();
    assert_eq!(seen, [Phase::Copying, Phase::Frozen, Phase::Switched, Phase::Done]);
    world.check(1);
}

#[test]
fn only_the_rows_of_the_company_that_moves_are_noted_as_changes() {
    let mut world = World::open();
    world.begin(0, 1);
    world.work(2);
    let changes = |world: &World| world.dbs[0].rows("select name from changes order by seq", &[]).len();
    world.request(&Op::Other);
    assert_eq!(changes(&world), 0, "the other company pays nothing");
    world.request(&Op::Events { session: 0, first: 0, count: 1, paid: None });
    assert_eq!(changes(&world), 2, "an event and its link");
}

#[test]
fn a_row_that_is_wrong_at_the_target_is_copied_again_before_the_switch() {
    let mut world = World::open();
    world.request(&Op::Events { session: 0, first: 0, count: 9, paid: None });
    world.request(&Op::Identify { session: 0, at: 5, person: 0 });
    world.begin(0, 1);
    world.work_until(Phase::Frozen, Step::Verify);
    for harm in [
        "update profiles set name = 'x'",
        "delete from events where message_id like '%-3'",
        "delete from links",
        "insert into tags values ('TM-TEST', 'nobody', 'a', 1)",
    ] {
        world.dbs[1].connection.execute(harm, []).unwrap();
    }
    assert_eq!(world.end(), Phase::Done);
    world.check(1);
}

#[test]
fn a_row_that_stays_wrong_aborts_the_move() {
    let mut world = World::open();
    world.request(&Op::Identify { session: 0, at: 5, person: 0 });
    world.begin(0, 1);
    world.work_until(Phase::Frozen, Step::Verify);
    world.dbs[1]
        .connection
        .execute_batch(
            "create trigger harm after insert on profiles
             begin update profiles set name = 'x' where id = new.id; end;
             update profiles set name = 'y'",
        )
        .unwrap();
    world.dbs[1].connection.flush_prepared_statement_cache();
    assert_eq!(world.end(), Phase::Aborted);
    let error = world.dbs[0].rows("select error from moves", &[]);
    assert_eq!(text(&error[0][0]), "rows of profiles differ after they were copied twice");
    world.check(0);
}

#[test]
fn a_worker_that_was_delayed_writes_nothing_once_another_has_taken_over() {
    let mut world = World::open();
    world.request(&Op::Events { session: 0, first: 0, count: 3, paid: None });
    world.begin(0, 1);
    let delayed = world.delay_before_write("links");
    world.request(&Op::Events { session: 0, first: 9, count: 3, paid: None });
    assert_eq!(world.end(), Phase::Done);
    let went_on = world.go_on(delayed);
    world.check(1);
    assert!(!went_on);
}

#[test]
fn keys_are_found_at_the_new_cell_and_again_at_the_first_one() {
    let mut world = World::open();
    let known = |world: &World| {
        let hashes = "select hash, company from key_places";
        (world.dbs[0].table("select company, cell from places"), world.dbs[0].table(hashes).len())
    };
    world.begin(0, 1);
    world.end();
    assert_eq!(known(&world), (vec![vec![format!("Text({COMPANY:?})"), "Text(\"CELL_1\")".to_owned()]], 2));
    world.begin(1, 0);
    world.end();
    assert_eq!(known(&world), (Vec::new(), 0));
}

#[test]
fn a_statement_for_some_keys_reads_no_other_rows() {
    let world = World::open();
    for table in TABLES {
        let columns: Vec<String> =
            (0..).zip(table.key.split(' ')).map(|(n, c)| format!("{c} = k.value ->> {n}")).collect();
        let values: Vec<String> = (0..).zip(table.key.split(' ')).map(|(n, _)| format!("value ->> {n}")).collect();
        let rows = statement(sql::MOVE_ROWS, table).replace("{is_key}", &columns.join(" and "));
        let delete = statement(sql::MOVE_DELETE, table).replace("{key_values}", &values.join(", "));
        for (sql, parameters) in [(rows, vec![json!("[]"), json!(1)]), (delete, vec![json!("[]")])] {
            let plan = world.dbs[0].rows(&format!("explain query plan {sql}"), &parameters);
            let steps: Vec<String> = plan.iter().map(|row| text(&row[3])).collect();
            let scan = format!("SCAN {}", table.name);
            assert!(!steps.iter().any(|step| step.starts_with(&scan)), "{}: {steps:?}", table.name);
            assert!(
                steps.iter().any(|step| step.starts_with(&format!("SEARCH {}", table.name))),
                "{}: {steps:?}",
                table.name
            );
        }
    }
}
