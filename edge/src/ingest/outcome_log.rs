//! Noting what became of a request's items, once its answer is on its way: every rejected one, and the others while somebody watches. So it costs the
//! requests of a company that nobody watches, and that sends what it should, nothing at all.
//!
//! To have a door tell of its items: 1. [`came_to`] when it is known whose they are, 2. [`rejected`] for what [`crate::domain::event::sort`] put aside, 3.
//! [`stored`] for the rest, 4. [`refused`] around all of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use trackmate_wire::limits::{COMPANIES_KNOWN_MAX, REJECTED_ISOLATE_MAX, REJECTED_MINUTE_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::event::{Row, Sorted};
use crate::domain::incoming::{Entry, Outcome, named_company};
use crate::error::Error;
use crate::http::body;
use crate::http::context::Call;
use crate::store::{self, incoming};

/// Bytes of a body that cannot be taken in which its company is looked for: it mostly comes first.
const BEGINNING_BYTES: usize = 1024;

/// What a request has told of its items so far.
#[derive(Default)]
pub(crate) struct Told {
    company: Option<String>,
    from_server: bool,
    session: Option<String>,
    watched: bool,
    /// How a body begins that cannot be taken.
    beginning: Option<String>,
    /// Whether the refusal of the whole request is told.
    refused: bool,
    entries: Vec<Entry>,
}

/// That a request came to the servers' door, also if nobody learns whose key it shows.
pub(crate) fn came_by_server(call: &Call) {
    call.told().borrow_mut().from_server = true;
}

/// Whose door a request came to.
pub(crate) fn came_to(call: &Call, company: &str, from_server: bool) {
    let mut told = call.told().borrow_mut();
    told.company = Some(company.to_owned());
    told.from_server = from_server;
}

/// The body of a public request. Of one that cannot be taken, its beginning may tell whose it is.
pub(crate) async fn public_body(call: &Call) -> Result<String, Error> {
    let text = body::text(call).await;
    let beginning = call.told().borrow_mut().beginning.take();
    if let (Err(_), Some(company)) = (&text, beginning.as_deref().and_then(named_company)) {
        came_to(call, company, false);
    }
    text
}

/// How a body begins that cannot be taken.
pub(crate) fn began(call: &Call, body: &[u8]) {
    let beginning = body.get(..BEGINNING_BYTES).unwrap_or(body);
    call.told().borrow_mut().beginning = Some(String::from_utf8_lossy(beginning).into_owned());
}

/// The session that its items are of.
pub(crate) fn session(call: &Call, id: &str) {
    call.told().borrow_mut().session = Some(id.to_owned());
}

/// Whether somebody watches what comes in of the company, which there is.
pub(crate) fn watched(call: &Call, watched: bool) {
    let mut told = call.told().borrow_mut();
    told.watched = watched;
    if let Some(company) = &told.company {
        exists(company);
    }
}

/// Tells of the items of a batch that are not even tried; `items` are all of it, as JSON texts.
pub(crate) fn rejected<'a>(call: &Call, items: impl Iterator<Item = &'a str>, sorted: &Sorted) {
    if sorted.rejected.is_empty() {
        return;
    }
    let items: Vec<&str> = items.collect();
    let mut told = call.told().borrow_mut();
    let Told { session, entries, .. } = &mut *told;
    let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
    let entry = |(place, problem): &(usize, Problem)| {
        Entry::rejected(items.get(*place).copied(), None, session.as_deref(), problem)
    };
    entries.extend(sorted.rejected.iter().take(most).map(entry));
}

/// Tells of items of another vendor's form that are refused; `items` are all of the request, as JSON texts. What a plan refuses is told where it is.
pub(crate) fn refused_items(call: &Call, items: &[&str], refused: &[(usize, Problem)]) {
    let mut told = call.told().borrow_mut();
    let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
    let ours = refused.iter().filter(|(_, problem)| problem.code != Code::PlanViolation).take(most);
    let before = told.entries.len();
    let entries = ours.map(|(place, problem)| Entry::rejected(items.get(*place).copied(), None, None, problem));
    told.entries.extend(entries);
    told.refused |= told.entries.len() > before;
}

/// Tells of the others; `new` are the ids of those that were stored.
pub(crate) fn stored<'a>(call: &Call, rows: impl Iterator<Item = &'a Row>, new: &[String]) {
    let mut told = call.told().borrow_mut();
    if told.watched {
        let mut new: HashSet<&str> = new.iter().map(String::as_str).collect();
        // A repeat within the request is one, too.
        told.entries.extend(rows.map(|row| Entry::accepted(row, new.remove(row.id.as_str()))));
    }
}

/// Tells of a request that was refused as a whole, if it was. `body` is what it sent; what names no event itself is taken for `name`.
pub(crate) fn refused<T>(
    call: &Call,
    body: &str,
    name: Option<&'static str>,
    handled: Result<T, Error>,
) -> Result<T, Error> {
    if let Err(Error::Problem(problem)) = &handled {
        let mut told = call.told().borrow_mut();
        if told.company.is_none() {
            told.company = named_company(body).map(str::to_owned);
        }
        let entry = Entry::rejected(Some(body), name, told.session.as_deref(), problem);
        told.entries.push(entry);
        told.refused = true;
    }
    handled
}

/// Tells of what could be read and is refused once D1 was asked, each with its reason: by the company's plan, or because D1 was down when it was accepted.
pub(crate) fn refused_rows<'a>(call: &Call, rows: impl Iterator<Item = (&'a Row, &'a Problem)>) {
    let mut told = call.told().borrow_mut();
    let Told { session, entries, refused, .. } = &mut *told;
    let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
    let before = entries.len();
    entries.extend(rows.take(most).map(|(row, problem)| Entry::refused(row, session.as_deref(), problem)));
    *refused |= entries.len() > before;
}

/// Notes what is to be told of a request that has been handled, after its answer.
pub(crate) fn note<T>(call: &Call, handled: &Result<T, Error>) {
    let Told { company: Some(company), from_server, session, refused, mut entries, .. } = call.told().take() else {
        return;
    };
    if let Err(Error::Problem(problem)) = handled {
        // Who is told to wait sends the same again.
        if matches!(problem.code, Code::UnknownCompany | Code::RateLimited) {
            return;
        }
        if !refused {
            entries.push(Entry::rejected(None, None, session.as_deref(), problem));
        }
    }
    let now = call.now_ms();
    if entries.is_empty() || !has_room(&company, from_server, &entries, now) {
        return;
    }
    let env = call.env().clone();
    call.after_answer(async move {
        let noted = async {
            incoming::add(&store::database(&env, Some(&company))?, &company, from_server, &entries, now).await
        };
        match noted.await {
            Ok(true) => exists(&company),
            Ok(false) => {}
            Err(error) => {
                console_error!("what became of {} items was not noted: {}", entries.len(), store::brief(&error));
            }
        }
    });
}

/// How many rejected items this isolate noted in a minute …
#[derive(Default)]
struct Minute {
    minute: i64,
    /// … by company and door, of companies that there are …
    each: BTreeMap<(String, bool), usize>,
    /// … and of all others: their ids may be made up, and must not take the room of those that are not.
    others: usize,
}

thread_local! {
    static MINUTE: RefCell<Minute> = RefCell::default();
    /// Companies that there are, as this isolate knows.
    static KNOWN: RefCell<HashSet<String>> = RefCell::default();
}

/// Remembers that there is a company of this id.
fn exists(company: &str) {
    KNOWN.with_borrow_mut(|known| {
        if !known.contains(company) {
            if known.len() >= COMPANIES_KNOWN_MAX {
                known.clear();
            }
            known.insert(company.to_owned());
        }
    });
}

/// Whether the database is worth asking: a flood of rubbish that would find no room there is turned away here.
fn has_room(company: &str, from_server: bool, entries: &[Entry], now_ms: i64) -> bool {
    let rejected = entries.iter().filter(|e| e.outcome == Outcome::Rejected).count();
    if rejected == 0 {
        return true;
    }
    MINUTE.with_borrow_mut(|m| {
        if m.minute != now_ms / 60_000 {
            *m = Minute { minute: now_ms / 60_000, ..Minute::default() };
        }
        let (noted, most) = if KNOWN.with_borrow(|known| known.contains(company)) {
            let each = m.each.entry((company.to_owned(), from_server)).or_default();
            (each, usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default())
        } else {
            (&mut m.others, REJECTED_ISOLATE_MAX)
        };
        if *noted >= most {
            return rejected < entries.len();
        }
        *noted += rejected;
        true
    })
}
