//! Holding events against their company's plan, at both doors.
//!
//! An isolate keeps plans, and knows by the version whether one is in force. That comes with what is asked anyway: at the server's door with the key, at the
//! browser's with the door itself, and there the statement that stores events stores none that were held against another version. So a plan is in force for
//! every request that begins after it was set, nothing is asked for a company without one, and what is kept is never trusted to be right.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use trackmate_wire::limits::PLANS_KEPT;

use super::call::Call;
use super::error::Error;
use super::events::check;
use crate::domain::event::Sorted;
use crate::domain::plan::{self, Mode, Plan, Violation};
use crate::jobs::violations;
use crate::store::ingest::{self, Door, Request, Stored};
use crate::store::plans;

/// How often a request is held against a plan anew because another one came into force in between.
const TRIES_MAX: usize = 3;

/// A plan in force.
struct Held {
    version: i64,
    mode: Mode,
    plan: Plan,
}

thread_local! {
    /// By company.
    static KEPT: RefCell<BTreeMap<String, Rc<Held>>> = const { RefCell::new(BTreeMap::new()) };
}

fn kept(company: &str) -> Option<Rc<Held>> {
    KEPT.with_borrow(|kept| kept.get(company).cloned())
}

/// Reads a company's plan and keeps it; none if events are held against none.
async fn load(call: &Call, company: &str) -> Result<Option<Rc<Held>>, Error> {
    let stored = plans::find(call.db(Some(company))?, company).await?;
    let held = match stored.filter(|stored| stored.mode != Mode::Off) {
        Some(s) => Some(Rc::new(Held { version: s.version, mode: s.mode, plan: serde_json::from_str(&s.plan)? })),
        None => None,
    };
    KEPT.with_borrow_mut(|kept| {
        kept.remove(company);
        if kept.len() >= PLANS_KEPT {
            kept.pop_first();
        }
        if let Some(held) = &held {
            kept.insert(company.to_owned(), Rc::clone(held));
        }
    });
    Ok(held)
}

/// Counts violations once the answer is on its way.
fn note(call: &Call, company: &str, found: Vec<(String, Violation)>) {
    if violations::count(company, found, call.now_ms()) {
        call.after_answer(violations::write_down(call.env().clone()));
    }
}

/// Stores a browser's events, those that its company's plan lets in. → what became of each, and what was stored.
pub(super) async fn browser(call: &Call, request: Request<'_>, sorted: Sorted) -> Result<(Sorted, Stored), Error> {
    let company = request.company;
    let mut held = kept(company);
    for _ in 0..TRIES_MAX {
        let request = Request { plan: Some(held.as_ref().map_or(0, |held| held.version)), ..request };
        let mut fitting = held.as_ref().map(|_| sorted.clone());
        let found = match (&held, &mut fitting) {
            (Some(held), Some(fitting)) => plan::hold(fitting, &held.plan, held.mode),
            (None, _) | (_, None) => Vec::new(),
        };
        let rows = &fitting.as_ref().unwrap_or(&sorted).rows;
        let (door, stored) = ingest::browser(call.db(Some(company))?, &request, rows).await?;
        if let Door::Replanned(_) = door {
            held = load(call, company).await?;
            continue;
        }
        check(door)?;
        note(call, company, found);
        return Ok((fitting.unwrap_or(sorted), stored));
    }
    Err(Error::Internal(format!("the company's plan was changed {TRIES_MAX} times over")))
}

/// Takes out of a server's events what its company's plan refuses. `version` is the one in force, as the key told.
pub(super) async fn server(call: &Call, company: &str, version: i64, sorted: &mut Sorted) -> Result<(), Error> {
    if version == 0 {
        return Ok(());
    }
    let held = match kept(company).filter(|held| held.version == version) {
        Some(held) => Some(held),
        None => load(call, company).await?,
    };
    if let Some(held) = held {
        note(call, company, plan::hold(sorted, &held.plan, held.mode));
    }
    Ok(())
}
