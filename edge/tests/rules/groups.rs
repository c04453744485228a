//! Compares the SQL of groups on the real schema with the pure rules. People share sessions,
//! requests arrive in any order, and identifies and merges are made and undone. A group is always
//! the fold of its events. Its members are the people to whom the ledger assigns an event that
//! names it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::schema::cases;
use crate::schema::pipe::{self, COMPANY, Db, NOW, event, number, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use trackmate_edge::domain::clock;
use trackmate_edge::domain::event::{Mention, Row};
use trackmate_edge::domain::groups::{Group, StoredChange, fold, group_change, id};
use trackmate_edge::domain::ledger::{LinkEvidence, owner};
use trackmate_edge::domain::record::Field;
use trackmate_edge::domain::source::Source;
use trackmate_edge::store::sql;
use trackmate_wire::limits::{GROUP_LAYER_BYTES_MAX, MEMBERSHIPS_SESSION_MAX};

const TABLES: [&str; 9] =
    ["events", "links", "profiles", "identities", "merges", "erasures", "records", "groups", "memberships"];
const PEOPLE: usize = 3;
const KEYS: [&str; 3] = ["acme", "é/b", "7"];
const TRAITS: [&str; 7] = [
    "{}",
    r#"{"name":"Acme","plan":"trial"}"#,
    r#"{"name":"Ácme","n":79.990}"#,
    r#"{"name":null,"plan":"gold"}"#,
    r#"{"big":12345678901234567890,"a\"b'$.é":{"x":[1,2.50,null]}}"#,
    r#"{"plan":"\ud800","name":7}"#,
    r#"{"plan":null}"#,
];

/// The place at which a group is named.
#[derive(Debug, Clone)]
enum Place {
    Page(usize),
    /// In an event from a server, for a session.
    Session(usize),
    Person(usize),
    Nobody,
}

#[derive(Debug, Clone)]
enum Request {
    Group { place: Place, events: Vec<(i64, usize, usize)> },
    Identify { session: usize, at: i64, person: usize },
}

/// A change after all requests have arrived.
#[derive(Debug, Clone)]
enum Act {
    Undo(prop::sample::Index),
    Merge(usize, usize),
    Part,
}

fn address(person: usize) -> String {
    format!("p{person}@x.io")
}

fn request() -> impl Strategy<Value = Request> {
    let place = prop_oneof![
        3 => (0..2_usize).prop_map(Place::Page),
        1 => (0..2_usize).prop_map(Place::Session),
        2 => (0..PEOPLE).prop_map(Place::Person),
        1 => Just(Place::Nobody),
    ];
    let events = prop::collection::vec((0..40_i64, 0..KEYS.len(), 0..TRAITS.len()), 1..4);
    let group = (place, events).prop_map(|(place, events)| Request::Group { place, events });
    let identify =
        (0..2_usize, 0..40_i64, 0..PEOPLE).prop_map(|(session, at, person)| Request::Identify { session, at, person });
    prop_oneof![3 => group, 2 => identify]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => any::<prop::sample::Index>().prop_map(Act::Undo),
        2 => (0..PEOPLE, 0..PEOPLE).prop_map(|(into, from)| Act::Merge(into, from)),
        1 => Just(Act::Part),
    ]
}

fn rows(number: usize, events: &[(i64, usize, usize)]) -> Vec<Row> {
    let row = |(n, (at, key, traits)): (usize, &(i64, usize, usize))| {
        let data = format!(r#"{{"groupId":{},"traits":{}}}"#, json!(KEYS[*key]), TRAITS[*traits]);
        event(&format!("e{number:02}-{n}"), clock::event_ts(NOW + at * 1000, n), "group", &data)
    };
    events.iter().enumerate().map(row).collect()
}

/// The message ids of a request do not depend on its place in the order of arrival.
fn send(db: &mut Db, number: usize, request: &Request) {
    match request {
        Request::Group { place, events } => match place {
            Place::Page(n) => db.events(Source::Browser, &format!("s{n}"), None, &rows(number, events)),
            Place::Session(n) => db.events(Source::Server, &format!("s{n}"), None, &rows(number, events)),
            Place::Person(n) => db.server(&address(*n), &rows(number, events)),
            Place::Nobody => db.events(Source::Server, "", None, &rows(number, events)),
        },
        Request::Identify { session, at, person } => {
            let id = format!("i{number}");
            let at = clock::identify_ts(NOW + at * 1000, &id);
            db.identify(&format!("s{session}"), at, &id, &address(*person), &json!({}));
        }
    }
}

fn clear(db: &mut Db) {
    db.clear(&TABLES);
    for person in 0..PEOPLE {
        let session = format!("home{person}");
        db.identify(&session, clock::identify_ts(NOW, "home"), &session, &address(person), &json!({}));
    }
}

/// All groups as stored.
fn kept(db: &Db) -> BTreeMap<String, Group> {
    let fields = |cell: &Value| serde_json::from_str::<BTreeMap<String, Field>>(&text(cell)).unwrap();
    let all = db.rows("select id, kind, key, first_ts, claimed_traits, trusted_traits, name from groups", &[]);
    all.iter()
        .map(|r| {
            let group = Group {
                id: text(&r[0]),
                kind: text(&r[1]),
                key: text(&r[2]),
                first_ts: number(&r[3]),
                claimed_traits: fields(&r[4]),
                trusted_traits: fields(&r[5]),
            };
            assert_eq!(r[6].as_str().map(str::to_owned), group.name(), "the name for searches is the shown name");
            (group.id.clone(), group)
        })
        .collect()
}

/// All groups as the pure rule makes them from the stored events, in the order of arrival.
fn folded(db: &Db) -> BTreeMap<String, Group> {
    let mut changes = BTreeMap::<String, Vec<StoredChange>>::new();
    let events =
        "select ts, source, message_id, data from events where type = 'group' order by request, substr(message_id, 5)";
    for r in db.rows(events, &[]) {
        let change = group_change(&text(&r[2]), &text(&r[3]), Source::from(number(&r[1]))).unwrap();
        changes.entry(change.id.clone()).or_default().push((number(&r[0]), Source::from(number(&r[1])), change));
    }
    changes.into_iter().map(|(id, events)| (id, fold(&events).unwrap())).collect()
}

/// The groups of each person, by the events that name them: group, person.
fn belonging(db: &Db) -> BTreeSet<(String, String)> {
    let mut facts = BTreeMap::<String, Vec<LinkEvidence>>::new();
    for r in db.rows("select session, at, id, profile from links where profile is not null", &[]) {
        let fact = LinkEvidence { at: number(&r[1]), id: text(&r[2]), profile: text(&r[3]) };
        facts.entry(text(&r[0])).or_default().push(fact);
    }
    let named = db.rows("select session, ts, message_id, data from events where type = 'group'", &[]);
    let owned = named.iter().filter_map(|r| {
        let group = group_change(&text(&r[2]), &text(&r[3]), Source::Server).unwrap().id;
        let of_session = facts.get(&text(&r[0])).map_or(&[][..], Vec::as_slice);
        Some((group, owner(of_session, number(&r[1]))?.to_owned()))
    });
    owned.collect()
}

/// The members of a group, read page by page as the API does.
fn walk(db: &Db, group: &str) -> Vec<String> {
    let (mut place, mut walked) = ([json!(""), json!(-1), json!("")], Vec::new());
    loop {
        let page = db.rows(
            sql::MEMBERSHIPS_LIST,
            &[&[json!(COMPANY), json!(group)][..], &place, &[json!(2), json!(1)]].concat(),
        );
        walked.extend(page.iter().map(|r| text(&r[3])));
        let Some(last) = page.last() else { return walked };
        place = [last[0].clone(), last[1].clone(), last[2].clone()];
    }
}

/// Compares the stored, listed and counted groups with the pure rules.
fn check(db: &Db) {
    assert_eq!(format!("{:?}", kept(db)), format!("{:?}", folded(db)), "a stored group is the fold of its events");
    let belonging = belonging(db);
    for key in KEYS {
        let group = id("group", key);
        let expected: BTreeSet<&String> = belonging.iter().filter(|(g, _)| *g == group).map(|(_, p)| p).collect();
        let walked = walk(db, &group);
        assert_eq!(walked.len(), expected.len(), "the pages list every member once");
        assert_eq!(walked.iter().collect::<BTreeSet<_>>(), expected, "the members of {key}");
        let found = db.rows(sql::GROUP_FIND, &[json!(COMPANY), json!(1000), json!(group)]);
        assert_eq!(
            found.first().map_or(0, |r| number(&r[6])),
            i64::try_from(expected.len()).unwrap(),
            "the number of members of {key}"
        );
    }
    for r in db.rows("select id from profiles", &[]) {
        let profile = text(&r[0]);
        let expected: BTreeSet<&String> = belonging.iter().filter(|(_, p)| *p == profile).map(|(g, _)| g).collect();
        let of = db.rows(sql::GROUPS_OF, &[json!(COMPANY), json!(profile), json!(50), json!(5000)]);
        assert_eq!(of.iter().map(|r| text(&r[0])).collect::<Vec<_>>().len(), expected.len());
        let of: BTreeSet<String> = of.iter().map(|r| text(&r[0])).collect();
        assert_eq!(of.iter().collect::<BTreeSet<_>>(), expected, "the groups of {profile}");
    }
    let unmarked = db.rows(
        "select 1 from links where has_records = 0 and exists (select 1 from memberships where session = links.session)",
        &[],
    );
    assert!(unmarked.is_empty(), "a session has memberships but its links are not marked");
}

/// Everything that does not depend on the order of arrival: all except claims, of which the first
/// stays.
fn settled(db: &Db) -> Vec<Vec<String>> {
    let mut all = db.table("select id, kind, key, first_ts, trusted_traits from groups order by 1");
    all.extend(db.table(
        "select iif(session like 'webhook%', (select i.key from profiles p join identities i on i.profile = p.id where p.server_session = session), session) as s, group_id, ts
         from memberships order by 1, 2, 3",
    ));
    for row in &mut all {
        // The members of an object may have any order.
        let last = row.len() - 1;
        if let Ok(fields) = serde_json::from_str::<BTreeMap<String, Field>>(&crate::schema::acts::text(&row[last])) {
            row[last] = format!("{fields:?}");
        }
    }
    all
}

fn has_tie(history: &[Request]) -> bool {
    pipe::has_tie(history.iter().enumerate().filter_map(|(number, request)| match request {
        Request::Identify { session, at, .. } => {
            Some((*session, clock::identify_ts(NOW + at * 1000, &format!("i{number}"))))
        }
        Request::Group { .. } => None,
    }))
}

thread_local! {
    // Two databases serve all cases and are cleared in between, because opening them takes most of
    // a case's time.
    static DBS: RefCell<[Db; 2]> = RefCell::new([Db::open(), Db::open()]);
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn groups_are_folds_of_their_events_and_their_members_follow_the_ledger_after_any_undo_or_merge(
        (history, order) in prop::collection::vec(request(), 1..14).prop_flat_map(|h| {
            let order: Vec<usize> = (0..h.len()).collect();
            (Just(h), Just(order).prop_shuffle())
        }),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        acts in prop::collection::vec(act(), 0..6),
    ) {
        prop_assume!(!has_tie(&history));
        DBS.with_borrow_mut(|[straight, shuffled]| {
            clear(straight);
            for (number, request) in history.iter().enumerate() {
                send(straight, number, request);
            }
            check(straight);
            clear(shuffled);
            let late: Vec<usize> = repeats.iter().map(|r| r.index(history.len())).collect();
            for number in order.iter().chain(&late) {
                send(shuffled, *number, &history[*number]);
            }
            check(shuffled);
            prop_assert_eq!(settled(straight), settled(shuffled));
            let mut merged = Vec::new();
            for act in &acts {
                match act {
                    Act::Undo(number) => drop(straight.undo(&format!("i{}", number.index(history.len())))),
                    Act::Merge(into, from) => merged.extend(straight.merge(&address(*into), &address(*from))),
                    Act::Part => if let Some(loser) = merged.pop() { straight.part(&loser) },
                }
                check(straight);
            }
            Ok(())
        })?;
    }
}

#[test]
fn all_mentions_of_a_group_on_a_session_make_one_membership_for_each_person() {
    let mut db = Db::open();
    clear(&mut db);
    let mention = |id: &str, at: i64| {
        let groups = vec![Mention { kind: "group".to_owned(), key: "acme".to_owned() }];
        Row { groups, ..event(id, clock::event_ts(NOW + at * 1000, 0), "seen", "{}") }
    };
    let noted = |db: &Db| db.rows("select session from memberships", &[]).len();
    db.events(Source::Browser, "s0", None, &[mention("a", 1), mention("b", 2)]);
    db.events(Source::Browser, "s0", None, &[mention("c", 3)]);
    assert_eq!(noted(&db), 1);
    for (person, at) in [(0, 4), (1, 8)] {
        let id = format!("i{person}");
        db.identify("s0", clock::identify_ts(NOW + at * 1000, &id), &id, &address(person), &json!({}));
        db.events(Source::Browser, "s0", None, &[mention(&format!("d{person}"), at + 1)]);
        db.events(Source::Browser, "s0", None, &[mention(&format!("e{person}"), at + 2)]);
    }
    assert_eq!(noted(&db), 3);
    for n in 0..3 {
        db.server(&address(2), &[mention(&format!("f{n}"), n)]);
    }
    assert_eq!((noted(&db), walk(&db, &id("group", "acme")).len()), (4, 3));
}

#[test]
fn a_group_event_with_a_used_message_id_changes_nothing() {
    let mut db = Db::open();
    clear(&mut db);
    db.events(Source::Browser, "s0", None, &[event("e", 5, "group", r#"{"groupId":"acme","traits":{"a":1}}"#)]);
    let before = format!("{:?} {:?}", kept(&db), db.table("select * from memberships"));
    db.events(Source::Browser, "s0", None, &[event("e", 9, "group", r#"{"groupId":"acme","traits":{"b":1}}"#)]);
    db.events(Source::Browser, "s1", None, &[event("e", 9, "group", r#"{"groupId":"other"}"#)]);
    assert_eq!(format!("{:?} {:?}", kept(&db), db.table("select * from memberships")), before);
}

#[test]
fn the_number_of_a_groups_traits_is_limited_in_each_layer() {
    let mut db = Db::open();
    clear(&mut db);
    for batch in 0..3 {
        let fields: Vec<String> = (0..60).map(|n| format!(r#""f{:03}":{batch}"#, batch * 40 + n)).collect();
        let data = format!(r#"{{"groupId":"acme","traits":{{{}}}}}"#, fields.join(","));
        let ts = clock::event_ts(NOW + i64::from(batch) * 1000, 0);
        db.events(Source::Browser, "s0", None, &[event(&format!("e0{batch}-0"), ts, "group", &data)]);
        db.events(Source::Server, "", None, &[event(&format!("w0{batch}-0"), ts, "group", &data)]);
    }
    check(&db);
    let group = &kept(&db)[&id("group", "acme")];
    assert_eq!((group.claimed_traits.len(), group.trusted_traits.len()), (100, 100));
}

#[test]
fn the_bytes_of_a_groups_traits_are_limited_in_each_layer() {
    let mut db = Db::open();
    clear(&mut db);
    for n in 0..12_i64 {
        let value = "x".repeat(7000);
        let data = format!(r#"{{"groupId":"acme","traits":{{"a{n:02}":"{value}","b{n:02}":{n}}}}}"#);
        let ts = clock::event_ts(NOW + n * 1000, 0);
        db.events(Source::Browser, "s0", None, &[event(&format!("e{n:02}-0"), ts, "group", &data)]);
        db.events(Source::Server, "", None, &[event(&format!("w{n:02}-0"), ts, "group", &data)]);
    }
    check(&db);
    let group = &kept(&db)[&id("group", "acme")];
    assert!(
        group.claimed_traits.contains_key("a00") && group.claimed_traits.contains_key("b00"),
        "the first claims stay"
    );
    assert!(
        group.trusted_traits.contains_key("a11") && group.trusted_traits.contains_key("b11"),
        "the last trusted traits stay"
    );
    for layer in [&group.claimed_traits, &group.trusted_traits] {
        let bytes = serde_json::to_string(layer).unwrap().len();
        assert!((40_000..GROUP_LAYER_BYTES_MAX + 500).contains(&bytes), "{bytes} bytes");
    }
}

#[test]
fn the_events_of_a_request_change_a_group_in_their_order() {
    let mut db = Db::open();
    clear(&mut db);
    for source in Source::ALL {
        let rows: Vec<Row> = (0..300)
            .map(|n| {
                let data = format!(r#"{{"groupId":"acme","traits":{{"all":{n},"f{:02}":{n}}}}}"#, n % 90);
                event(&format!("{}ab-{n:03}", source.number()), clock::event_ts(NOW, n), "group", &data)
            })
            .collect();
        db.events(source, if source == Source::Browser { "s0" } else { "" }, None, &rows);
    }
    check(&db);
    let group = &kept(&db)[&id("group", "acme")];
    let (claimed, trusted) = (&group.claimed_traits["all"], &group.trusted_traits["all"]);
    assert_eq!((claimed.2.0.get(), trusted.2.0.get()), ("0", "299"));
}

#[test]
fn groups_and_memberships_from_pages_are_limited_and_those_from_servers_are_not() {
    let mut db = Db::open();
    db.most_groups = 3;
    clear(&mut db);
    let named = |who: &str, n: usize| {
        event(&format!("{who}{n}"), clock::event_ts(NOW, n), "group", &format!(r#"{{"groupId":"{who}{n}"}}"#))
    };
    let count = |db: &Db, table: &str| number(&db.rows(&format!("select count(*) from {table}"), &[])[0][0]);
    for n in 0..5 {
        db.events(Source::Browser, "s0", None, &[named("page", n)]);
    }
    assert_eq!((count(&db, "groups"), count(&db, "memberships")), (3, 3));
    db.events(Source::Server, "", None, &(0..5).map(|n| named("server", n)).collect::<Vec<_>>());
    assert_eq!(count(&db, "groups"), 8);
    // A group with trusted traits no longer counts towards the limit, nor does a deleted group. An
    // existing group can still be named.
    let set = event("set", clock::event_ts(NOW, 900), "group", r#"{"groupId":"page0","traits":{"plan":"gold"}}"#);
    db.events(Source::Server, "", None, &[set]);
    db.rows("delete from memberships", &[]);
    db.rows(sql::GROUP_DELETE, &[json!(COMPANY), json!(id("group", "page1"))]);
    for n in 5..9 {
        db.events(Source::Browser, "s0", None, &[named("page", n)]);
    }
    assert_eq!(count(&db, "groups"), 9);
    assert_eq!(db.rows("select groups_of_pages from companies", &[]), [[json!(3)]]);
    // A session names a group with each page view.
    for n in 0..9 {
        let again = |k: usize| {
            let ts = clock::event_ts(NOW + 1000, n * 50 + k);
            event(&format!("again{n}-{k}"), ts, "group", r#"{"groupId":"page0"}"#)
        };
        db.events(Source::Browser, "s1", None, &(0..50).map(again).collect::<Vec<_>>());
    }
    assert_eq!(count(&db, "memberships where session = 's1'"), MEMBERSHIPS_SESSION_MAX);
}

#[test]
fn an_admins_traits_of_a_group_override_earlier_ones_whatever_the_senders_clock() {
    let mut db = Db::open();
    clear(&mut db);
    let far = clock::event_ts(NOW + 86_000_000, 0);
    db.events(
        Source::Server,
        "",
        None,
        &[event("e", far, "group", r#"{"groupId":"acme","traits":{"plan":"old","seats":2}}"#)],
    );
    let group = id("group", "acme");
    let say = |fields: Value, stamp: &str| {
        let params = [COMPANY, &group, &fields.to_string()].map(|text| json!(text));
        db.rows(
            sql::GROUPS_SET_TRUSTED,
            &[&params[..], &[json!(clock::event_ts(NOW, 0)), json!(stamp), json!(100), json!(50_000)]].concat(),
        )
    };
    assert_eq!(say(json!({"plan": ["gold"]}), "a").len(), 1);
    say(json!({"plan": ["silver"], "seats": [null]}), "b");
    assert_eq!(serde_json::to_value(kept(&db)[&group].traits()).unwrap(), json!({"plan": "silver"}));
    let nobody = [json!(COMPANY), json!("grp_none"), json!("{}"), json!(0), json!("c"), json!(100), json!(50_000)];
    assert!(db.rows(sql::GROUPS_SET_TRUSTED, &nobody).is_empty());
}

#[test]
fn a_server_that_names_a_persons_group_every_night_adds_no_further_row() {
    let mut db = Db::open();
    clear(&mut db);
    for night in 0..5 {
        let ts = clock::event_ts(NOW + night * 86_400_000, 0);
        db.server(&address(0), &[event(&format!("n{night}"), ts, "group", r#"{"groupId":"acme"}"#)]);
    }
    assert_eq!(db.rows("select count(*) from memberships", &[]), [[json!(1)]]);
    assert_eq!(walk(&db, &id("group", "acme")), [db.owner(&address(0)).unwrap()]);
}
