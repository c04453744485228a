//! The items of a request, sorted by whose they are: what says who somebody is goes first, then the events, each person's or session's at once.

use std::collections::HashSet;

use trackmate_wire::ids::{email_typed, key_kind};
use trackmate_wire::problem::{Code, Problem};

use super::super::call::Call;
use super::super::error::Error;
use super::super::profile::{address, user};
use super::super::server_events::{self, About};
use super::super::{auth, body, events, incoming, planned};
use super::identify::Teller;
use super::{Tally, matters_to_all};
use crate::domain::compat::{self, Item, Sent, What};
use crate::domain::event::{Arrival, Row, Said};
use crate::store::companies::{self, Scope};
use crate::store::people::Identifiers;

/// Whose an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whose {
    /// Lookup key of the user id.
    pub(super) user: Option<String>,
    /// The session of the anonymous id.
    pub(super) session: Option<String>,
}

impl Whose {
    fn of(item: &Item<'_>) -> Result<Self, Problem> {
        let user = item.user.as_deref().map(user).transpose()?;
        let session = item.anonymous.as_deref().map(compat::session);
        if user.is_none() && session.is_none() {
            return Err(Problem::field(Code::MissingField, "userId", "a message has a userId or an anonymousId"));
        }
        Ok(Self { user, session })
    }

    /// The session that a public caller's items of it lie in.
    pub(super) fn public_session(&self) -> String {
        match (&self.session, &self.user) {
            (Some(session), _) => session.clone(),
            (None, Some(user)) => compat::user_session(user),
            (None, None) => String::new(),
        }
    }
}

/// Events of one person or session.
struct Group {
    whose: Whose,
    rows: Vec<Row>,
    places: Vec<usize>,
}

/// What is not an event by itself: an item that says who somebody is.
pub(super) struct Fact<'a> {
    pub(super) index: usize,
    pub(super) whose: Whose,
    pub(super) item: Item<'a>,
}

/// Sorts the items; `same` says what of an item's owner parts its group from others.
fn sort<'a>(
    call: &Call,
    sent: Sent<'a>,
    tally: &mut Tally,
    same: impl Fn(&Whose) -> String,
) -> (Option<i64>, Vec<Fact<'a>>, Vec<Group>) {
    let sent_ms = body::sent_ms(sent.sent_at.as_ref());
    let (mut facts, mut groups) = (Vec::new(), Vec::<Group>::new());
    let (mut names, mut seen) = (Vec::<String>::new(), HashSet::new());
    for (index, item) in sent.items.into_iter().enumerate() {
        let sorted = item.and_then(|item| Ok((Whose::of(&item)?, item)));
        let (whose, item) = match sorted {
            Ok(sorted) => sorted,
            Err(problem) => {
                tally.rejected.push((index, problem));
                continue;
            }
        };
        let (name, data) = match item.what {
            What::Event { name, data } => (name, data),
            What::Identify { .. } | What::Alias { .. } => {
                facts.push(Fact { index, whose, item });
                continue;
            }
        };
        let subject = same(&whose);
        let arrival = Arrival { subject: &subject, sent_ms, received_ms: call.now_ms() };
        let said = Said {
            name: Some(name),
            data: &data,
            timestamp: item.timestamp,
            message_id: item.message_id,
            context: item.context.map(ToOwned::to_owned),
        };
        match said.row(index, arrival, &mut || call.message_id()) {
            Ok(row) if seen.insert(row.id.clone()) => {
                let place = names.iter().rposition(|name| *name == subject).unwrap_or_else(|| {
                    names.push(subject);
                    groups.push(Group { whose, rows: Vec::new(), places: Vec::new() });
                    groups.len() - 1
                });
                if let Some(group) = groups.get_mut(place) {
                    group.rows.push(row);
                    group.places.push(index);
                }
            }
            Ok(_) => tally.count(false),
            Err(problem) => tally.rejected.push((index, problem)),
        }
    }
    (sent_ms, facts, groups)
}

/// What becomes of items as far as D1 need not be asked for it: the good ones are accepted.
pub(super) fn unknown(call: &Call, sent: Sent<'_>) -> Tally {
    let mut tally = Tally::default();
    let (_, facts, groups) = sort(call, sent, &mut tally, Whose::public_session);
    tally.accepted = facts.len() + groups.iter().map(|group| group.rows.len()).sum::<usize>();
    tally
}

/// Stores what comes with the company id, as from a page.
pub(super) async fn public(call: &Call, company: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    incoming::came_to(call, company, false);
    let mut tally = Tally::default();
    let (sent_ms, facts, groups) = sort(call, sent, &mut tally, Whose::public_session);
    let teller = Teller { call, company, sent_ms, secret: None };
    for fact in facts {
        let index = fact.index;
        match teller.tell(fact).await {
            Ok(is_new) => tally.count(is_new),
            Err(error) => tally.refuse(index, error)?,
        }
    }
    for Group { whose, rows, .. } in groups {
        let count = rows.len();
        tally.add(count, events::Sent::by(call, company, whose.public_session(), sent_ms, rows).store(call).await?);
    }
    Ok(tally)
}

/// Stores what comes with a server key.
pub(super) async fn server(call: &Call, hash: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let (sent_ms, facts, groups) = sort(call, sent, &mut tally, |whose| {
        whose.user.clone().unwrap_or_else(|| whose.session.clone().unwrap_or_default())
    });
    // Where there are only events, the key is looked up together with whom they are about.
    if !facts.is_empty() || groups.is_empty() {
        let found = companies::key(call.db(None)?, hash).await?;
        let key = auth::accept(call, found, hash, Scope::Server)?;
        incoming::came_to(call, &key.company, true);
        let teller = Teller { call, company: &key.company, sent_ms, secret: Some(hash) };
        for fact in facts {
            let index = fact.index;
            match teller.tell(fact).await {
                Ok(is_new) => tally.count(is_new),
                Err(error) => tally.refuse(index, error)?,
            }
        }
    }
    for Group { whose, rows, places } in groups {
        match keep(call, hash, sent_ms, identifiers(whose), rows).await {
            Ok(kept) => tally.add(places.len(), kept.came),
            Err(Error::Problem(problem)) if !matters_to_all(problem.code) => {
                places.into_iter().for_each(|index| tally.rejected.push((index, problem.clone())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tally)
}

/// What the server door names a person by: the user id, and only without one the session.
fn identifiers(Whose { user, session }: Whose) -> Identifiers {
    let email = user.clone().filter(|key| key_kind(key) == "email");
    let session = session.filter(|_| user.is_none());
    Identifiers { address: user, email, user: None, session }
}

/// What came of events of one person or session.
pub(super) struct Kept {
    /// What came of each.
    pub(super) came: events::Came,
    /// Whose they are.
    pub(super) profile: Option<String>,
}

/// Stores events through the server door.
pub(super) async fn keep(
    call: &Call,
    hash: &str,
    sent_ms: Option<i64>,
    who: Identifiers,
    rows: Vec<Row>,
) -> Result<Kept, Error> {
    let at = rows.first().map_or(0, |row| row.ts);
    let resolved = server_events::resolve(call, hash, &who, at).await?;
    let company = resolved.key.company.clone();
    let fitting = planned::server(call, &company, resolved.plan, &rows).await?;
    let kept = server_events::keep(call, hash, resolved, &About { who, at, sent_ms }, &fitting.rows).await?;
    let new = kept.stored.new.len();
    call.emitted(&company, kept.stored.outbox);
    let came = events::Came { new, rejected: fitting.settle(call, &company) };
    Ok(Kept { came, profile: kept.profile })
}

/// The address of some traits, as typed and as key; a text that is none is no address.
pub(super) fn addressed(traits: &compat::Traits) -> Option<(String, String)> {
    let typed = email_typed(traits.get("email")?.as_str()?);
    let key = address(&typed).ok()?;
    Some((typed, key))
}
