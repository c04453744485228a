//! Requests of a company that moves, and of its jobs.

use serde_json::json;
use trackmate_edge::domain::clock;
use trackmate_edge::domain::source::Source;

use crate::schema::pipe::{COMPANY, Db, NOW, event, text, views};

/// A request of the company, or of its jobs.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Events {
        session: usize,
        first: i64,
        count: i64,
        paid: Option<i64>,
    },
    Identify {
        session: usize,
        at: i64,
        person: usize,
    },
    Server {
        person: usize,
        first: i64,
    },
    Group {
        person: usize,
        first: i64,
    },
    Undo(proptest::sample::Index),
    Merge(usize, usize),
    Erase(usize),
    Deliver(usize),
    PruneDelivery(usize),
    Retain(i64),
    Tag(usize),
    SwapIds(usize, usize),
    /// Another company works in both databases.
    Other,
}

fn address(person: usize) -> String {
    format!("p{person}@x.io")
}

/// Runs a request. Its ids depend on its number only.
pub(super) fn run(db: &mut Db, number: usize, op: &Op) {
    let id = format!("i{number}");
    match op {
        Op::Events { session, first, count, paid } => {
            db.events(Source::Browser, &format!("s{session}"), None, &views(number, *first, *count, *paid));
        }
        Op::Identify { session, at, person } => {
            let at = clock::identify_ts(NOW + at * 1000, &id);
            drop(db.identify(&format!("s{session}"), at, &id, &address(*person), &json!({"name": id})));
        }
        Op::Server { person, first } => db.server(&address(*person), &views(number, *first, 2, Some(100))),
        Op::Group { person, first } => {
            let data =
                json!({"groupType": "team", "groupKey": format!("t{person}"), "traits": {"name": id}}).to_string();
            let row = event(&id, clock::event_ts(NOW + first * 1000, 0), "group", &data);
            db.events(Source::Browser, &format!("s{person}"), None, &[row]);
        }
        Op::Undo(index) => {
            let identifies = db.rows("select id from links where id <> '' order by id", &[]);
            if !identifies.is_empty() {
                db.undo(&text(&identifies[index.index(identifies.len())][0]));
            }
        }
        Op::Merge(into, from) => drop(db.merge(&address(*into), &address(*from))),
        Op::Erase(person) => {
            if let Some(profile) = db.owner(&address(*person)) {
                db.erase(&profile);
                while db.slice(&profile, 2, 2) {}
            }
        }
        Op::Retain(seconds) => db.retain(NOW + seconds * 1000, 3),
        Op::Deliver(_) | Op::PruneDelivery(_) | Op::Tag(_) | Op::SwapIds(..) | Op::Other => write(db, number, op),
    }
}

/// The requests that are one statement.
pub(super) fn write(db: &Db, number: usize, op: &Op) {
    let id = |n: &usize| format!("{NOW:012x}{n:020}");
    let execute = |sql: &str, parameters: &[&str]| {
        db.connection.execute(sql, rusqlite::params_from_iter(parameters)).unwrap();
    };
    match op {
        Op::Deliver(n) => {
            execute(
                &format!(
                    "insert into deliveries (company, subscription, id, source, message_id, event, state, due_at, created_at, body)
                     values (?1, 'w', ?2, 0, 'm', 'view', 'pending', 5, {NOW}, 'body') on conflict do update
                     set state = 'leased', attempts = attempts + 1, generation = generation + 1"
                ),
                &[COMPANY, &id(n)],
            );
            execute(
                "insert into attempts select company, id, attempts, 1, 'u', 500, 0, 'e', 'r', 3 from deliveries where company = ?1 and id = ?2 and attempts > 0",
                &[COMPANY, &id(n)],
            );
        }
        Op::PruneDelivery(n) => {
            execute("delete from attempts where company = ?1 and delivery = ?2", &[COMPANY, &id(n)]);
            execute("delete from deliveries where company = ?1 and id = ?2", &[COMPANY, &id(n)]);
        }
        Op::Tag(n) => execute(
            "insert into tags select company, id, ?2, ?3 from profiles where company = ?1 on conflict do update set applied_at = excluded.applied_at",
            &[COMPANY, &format!("t{n}"), &number.to_string()],
        ),
        // Two unique columns of a row change hands.
        Op::SwapIds(one, other) => {
            let (one, other) = (address(*one), address(*other));
            execute("update identities set public_id = null where company = ?1 and key = ?2", &[COMPANY, &other]);
            execute(
                "update or ignore identities set public_id = 'shared' where company = ?1 and key = ?2 and not exists (select 1 from identities where public_id = 'shared')",
                &[COMPANY, &one],
            );
        }
        Op::Other => execute(
            "insert into events (company, source, message_id, session, ts, type, data, request, received_at) values ('TM-OTHER', 0, ?1, 's0', 5, 'view', '{}', 1, 1)",
            &[&format!("e{number}")],
        ),
        Op::Events { .. } | Op::Identify { .. } | Op::Server { .. } | Op::Group { .. } => {}
        Op::Undo(_) | Op::Merge(..) | Op::Erase(_) | Op::Retain(_) => {}
    }
}
