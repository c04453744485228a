//! Compares the SQL of timelines on the real schema with a sort of all stored events. Sessions
//! overlap, are shared, and have events at the same instants, and pages and steps have any size.
//! The pages of a person's timeline show each of their events once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::schema::cases;
use crate::schema::pipe::{Db, NOW, number, text, view};
use proptest::prelude::*;
use serde_json::json;
use trackmate_edge::domain::clock;
use trackmate_edge::domain::ledger::{LinkEvidence, owner};
use trackmate_edge::domain::source::Source;
use trackmate_edge::domain::timeline::Order;

/// The events of one session by their second, and its identifies: second and person.
type Session = (Vec<(i64, Source)>, Vec<(i64, usize)>);

fn address(person: usize) -> String {
    format!("p{person}@x.io")
}

/// The events of each person by the pure rule, in the order of timelines.
fn owned(db: &Db) -> BTreeMap<String, Vec<(i64, Source, String)>> {
    let mut facts = BTreeMap::<String, Vec<LinkEvidence>>::new();
    for r in db.rows("select session, at, id, profile from links where profile is not null", &[]) {
        let fact = LinkEvidence { at: number(&r[1]), id: text(&r[2]), profile: text(&r[3]) };
        facts.entry(text(&r[0])).or_default().push(fact);
    }
    let mut owned = BTreeMap::<String, Vec<_>>::new();
    for r in db.rows("select session, ts, source, message_id from events order by ts, source, message_id", &[]) {
        let of_session = facts.get(&text(&r[0])).map_or(&[][..], Vec::as_slice);
        if let Some(profile) = owner(of_session, number(&r[1])) {
            owned.entry(profile.to_owned()).or_default().push((
                number(&r[1]),
                Source::from(number(&r[2])),
                text(&r[3]),
            ));
        }
    }
    owned
}

thread_local! {
    static DB: RefCell<Db> = RefCell::new(Db::open());
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn the_pages_of_a_timeline_show_every_event_once_and_in_order_however_sessions_overlap(
        sessions in prop::collection::vec((
            prop::collection::vec((0..60_i64, prop::sample::select(&Source::ALL)), 0..14),
            prop::collection::vec((0..60_i64, 0..2_usize), 1..4),
        ), 1..7),
        server in prop::collection::vec(0..60_i64, 0..6),
        limit in 1..9_usize, links in 1..12_usize,
    ) {
        let sessions: Vec<Session> = sessions;
        DB.with_borrow_mut(|db| {
            db.clear(&["events", "links", "profiles", "identities"]);
            for (n, (events, identifies)) in sessions.iter().enumerate() {
                let session = format!("s{n}");
                for (k, (second, source)) in events.iter().enumerate() {
                    // Whole seconds, so that events of one or several sessions have the same
                    // instant.
                    let row = view(&format!("e{n}-{k}"), clock::event_ts(NOW + second * 1000, 0), None);
                    db.events(*source, &session, None, &[row]);
                }
                for (k, (second, person)) in identifies.iter().enumerate() {
                    // Each identify of a session has a different millisecond: the order of two in
                    // the same millisecond is the only exception of the ledger.
                    let at = NOW + second * 1000 + i64::try_from(k).unwrap();
                    let id = format!("i{n}-{k}");
                    let place = clock::identify_ts(at, &id);
                    db.identify(&session, place, &id, &address(*person), &json!({}));
                }
            }
            for (k, second) in server.iter().enumerate() {
                db.server(&address(0), &[view(&format!("w{k}"), clock::event_ts(NOW + second * 1000, 0), None)]);
            }
            for (profile, theirs) in owned(db) {
                prop_assert_eq!(&db.timeline(&profile, Order::Asc, limit, links), &theirs);
                let mut back = db.timeline(&profile, Order::Desc, limit, links);
                back.reverse();
                prop_assert_eq!(&back, &theirs);
            }
            Ok(())
        })?;
    }
}
