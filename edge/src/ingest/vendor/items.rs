//! The items of a request, sorted by whose they are: what says who somebody is goes first, then the events, each person's or session's at once.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
use trackmate_wire::ids::{email_typed, key_kind};
use trackmate_wire::limits::WAVES_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::compat::{self, Item, Sent, What};
use crate::domain::event::{self, Arrival, Row};
use crate::error::Error;
use crate::http::context::Call;
use crate::http::{auth, body};
use crate::ingest::identify::{address, user};
use crate::ingest::server::{self, About, Says};
use crate::ingest::vendor::identify::{Said, Teller, Told, known_by};
use crate::ingest::vendor::{Tally, matters_to_all};
use crate::ingest::{browser, outcome_log, plan_check};
use crate::people::edit::{self, Saying};
use crate::people::turn::Tries;
use crate::store::companies::{self, Scope};
use crate::store::people::Identifiers;

/// Whose an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    /// Lookup key of the user id.
    pub(crate) user: Option<String>,
    /// The session of the anonymous id.
    pub(crate) session: Option<String>,
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
    pub(crate) fn public_session(&self) -> String {
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
    /// Whether none of them makes the person.
    only_known: bool,
}

/// What is not an event by itself: an item that says who somebody is.
pub(crate) struct Fact<'a> {
    pub(crate) index: usize,
    pub(crate) whose: Whose,
    pub(crate) item: Item<'a>,
    /// Its own, or made of its content, or ours.
    pub(crate) message_id: String,
}

impl Fact<'_> {
    /// The lookup keys that it names, each with the other one that it names with it, if the two mean something else beside another.
    fn keys(&self) -> Vec<(String, Option<String>)> {
        let named = self.whose.user.clone();
        match &self.item.what {
            What::Identify { traits, once } => {
                let address = addressed(traits).or_else(|| addressed(once)).map(|(_, key)| key);
                let other = [(address.clone(), named.clone()), (named, address)];
                other.into_iter().filter_map(|(key, other)| Some((key?, other))).collect()
            }
            What::Alias { previous, .. } => {
                let former = user(previous).ok().map(|key| (key, named.clone()));
                former.into_iter().chain(named.map(|key| (key, None))).collect()
            }
            What::Event { .. } => Vec::new(),
        }
    }
}

/// Parts what says who somebody is into those that may go side by side. What names one person with two others of a kind must go one after the other, for what
/// the second means depends on the first: it is the next wave's, and there are so many at most.
fn waves(facts: Vec<Fact<'_>>) -> Result<Vec<Vec<Fact<'_>>>, Problem> {
    let mut latest = HashMap::<String, (usize, Option<String>)>::new();
    let mut waves: Vec<Vec<Fact<'_>>> = Vec::new();
    for fact in facts {
        let keys = fact.keys();
        let after = |(key, other): &(String, Option<String>)| match latest.get(key) {
            Some((wave, Some(before))) if other.as_ref().is_some_and(|other| other != before) => wave + 1,
            Some((wave, _)) => *wave,
            None => 0,
        };
        let wave = keys.iter().map(after).max().unwrap_or_default();
        if wave >= WAVES_MAX {
            let message = format!(
                "a request names one person with at most {WAVES_MAX} others, one after the other; send the rest in further requests"
            );
            return Err(Problem::field(Code::TooManyEvents, "batch", message));
        }
        for (key, other) in keys {
            let (last, before) = latest.entry(key).or_insert((wave, None));
            if *last < wave || before.is_none() {
                *before = other.or_else(|| before.take());
            }
            *last = wave;
        }
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        if let Some(facts) = waves.get_mut(wave) {
            facts.push(fact);
        }
    }
    Ok(waves)
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
                let own = item.message_id.clone().filter(|id| !id.is_empty()).or_else(|| known_by(&whose, &item));
                let message_id = own.unwrap_or_else(|| call.message_id());
                facts.push(Fact { index, whose, item, message_id });
                continue;
            }
        };
        let subject = same(&whose);
        let arrival = Arrival { subject: &subject, sent_ms, received_ms: call.now_ms() };
        let said = event::Said {
            name: Some(name),
            data: &data,
            timestamp: item.timestamp,
            message_id: item.message_id,
            context: item.context.map(ToOwned::to_owned),
            groups: item.groups,
        };
        match said.row(index, arrival, &mut || call.message_id()) {
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
pub(crate) fn unknown(call: &Call, sent: Sent<'_>) -> Tally {
    let mut tally = Tally::default();
    let (_, facts, groups) = sort(call, sent, &mut tally, Whose::public_session);
    tally.accepted = facts.len() + groups.iter().map(|group| group.rows.len()).sum::<usize>();
    tally
}

/// Stores what comes with the company id, as from a page.
pub(crate) async fn public(call: &Call, company: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    outcome_log::came_to(call, company, false);
    let mut tally = Tally::default();
    let (sent_ms, facts, groups) = sort(call, sent, &mut tally, Whose::public_session);
    let teller = Teller { call, company, sent_ms, secret: None, visitors: HashSet::new() };
    for wave in waves(facts)? {
        tell(&teller, &wave, &mut tally).await?;
    }
    let store = |Group { whose, rows, .. }: Group| {
        let count = rows.len();
        let sent = browser::Sent::by(call, company, whose.public_session(), sent_ms, rows);
        async move { sent.store(call).await.map(|came| (count, came)) }.boxed_local()
    };
    for stored in call.together(groups.into_iter().map(store).collect()).await {
        let (count, came) = stored?;
        tally.add(count, came);
    }
    Ok(tally)
}

/// Stores what comes with a server key.
pub(crate) async fn server(call: &Call, hash: &str, sent: Sent<'_>) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let (sent_ms, facts, groups) = sort(call, sent, &mut tally, |whose| {
        whose.user.clone().unwrap_or_else(|| whose.session.clone().unwrap_or_default())
    });
    let waves = waves(facts)?;
    // Where there are only events, the key is looked up together with whom they are about.
    if !waves.is_empty() || groups.is_empty() {
        let found = companies::key(call.db(None)?, hash).await?;
        let key = auth::accept(call, found, hash, Scope::Server)?;
        outcome_log::came_to(call, &key.company, true);
        let visitors = visitors(&groups);
        let teller = Teller { call, company: &key.company, sent_ms, secret: Some(hash), visitors };
        for wave in waves {
            tell(&teller, &wave, &mut tally).await?;
        }
    }
    let store = |Group { whose, rows, places, only_known }: Group| {
        async move { (places, keep(call, hash, sent_ms, identifiers(whose, only_known), rows, Says::default()).await) }
            .boxed_local()
    };
    for (places, kept) in call.together(groups.into_iter().map(store).collect()).await {
        match kept {
            Ok(Some(kept)) => tally.add(places.len(), kept.came),
            Ok(None) => return Err(Error::Internal("events that give no key were outdated".to_owned())),
            Err(Error::Problem(problem)) if !matters_to_all(problem.code) => {
                places.into_iter().for_each(|index| tally.rejected.push((index, problem.clone())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tally)
}

/// Stores what says who somebody is, then what a server says of each person, in the order of the items.
async fn tell(teller: &Teller<'_>, wave: &[Fact<'_>], tally: &mut Tally) -> Result<(), Error> {
    let Teller { call, company, .. } = *teller;
    let (mut open, mut tries) = (wave.iter().map(|fact| (fact, false)).collect::<Vec<_>>(), Tries::default());
    while !open.is_empty() {
        tries.next(call).await?;
        let told = call.together(open.iter().map(|(fact, _)| teller.tell(fact).boxed_local()).collect()).await;
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
                let said = say(call, company, &profile, sayings.iter().map(|(_, _, said)| said).collect()).await;
                (sayings, said)
            }
            .boxed_local()
        };
        for (sayings, said) in call.together(sayings.into_iter().map(say).collect()).await {
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

/// Says of one person what several items say of them → what came of each. What gives them an address begins an edit of its own.
async fn say(call: &Call, company: &str, profile: &str, sayings: Vec<&Said>) -> Vec<Result<(), Error>> {
    let mut outcomes = Vec::with_capacity(sayings.len());
    for said in sayings.chunk_by(|_, next| !next.gives_address()) {
        let said: Vec<&dyn Saying> = said.iter().map(|said| *said as &dyn Saying).collect();
        match edit::change_all(call, company, profile, &said).await {
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

/// What the server door names a person by: the user id, and only without one the session; where nobody is to be made,
/// also if the user id leads to nobody.
fn identifiers(Whose { user, session }: Whose, only_known: bool) -> Identifiers {
    let email = user.clone().filter(|key| key_kind(key) == "email");
    let session = session.filter(|_| user.is_none() || only_known);
    Identifiers { address: user, email, user: None, session, only_known }
}

/// What came of events of one person or session.
pub(crate) struct Kept {
    /// What came of each.
    pub(crate) came: browser::Came,
    /// Whose they are.
    pub(crate) profile: Option<String>,
}

/// Stores events through the server door, and gives their person a second key, if they do; `None` if what was read of the two keys holds no longer.
pub(crate) async fn keep(
    call: &Call,
    hash: &str,
    sent_ms: Option<i64>,
    who: Identifiers,
    rows: Vec<Row>,
    says: Says<'_>,
) -> Result<Option<Kept>, Error> {
    let at = rows.first().map_or(0, |row| row.ts);
    let resolved = server::resolve(call, hash, &who, at).await?;
    let company = resolved.key.company.clone();
    let fitting = plan_check::server(call, &company, resolved.plan, &rows).await?;
    let kept = server::keep(call, hash, resolved, &About { who, at, sent_ms }, &fitting.rows, says).await?;
    let new = kept.stored.new.len();
    call.emitted(&company, kept.stored.outbox);
    if kept.is_outdated {
        return Ok(None);
    }
    let came = browser::Came { new, rejected: fitting.settle(call, &company) };
    Ok(Some(Kept { came, profile: kept.profile }))
}

/// The address of some traits, as typed and as key; a text that is none is no address.
pub(crate) fn addressed(traits: &compat::Traits) -> Option<(String, String)> {
    let typed = email_typed(traits.get("email")?.as_str()?);
    let key = address(&typed).ok()?;
    Some((typed, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fact(user: &str, what: What<'static>) -> Fact<'static> {
        let user = Some(user.to_owned());
        let item = Item {
            user: user.clone(),
            anonymous: None,
            what,
            timestamp: None,
            message_id: None,
            context: None,
            groups: Vec::new(),
            only_known: false,
        };
        Fact { index: 0, whose: Whose { user, session: None }, item, message_id: String::new() }
    }

    fn identify(user: &str, email: Option<&str>) -> Fact<'static> {
        let traits = email.map(|email| ("email".to_owned(), json!(email))).into_iter().collect();
        fact(user, What::Identify { traits, once: compat::Traits::new() })
    }

    fn alias(user: &str, previous: &str) -> Fact<'static> {
        fact(user, What::Alias { previous: previous.to_owned(), is_either: false })
    }

    fn sizes(facts: Vec<Fact<'static>>) -> Vec<usize> {
        waves(facts).unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn only_what_names_a_person_with_two_others_waits() {
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
        let (a, b) = (Some("a@x.io"), Some("b@x.io"));
        let many = (0..500).map(|n| identify(&format!("u{n}"), Some(&format!("{n}@x.io"))));
        assert_eq!(sizes(many.collect()), [500], "people who have nothing to do with each other");
        assert_eq!(sizes(vec![identify("u", a), identify("u", None), identify("u", a)]), [3], "the same again");
        assert_eq!(sizes(vec![identify("u", a), identify("u", b), identify("u", None)]), [1, 2], "two addresses");
        assert_eq!(sizes(vec![identify("u", a), identify("v", a)]), [1, 1], "two users with one address");
        assert_eq!(sizes(vec![alias("u", "p"), alias("u", "q"), identify("u", a)]), [3], "many former ids");
        assert_eq!(sizes(vec![alias("u", "p"), alias("v", "p")]), [1, 1], "one former id of two");
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let facts = |count: usize| (0..count).map(|n| identify("u", Some(&format!("{n}@x.io")))).collect();
        assert_eq!(sizes(facts(WAVES_MAX)), [1; WAVES_MAX]);
        assert_eq!(waves(facts(WAVES_MAX + 1)).err().map(|problem| problem.code), Some(Code::TooManyEvents));
    }
}
