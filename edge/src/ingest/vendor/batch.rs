//! Stores the items of a request. Identity items go first, so that the events find their person.
//! The events of one person or session are stored together.

use std::collections::HashSet;

use futures_util::FutureExt;
use trackmate_wire::ids::key_kind;

use crate::credentials;
use crate::domain::compat::{Sent, What};
use crate::domain::event::{self, Arrival, Row};
use crate::domain::request_body;
use crate::domain::secret::Scope;
use crate::domain::source::Source;
use crate::error::Error;
use crate::ingest::browser::BrowserBatch;
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{OwnerLookup, PersonChange};
use crate::ingest::vendor::context::VendorIdentify;
use crate::ingest::vendor::events::store_events;
use crate::ingest::vendor::item::{IdentityItem, ItemOwner, content_message_id, into_rounds};
use crate::ingest::vendor::round::store_round;
use crate::ingest::vendor::tally::{Tally, matters_to_all};
use crate::store::companies;
use crate::store::people::Identifiers;

/// Events of one person or session.
struct EventGroup {
    owner: ItemOwner,
    rows: Vec<Row>,
    /// Their positions in the request.
    positions: Vec<usize>,
    /// Whether none of them may create the person.
    only_known: bool,
}

/// Sorts the items into identity items and groups of events. Events with the same `group_key` of
/// their owner form a group. → The sender's clock (ms), the identity items, the groups.
fn sort<'a>(
    cx: &IngestContext,
    sent: Sent<'a>,
    tally: &mut Tally,
    group_key: fn(&ItemOwner) -> String,
) -> (Option<i64>, Vec<IdentityItem<'a>>, Vec<EventGroup>) {
    let sent_ms = request_body::sent_ms(sent.sent_at.as_ref());
    let (mut identity_items, mut groups) = (Vec::new(), Vec::<EventGroup>::new());
    let (mut names, mut seen) = (Vec::<String>::new(), HashSet::new());
    for (index, item) in sent.items.into_iter().enumerate() {
        let sorted = item.and_then(|item| Ok((ItemOwner::of(&item)?, item)));
        let (owner, item) = match sorted {
            Ok(sorted) => sorted,
            Err(problem) => {
                tally.rejected.push((index, problem));
                continue;
            }
        };
        let (name, data) = match item.what {
            What::Event { name, data } => (name, data),
            What::Identify { .. } | What::Alias { .. } => {
                let sent_id =
                    item.message_id.clone().filter(|id| !id.is_empty()).or_else(|| content_message_id(&owner, &item));
                let message_id = sent_id.unwrap_or_else(|| cx.message_id());
                identity_items.push(IdentityItem { index, owner, item, message_id });
                continue;
            }
        };
        let subject = group_key(&owner);
        let arrival = Arrival { subject: &subject, sent_ms, received_ms: cx.now_ms() };
        let event = event::UncheckedEvent {
            name: Some(name),
            data: &data,
            timestamp: item.timestamp,
            message_id: item.message_id,
            context: item.context.map(ToOwned::to_owned),
            groups: item.groups,
        };
        match event.row(index, arrival, &mut || cx.message_id()) {
            Ok(row) if seen.insert(row.id.clone()) => {
                let position = names.iter().rposition(|name| *name == subject).unwrap_or_else(|| {
                    names.push(subject);
                    groups.push(EventGroup { owner, rows: Vec::new(), positions: Vec::new(), only_known: true });
                    groups.len() - 1
                });
                if let Some(group) = groups.get_mut(position) {
                    group.rows.push(row);
                    group.positions.push(index);
                    group.only_known &= item.only_known;
                }
            }
            Ok(_) => tally.count(false),
            Err(problem) => tally.rejected.push((index, problem)),
        }
    }
    (sent_ms, identity_items, groups)
}

/// The tally of a request that is buffered while D1 is down: every valid item counts as accepted.
pub(crate) fn unknown(cx: &IngestContext, sent: Sent<'_>) -> Tally {
    let mut tally = Tally::default();
    let (_, identity_items, groups) = sort(cx, sent, &mut tally, ItemOwner::public_session);
    tally.accepted = identity_items.len() + groups.iter().map(|group| group.rows.len()).sum::<usize>();
    tally
}

/// Stores the items of a browser, which sends the company id.
pub(crate) async fn public(cx: &IngestContext, company: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    cx.log().set_company(company, Source::Browser);
    let mut tally = Tally::default();
    let (sent_ms, identity_items, groups) = sort(cx, sent, &mut tally, ItemOwner::public_session);
    let vendor_identify = VendorIdentify { cx, company, sent_ms, secret: None, visitors: HashSet::new() };
    for round in into_rounds(identity_items)? {
        store_round(&vendor_identify, &round, &mut tally).await?;
    }
    let store = |EventGroup { owner, rows, .. }: EventGroup| {
        let count = rows.len();
        let sent = BrowserBatch::of_session(cx, company, owner.public_session(), sent_ms, rows);
        async move { sent.store(cx).await.map(|result| (count, result)) }.boxed_local()
    };
    for stored in cx.together(groups.into_iter().map(store).collect()).await {
        let (count, result) = stored?;
        tally.add(count, result);
    }
    Ok(tally)
}

/// Stores the items of a server, which sends a secret key.
pub(crate) async fn server(cx: &IngestContext, hash: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let (sent_ms, identity_items, groups) = sort(cx, sent, &mut tally, |owner| {
        owner.user.clone().unwrap_or_else(|| owner.session.clone().unwrap_or_default())
    });
    let rounds = into_rounds(identity_items)?;
    // Without identity items the key is checked in the query that resolves the owner of the events.
    if !rounds.is_empty() || groups.is_empty() {
        let found = companies::key(cx.db_of_key(hash)?, hash).await?;
        let key = credentials::accept(cx, found, hash, Scope::Server)?;
        cx.log().set_company(&key.company, Source::Server);
        let visitors = visitors(&groups);
        let vendor_identify = VendorIdentify { cx, company: &key.company, sent_ms, secret: Some(hash), visitors };
        for round in rounds {
            store_round(&vendor_identify, &round, &mut tally).await?;
        }
    }
    let store = |EventGroup { owner, rows, positions, only_known }: EventGroup| {
        let owner = OwnerLookup::of(identifiers(owner, only_known), sent_ms, &rows);
        async move { (positions, store_events(cx, hash, owner, rows, PersonChange::default()).await) }.boxed_local()
    };
    for (positions, stored) in cx.together(groups.into_iter().map(store).collect()).await {
        match stored {
            Ok(Some(stored)) => tally.add(positions.len(), stored.result),
            Ok(None) => return Err(Error::Internal("events that give no key were outdated".to_owned())),
            Err(Error::Problem(problem)) if !matters_to_all(problem.code) => {
                positions.into_iter().for_each(|index| tally.rejected.push((index, problem.clone())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tally)
}

/// The sessions of the anonymous events.
fn visitors(groups: &[EventGroup]) -> HashSet<String> {
    groups.iter().filter(|group| group.owner.user.is_none()).filter_map(|group| group.owner.session.clone()).collect()
}

/// The identifiers of an owner for the server API: the user id, or the session if there is none.
/// With `only_known` the session is the fallback for a user id that nobody has.
fn identifiers(ItemOwner { user, session }: ItemOwner, only_known: bool) -> Identifiers {
    let email = user.clone().filter(|key| key_kind(key) == "email");
    let session = session.filter(|_| user.is_none() || only_known);
    Identifiers { identity_key: user, email, user: None, session, only_known }
}
