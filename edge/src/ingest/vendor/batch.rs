//! The items of a request, sorted by whose they are: what says who somebody is goes first, then the
//! events, each person's or session's at once.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
use trackmate_wire::ids::key_kind;

use crate::credentials;
use crate::domain::compat::{Sent, What};
use crate::domain::event::{self, Arrival, Row};
use crate::domain::request_body;
use crate::error::Error;
use crate::ingest::browser::BrowserBatch;
use crate::ingest::context::IngestContext;
use crate::ingest::owner::Says;
use crate::ingest::vendor::events::keep;
use crate::ingest::vendor::identify::{Said, Teller, Told};
use crate::ingest::vendor::item::{Fact, Whose, known_by, waves};
use crate::ingest::vendor::tally::{Tally, matters_to_all};
use crate::people::conflict::ConflictRetries;
use crate::people::edit::{self, PendingEdit};
use crate::store::companies::{self, Scope};
use crate::store::people::Identifiers;
use trackmate_wire::problem::Code;

/// Events of one person or session.
struct Group {
    whose: Whose,
    rows: Vec<Row>,
    places: Vec<usize>,
    /// Whether none of them makes the person.
    only_known: bool,
}

/// Sorts the items; `same` says what of an item's owner parts its group from others.
fn sort<'a>(
    cx: &IngestContext,
    sent: Sent<'a>,
    tally: &mut Tally,
    same: impl Fn(&Whose) -> String,
) -> (Option<i64>, Vec<Fact<'a>>, Vec<Group>) {
    let sent_ms = request_body::sent_ms(sent.sent_at.as_ref());
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
                let own = item.message_id.clone().filter(|id| !id.is_empty()).or_else(|| known_by(&whose, &item));
                let message_id = own.unwrap_or_else(|| cx.message_id());
                facts.push(Fact { index, whose, item, message_id });
                continue;
            }
        };
        let subject = same(&whose);
        let arrival = Arrival { subject: &subject, sent_ms, received_ms: cx.now_ms() };
        let said = event::Said {
            name: Some(name),
            data: &data,
            timestamp: item.timestamp,
            message_id: item.message_id,
            context: item.context.map(ToOwned::to_owned),
            groups: item.groups,
        };
        match said.row(index, arrival, &mut || cx.message_id()) {
            Ok(row) if seen.insert(row.id.clone()) => {
                let place = names.iter().rposition(|name| *name == subject).unwrap_or_else(|| {
                    names.push(subject);
                    groups.push(Group { whose, rows: Vec::new(), places: Vec::new(), only_known: true });
                    groups.len() - 1
                });
                if let Some(group) = groups.get_mut(place) {
                    group.rows.push(row);
                    group.places.push(index);
                    group.only_known &= item.only_known;
                }
            }
            Ok(_) => tally.count(false),
            Err(problem) => tally.rejected.push((index, problem)),
        }
    }
    (sent_ms, facts, groups)
}

/// What becomes of items as far as D1 need not be asked for it: the good ones are accepted.
pub(crate) fn unknown(cx: &IngestContext, sent: Sent<'_>) -> Tally {
    let mut tally = Tally::default();
    let (_, facts, groups) = sort(cx, sent, &mut tally, Whose::public_session);
    tally.accepted = facts.len() + groups.iter().map(|group| group.rows.len()).sum::<usize>();
    tally
}

/// Stores what comes with the company id, as from a page.
pub(crate) async fn public(cx: &IngestContext, company: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    cx.log().came_to(company, false);
    let mut tally = Tally::default();
    let (sent_ms, facts, groups) = sort(cx, sent, &mut tally, Whose::public_session);
    let teller = Teller { cx, company, sent_ms, secret: None, visitors: HashSet::new() };
    for wave in waves(facts)? {
        tell(&teller, &wave, &mut tally).await?;
    }
    let store = |Group { whose, rows, .. }: Group| {
        let count = rows.len();
        let sent = BrowserBatch::of_session(cx, company, whose.public_session(), sent_ms, rows);
        async move { sent.store(cx).await.map(|result| (count, result)) }.boxed_local()
    };
    for stored in cx.together(groups.into_iter().map(store).collect()).await {
        let (count, result) = stored?;
        tally.add(count, result);
    }
    Ok(tally)
}

/// Stores what comes with a server key.
pub(crate) async fn server(cx: &IngestContext, hash: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let (sent_ms, facts, groups) = sort(cx, sent, &mut tally, |whose| {
        whose.user.clone().unwrap_or_else(|| whose.session.clone().unwrap_or_default())
    });
    let waves = waves(facts)?;
    // Where there are only events, the key is looked up together with whom they are about.
    if !waves.is_empty() || groups.is_empty() {
        let found = companies::key(cx.db(None)?, hash).await?;
        let key = credentials::accept(cx, found, hash, Scope::Server)?;
        cx.log().came_to(&key.company, true);
        let visitors = visitors(&groups);
        let teller = Teller { cx, company: &key.company, sent_ms, secret: Some(hash), visitors };
        for wave in waves {
            tell(&teller, &wave, &mut tally).await?;
        }
    }
    let store = |Group { whose, rows, places, only_known }: Group| {
        async move { (places, keep(cx, hash, sent_ms, identifiers(whose, only_known), rows, Says::default()).await) }
            .boxed_local()
    };
    for (places, kept) in cx.together(groups.into_iter().map(store).collect()).await {
        match kept {
            Ok(Some(kept)) => tally.add(places.len(), kept.result),
            Ok(None) => return Err(Error::Internal("events that give no key were outdated".to_owned())),
            Err(Error::Problem(problem)) if !matters_to_all(problem.code) => {
                places.into_iter().for_each(|index| tally.rejected.push((index, problem.clone())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tally)
}

/// Stores what says who somebody is, then what a server says of each person, in the order of the
/// items.
async fn tell(teller: &Teller<'_>, wave: &[Fact<'_>], tally: &mut Tally) -> Result<(), Error> {
    let Teller { cx, company, .. } = *teller;
    let (mut open, mut retries) =
        (wave.iter().map(|fact| (fact, false)).collect::<Vec<_>>(), ConflictRetries::default());
    while !open.is_empty() {
        retries.next(cx).await?;
        let told = cx.together(open.iter().map(|(fact, _)| teller.tell(fact).boxed_local()).collect()).await;
        let (mut sayings, mut by_profile) = (Vec::<(String, Vec<_>)>::new(), HashMap::new());
        for ((fact, was_new), told) in open.drain(..).zip(told) {
            match told {
                Ok(Told { is_new, saying: None }) => tally.count(is_new || was_new),
                Ok(Told { is_new, saying: Some((profile, said)) }) => {
                    let place = *by_profile.entry(profile.clone()).or_insert(sayings.len());
                    if place == sayings.len() {
                        sayings.push((profile, Vec::new()));
                    }
                    if let Some((_, sayings)) = sayings.get_mut(place) {
                        sayings.push((fact, is_new || was_new, said));
                    }
                }
                Err(error) => tally.refuse(fact.index, error)?,
            }
        }
        let say = |(profile, sayings): (String, Vec<(_, _, Said)>)| {
            async move {
                let said = say(cx, company, &profile, sayings.iter().map(|(_, _, said)| said).collect()).await;
                (sayings, said)
            }
            .boxed_local()
        };
        for (sayings, said) in cx.together(sayings.into_iter().map(say).collect()).await {
            for ((fact, is_new, said), outcome) in sayings.into_iter().zip(said) {
                match outcome {
                    Ok(()) => tally.count(is_new),
                    // The address was nobody's when it was decided that it becomes this person's.
                    Err(Error::Problem(p)) if said.gives_address() && p.code == Code::Conflict => {
                        open.push((fact, is_new))
                    }
                    Err(error) => tally.refuse(fact.index, error)?,
                }
            }
        }
    }
    Ok(())
}

/// Says of one person what several items say of them → what came of each. What gives them an
/// address begins an edit of its own.
async fn say(cx: &IngestContext, company: &str, profile: &str, sayings: Vec<&Said>) -> Vec<Result<(), Error>> {
    let mut outcomes = Vec::with_capacity(sayings.len());
    for said in sayings.chunk_by(|_, next| !next.gives_address()) {
        let said: Vec<&dyn PendingEdit> = said.iter().map(|said| *said as &dyn PendingEdit).collect();
        match edit::change_all(cx, company, profile, &said).await {
            Ok((_, refused)) => {
                let mut all: Vec<Result<(), Error>> = said.iter().map(|_| Ok(())).collect();
                for (place, problem) in refused {
                    if let Some(outcome) = all.get_mut(place) {
                        *outcome = Err(problem.into());
                    }
                }
                outcomes.extend(all);
            }
            Err(error) => {
                let again = || match &error {
                    Error::Problem(problem) => Error::Problem(problem.clone()),
                    Error::Internal(text) => Error::Internal(text.clone()),
                    Error::Down(text) => Error::Down(text.clone()),
                    Error::Full(text) => Error::Full(text.clone()),
                };
                outcomes.extend(said.iter().map(|_| Err(again())));
            }
        }
    }
    outcomes
}

/// The sessions of events that name nobody else.
fn visitors(groups: &[Group]) -> HashSet<String> {
    groups.iter().filter(|group| group.whose.user.is_none()).filter_map(|group| group.whose.session.clone()).collect()
}

/// What the server door names a person by: the user id, and only without one the session; where
/// nobody is to be made, also if the user id leads to nobody.
fn identifiers(Whose { user, session }: Whose, only_known: bool) -> Identifiers {
    let email = user.clone().filter(|key| key_kind(key) == "email");
    let session = session.filter(|_| user.is_none() || only_known);
    Identifiers { address: user, email, user: None, session, only_known }
}
