//! Undoes identifies and merges on the real schema with the real statements. Whatever happened
//! before and after, both people are as if the identify or the merge had never happened.

use std::cell::RefCell;

use crate::schema::acts::{act, members, text};
use crate::schema::cases;
use crate::schema::pipe::{self, COMPANY, Db, NOW, view, views};
use proptest::prelude::*;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::secret::Scope;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::exports::Event;
use trackmate_edge::store::merge::{Group, merge_statements};
use trackmate_edge::store::undo::{IdentifyLink, undo_statements};
use trackmate_edge::store::{Statement, sql};

const TABLES: [&str; 10] =
    ["events", "links", "profiles", "identities", "merges", "merge_blocks", "tags", "fields", "erasures", "rebuilds"];

#[derive(Debug, Clone)]
enum Request {
    Events {
        session: usize,
        first: i64,
        count: i64,
        paid: Option<i64>,
    },
    /// Events from a server, by address or by session.
    Server {
        person: usize,
        session: Option<usize>,
        at: i64,
        paid: Option<i64>,
    },
    Identify {
        session: usize,
        at: i64,
        person: usize,
        claims: Vec<(usize, u8)>,
    },
}

fn request() -> impl Strategy<Value = Request> {
    let paid = || prop::option::weighted(0.3, -5000..9000_i64);
    let events = (0..2_usize, 0..40_i64, 1..4_i64, paid()).prop_map(|(session, first, count, paid)| Request::Events {
        session,
        first,
        count,
        paid,
    });
    let server = (0..3_usize, prop::option::weighted(0.3, 0..2_usize), 0..40_i64, paid())
        .prop_map(|(person, session, at, paid)| Request::Server { person, session, at, paid });
    let claims = prop::collection::vec((0..4_usize, any::<u8>()), 0..3);
    let identify = (0..2_usize, 0..40_i64, 0..3_usize, claims)
        .prop_map(|(session, at, person, claims)| Request::Identify { session, at, person, claims });
    prop_oneof![2 => events, 1 => server, 3 => identify]
}

/// A person's identity key: a user id for the last person, an address for the others.
fn address(person: usize) -> String {
    if person == 2 { "u2".to_owned() } else { format!("p{person}@x.io") }
}

fn send(db: &mut Db, number: usize, request: &Request) {
    match request {
        Request::Events { session, first, count, paid } => {
            db.events(Source::Browser, &format!("s{session}"), None, &views(number, *first, *count, *paid));
        }
        Request::Server { person, session, at, paid } => {
            let rows = [view(&format!("w{number}"), clock::event_ts(NOW + at * 1000, 0), *paid)];
            match session {
                Some(session) => db.events(Source::Server, &format!("s{session}"), None, &rows),
                None => db.server(&address(*person), &rows),
            }
        }
        Request::Identify { session, at, person, claims } => {
            let id = format!("i{number}");
            let names = ["name", "city", "deep", "plan"];
            let claimed = claims.iter().map(|(name, value)| match names[*name] {
                "deep" => ("deep".to_owned(), json!({ format!("k{}", value % 3): value })),
                name => (name.to_owned(), json!(format!("v{value}"))),
            });
            let claims = Value::Object(claimed.collect());
            let at = clock::identify_ts(NOW + at * 1000, &id);
            db.identify(&format!("s{session}"), at, &id, &address(*person), &claims);
        }
    }
}

/// Everything that an undo must restore. People are named by their address, and server sessions by
/// the address of their person.
fn state(db: &Db) -> Vec<Vec<String>> {
    let mut state = db.table(
        "select 'link', iif(l.session like 'webhook%', 'server of ' || o.key, l.session), l.at, l.id, i.key, l.origin, l.events, l.server_events,
                coalesce(l.revenue, '{}'), l.first_ts, l.last_ts
         from links l left join identities i on i.profile = l.profile left join profiles s on s.server_session = l.session
         left join identities o on o.profile = s.id where not (l.id = '' and l.events = 0) order by 2, 3, 4",
    );
    state.extend(db.table(
        "select 'profile', i.key, p.email, p.name, (select json_group_object(key, json(value)) from (select key, json_quote(value) as value from json_tree(p.traits) where atom is not null order by fullkey)),
                p.created_at, p.registered_at, p.registered_id, p.last_ts, p.events, p.server_events, p.sessions, coalesce(p.revenue, '{}'), p.trusted_traits, p.trusted_data, p.merged_into,
                (select json_group_object(name, applied_at) from (select * from tags where profile = p.id order by name)),
                (select json_group_object(name, value) from (select * from fields where profile = p.id order by name))
         from profiles p left join identities i on i.profile = p.id order by 2",
    ));
    state.extend(db.table("select 'event', iif(session like 'webhook%', '', session), ts, message_id, type from events where type <> 'identify.undone' order by 3, 4"));
    state.extend(db.table("select 'merge', loser, winner from merges"));
    let shown = "select coalesce(public_id, origin, profile) from identities group by 1 having count(*) > 1";
    assert_eq!(db.table(shown), Vec::<Vec<String>>::new(), "no two addresses have the same public id");
    for row in &mut state {
        for cell in row {
            *cell = cell.replace("Text(\"{}\")", "{}");
        }
    }
    state
}

/// Undoes the identify of this request as the Worker does.
fn undo(db: &mut Db, number: usize) {
    assert!(db.undo(&format!("i{number}")));
}

fn profile(db: &Db, person: usize) -> Option<String> {
    db.owner(&address(person))
}

/// Merges two people if both exist and differ. → The profile that was merged into the other.
fn merge(db: &mut Db, into: usize, from: usize) -> Option<String> {
    db.merge(&address(into), &address(from))
}

fn part(db: &mut Db, loser: &str) {
    db.part(loser);
}

/// Checks that every count of an unmerged profile or a root is the sum over its links, and that no
/// other profile has a link.
fn check(db: &Db) {
    let wrong = db.table(
        "select p.id from profiles p where p.merged_into is null and (
           p.events <> (select coalesce(sum(events), 0) from links where profile = p.id)
           or p.sessions <> (select count(distinct session) from links where profile = p.id and id <> '')
           or p.last_ts is not (select max(last_ts) from links where profile = p.id))
         union all select l.profile from links l join profiles p on p.id = l.profile where p.merged_into is not null",
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Sets trusted data of a person.
fn say(db: &Db, person: usize) {
    if let Some(id) = profile(db, person) {
        let sql = format!(
            "update profiles set trusted_traits = '{{\"of{person}\":1,\"phone\":\"+{person}\"}}', trusted_at = 1 where id = '{id}';
             insert or ignore into tags values ('{COMPANY}', '{id}', 'vip', {person}), ('{COMPANY}', '{id}', 't{person}', 1);
             insert or replace into fields values ('{COMPANY}', '{id}', 'points', '{person}')"
        );
        db.connection.execute_batch(&sql).unwrap();
    }
}

fn has_tie(history: &[Request]) -> bool {
    pipe::has_tie(history.iter().enumerate().filter_map(|(number, request)| match request {
        Request::Identify { session, at, .. } => {
            Some((*session, clock::identify_ts(NOW + at * 1000, &format!("i{number}"))))
        }
        Request::Events { .. } | Request::Server { .. } => None,
    }))
}

/// The link that an undo reads before something else happens.
fn read(db: &Db, id: &str) -> Option<IdentifyLink> {
    let mut found = db.connection.prepare_cached(sql::UNDO_FIND).unwrap();
    let fact = found.query_row([COMPANY, id], |r| {
        Ok(IdentifyLink { session: r.get(0)?, at: r.get(1)?, profile: r.get(2)?, next_owner: r.get(3)? })
    });
    fact.ok()
}

fn erase(db: &Db, profile: &str) {
    db.rows(sql::PROFILE_ERASE, &[json!(COMPANY), json!(profile), json!(0), json!(77), json!(NOW)]);
    db.rows(sql::PROFILES_ERASE, &[json!(COMPANY), json!(profile), json!(77), json!(NOW)]);
}

#[test]
fn an_undo_during_the_erasure_of_its_person_restores_nothing() {
    for late in [false, true] {
        let mut db = Db { ticks: true, ..Db::open() };
        for n in 0..2 {
            let id = format!("i{n}");
            db.identify(
                &format!("s{n}"),
                clock::identify_ts(NOW, &id),
                &id,
                &address(0),
                &json!({"name": "Ada", "city": "Oslo"}),
            );
        }
        let before = read(&db, "i0").unwrap();
        erase(&db, &before.profile);
        let fact = if late { read(&db, "i0") } else { Some(before) };
        if let Some(fact) = fact {
            let statements = undo_statements(COMPANY, "i0", &fact, &act(&mut db));
            db.batch(&statements);
        }
        let left = db.table("select 1 from profiles where traits <> '{}' or name is not null");
        assert!(left.is_empty(), "the undo restores no claim of the person, late {late}");
    }
}

#[test]
fn an_undo_that_read_its_link_before_a_merge_takes_nothing_from_the_wrong_person() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..3 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n.min(1)), &json!({}));
    }
    let fact = read(&db, "i1").unwrap();
    merge(&mut db, 0, 1).unwrap();
    let statements = undo_statements(COMPANY, "i1", &fact, &act(&mut db));
    let answers = db.batch(&statements);
    assert!(answers[0].is_empty(), "the batch changes nothing, so the undo reads its link again");
    check(&db);
}

#[test]
fn a_merge_does_not_move_an_address_that_now_belongs_to_somebody_else() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..3 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
    }
    let (owner, gave_up) = (profile(&db, 2).unwrap(), profile(&db, 1).unwrap());
    // An edit leaves this alias with the person who used to have the other's address.
    let aliases = json!([address(2)]).to_string();
    db.connection.execute("update profiles set aliases = ?1 where id = ?2", [&aliases, &gave_up]).unwrap();
    let (w, l) = (profile(&db, 0).unwrap(), gave_up);
    let (w, mut l) = (members(&db, &w), members(&db, &l));
    l.0[0].addresses.push(address(2));
    let change = act(&mut db);
    let (w, l) = (Group { members: &w.0, revision: w.1 }, Group { members: &l.0, revision: l.1 });
    db.batch(&merge_statements(COMPANY, w, l, Scope::Admin, &change).unwrap());
    assert_eq!(profile(&db, 2).unwrap(), owner);
}

#[test]
fn an_address_that_moves_to_another_person_is_no_alias_of_its_former_owner() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..2 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
    }
    let (gave_up, gets) = (profile(&db, 0).unwrap(), profile(&db, 1).unwrap());
    let aliases = json!([address(0), "other@x.io"]).to_string();
    db.connection.execute("update identities set ended_at = 1 where profile = ?1", [&gave_up]).unwrap();
    db.connection
        .execute("update profiles set searched = 1, aliases = ?1 where id = ?2", [&aliases, &gave_up])
        .unwrap();
    let edit = [json!(COMPANY), json!(address(0)), json!(gets), json!(0)];
    db.batch(&[
        Statement::new(sql::PROFILE_UNALIAS, json!(edit)),
        Statement::new(sql::IDENTITY_PUT, json!([COMPANY, address(0), gets, 0, NOW])),
    ]);
    let left = db.table(&format!("select aliases, searched from profiles where id = '{gave_up}'"));
    assert_eq!(left, [["Text(\"[\\\"other@x.io\\\"]\")", "Integer(0)"]]);
    assert_eq!(profile(&db, 0).unwrap(), gets);
}

#[test]
fn a_secret_key_can_move_an_address_that_was_given_up_but_not_one_in_use() {
    for (ended, given) in [("1", true), ("null", false)] {
        let mut db = Db { ticks: true, ..Db::open() };
        for n in 0..2 {
            let id = format!("i{n}");
            db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
        }
        let gets = profile(&db, 1).unwrap();
        let sql = format!("update identities set ended_at = {ended} where key = '{}'", address(0));
        db.connection.execute(&sql, []).unwrap();
        let add = json!([COMPANY, address(0), gets, NOW + 1, null, 100]);
        db.batch(&[
            Statement::new(sql::IDENTITY_ADD, add),
            Statement::new(sql::PROFILE_ALIAS, json!([COMPANY, address(0), gets, NOW + 1, 7])),
        ]);
        assert_eq!(profile(&db, 0).unwrap() == gets, given);
        let aliases = db.table(&format!("select json_array_length(aliases) from profiles where id = '{gets}'"));
        assert_eq!(aliases, [[format!("Integer({})", i64::from(given))]]);
    }
}

#[test]
fn an_export_of_events_omits_an_undone_identify() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..2 {
        let id = format!("i{n}");
        db.identify("s0", clock::identify_ts(NOW + n, &id), &id, &address(0), &json!({}));
    }
    undo(&mut db, 0);
    let all = [
        json!(COMPANY),
        json!(NOW * 2),
        Value::Null,
        Value::Null,
        Value::Null,
        json!(""),
        json!(-1),
        json!(-1),
        json!(""),
        json!(9),
        json!(9),
    ];
    let rows = db.rows(sql::EXPORT_EVENTS, &all);
    let exported: Vec<Event> = rows.iter().map(|row| serde_json::from_str(row[0].as_str().unwrap()).unwrap()).collect();
    let last = exported.last().map(|row| row.name.as_str());
    assert_eq!(last, Some(""), "the last row shows where the page ends");
    assert_eq!(exported.len(), 2);
    assert_eq!(exported[0].message_id, "i1");
}

#[test]
fn a_server_event_resolved_before_a_merge_was_undone_belongs_to_the_right_person() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..2 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
    }
    let root = profile(&db, 0).unwrap();
    let loser = merge(&mut db, 0, 1).unwrap();
    let session = text(&db.table(&format!("select server_session from profiles where id = '{loser}'"))[0][0]);
    // The server resolved the address to the root. Then the merge is undone.
    part(&mut db, &loser);
    db.events(Source::Server, &session, Some(&root), &[view("late", clock::event_ts(NOW + 1000, 0), None)]);
    let owner = db.table(&format!("select profile from links where session = '{session}'"));
    assert_eq!(text(&owner[0][0]), loser);
    check(&db);
}

#[test]
fn a_profile_whose_merge_was_undone_is_deleted_with_the_identify_that_created_it() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..2 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
    }
    let loser = merge(&mut db, 0, 1).unwrap();
    part(&mut db, &loser);
    undo(&mut db, 1);
    assert_eq!(profile(&db, 1), None);
    assert_eq!(db.table("select count(*) from profiles"), [["Integer(1)"]]);
}

#[test]
fn an_undone_merge_blocks_each_pair_of_its_two_sides_and_no_other_pair() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..3 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
    }
    let ids = [0, 1, 2].map(|n| profile(&db, n).unwrap());
    merge(&mut db, 1, 2).unwrap();
    merge(&mut db, 0, 1).unwrap();
    part(&mut db, &ids[1]);
    let parted = |these: &[usize], those: &[usize]| {
        let [these, those] = [these, those].map(|who| json!(who.iter().map(|n| &ids[*n]).collect::<Vec<_>>()));
        let asked = [json!(COMPANY), json!(these.to_string()), json!(those.to_string())];
        !db.rows(sql::MERGE_BLOCKS_FIND, &asked).is_empty()
    };
    assert!(parted(&[0], &[1]) && parted(&[1], &[0]) && parted(&[2], &[0]) && parted(&[0], &[1, 2]));
    assert!(!parted(&[1], &[2]), "the two are still merged");
    // An undo that lost its race blocks no merge.
    let lost = json!([COMPANY, json!([ids[1]]).to_string(), json!([ids[2]]).to_string(), ids[1], 1, NOW]);
    db.batch(&[Statement::new(sql::MERGE_BLOCKS_INSERT, lost)]);
    assert!(!parted(&[1], &[2]));
}

#[test]
fn a_session_with_records_stays_marked_after_its_events_are_deleted() {
    let mut db = Db { ticks: true, ..Db::open() };
    let booking = json!([{"i": "w1", "k": "booking", "o": "b1", "s": 0, "f": {"a": [1]}}]).to_string();
    db.events(Source::Server, "s0", None, &[view("w1", clock::event_ts(NOW, 0), None)]);
    db.rows(sql::RECORDS_MERGE, &[json!(booking), json!(COMPANY), json!(db.request), json!(100)]);
    db.rows(sql::LINKS_MARK, &[json!(COMPANY), json!(1), json!(r#"["w1"]"#), json!(db.request)]);
    let gone = [json!(COMPANY), json!(r#"[{"s":1,"i":"w1"}]"#), Value::Null];
    for statement in [sql::LINKS_FORGET, sql::LINKS_PRUNE, sql::EVENTS_FORGET] {
        db.rows(statement, &gone);
    }
    // The session is identified by mistake, and then correctly.
    for n in 0..2_usize {
        let id = format!("i{n}");
        db.identify("s0", clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
        assert_eq!(db.table("select has_records from links"), [["Integer(1)"]]);
        if n == 0 {
            undo(&mut db, 0);
        }
    }
}

#[test]
fn an_erasure_searches_from_the_oldest_merged_profile_on_whatever_the_claimed_times() {
    let mut db = Db { ticks: true, ..Db::open() };
    for n in 0..2 {
        let id = format!("i{n}");
        db.identify(&format!("s{n}"), clock::identify_ts(NOW, &id), &id, &address(n), &json!({}));
    }
    let (root, older) = (profile(&db, 0).unwrap(), profile(&db, 1).unwrap());
    // The server's clock set these ids, a year apart. The claimed times are later than both.
    for (id, at_s) in [(&root, 1_750_000_000_i64), (&older, 1_720_000_000)] {
        let session = format!("webhook_{at_s}_00");
        db.connection.execute("update profiles set server_session = ?1 where id = ?2", [&session, id]).unwrap();
    }
    merge(&mut db, 0, 1).unwrap();
    let edit = members(&db, &root).1;
    db.rows(sql::PROFILE_ERASE, &[json!(COMPANY), json!(root), json!(edit), json!(77), json!(NOW)]);
    db.rows(sql::PROFILES_ERASE, &[json!(COMPANY), json!(root), json!(77), json!(NOW)]);
    let open = [json!(COMPANY), json!(root), json!(77), json!(NOW), json!("n"), json!(5000), json!("{}")];
    db.rows(sql::ERASURE_INSERT, &open);
    let place: (i64, i64, String) = serde_json::from_str(&text(&db.table("select place from erasures")[0][0])).unwrap();
    assert_eq!(place, ((1_720_000_000_000 - 5000) * 1000, 0, String::new()));
}

thread_local! {
    static DBS: RefCell<[Db; 2]> = RefCell::new([Db::open(), Db::open()].map(|db| Db { ticks: true, ..db }));
}

proptest! {
    #![proptest_config(cases(700))]

    #[test]
    fn after_an_undone_identify_all_data_are_as_if_it_had_never_happened(
        history in prop::collection::vec(request(), 1..12),
        which in any::<prop::sample::Index>(), until in any::<prop::sample::Index>(), late in any::<bool>(),
    ) {
        let identifies: Vec<usize> =
            (0..history.len()).filter(|n| matches!(history[*n], Request::Identify { .. })).collect();
        prop_assume!(!identifies.is_empty() && !has_tie(&history));
        let gone = *which.get(&identifies);
        let after = if late { history.len() - 1 } else { gone + until.index(history.len() - gone) };
        DBS.with_borrow_mut(|[with, without]| {
            with.clear(&TABLES);
            without.clear(&TABLES);
            for (number, request) in history.iter().enumerate() {
                with.request = i64::try_from(number * 10).unwrap();
                without.request = with.request;
                send(with, number, request);
                if number != gone {
                    send(without, number, request);
                }
                if number == after {
                    undo(with, gone);
                    check(with);
                    // The page sends the identify again. It is a repeat, and stays undone.
                    send(with, gone, &history[gone]);
                }
            }
            check(with);
            prop_assert_eq!(state(with), state(without));
            Ok(())
        })?;
    }

    #[test]
    fn after_an_undone_merge_all_data_are_as_if_it_had_never_happened(
        history in prop::collection::vec(request(), 2..12),
        merges in prop::collection::vec((0..3_usize, 0..3_usize, any::<prop::sample::Index>()), 1..3),
        first in any::<bool>(), mistake in prop::option::of(any::<prop::sample::Index>()),
    ) {
        prop_assume!(!has_tie(&history));
        // An identify that is undone while its person may be merged.
        let gone = mistake.map(|m| m.index(history.len())).filter(|n| matches!(history[*n], Request::Identify { .. }));
        DBS.with_borrow_mut(|[with, without]| {
            with.clear(&TABLES);
            without.clear(&TABLES);
            let mut losers = Vec::new();
            for (number, request) in history.iter().enumerate() {
                with.request = i64::try_from(number * 10).unwrap();
                without.request = with.request;
                send(with, number, request);
                if gone != Some(number) {
                    send(without, number, request);
                }
                if number == history.len() / 3 && gone.is_none()
                    && merges.iter().all(|(_, _, at)| at.index(history.len()) >= number) {
                    for person in 0..3 {
                        say(with, person);
                        say(without, person);
                    }
                }
                for (into, from, at) in &merges {
                    if at.index(history.len()) == number && let Some(loser) = merge(with, *into, *from) {
                        losers.push(loser);
                        check(with);
                    }
                }
            }
            if let Some(gone) = gone {
                undo(with, gone);
                check(with);
            }
            if first {
                losers.reverse();
            }
            for loser in &losers {
                part(with, loser);
                check(with);
            }
            prop_assert_eq!(state(with), state(without));
            Ok(())
        })?;
    }
}
