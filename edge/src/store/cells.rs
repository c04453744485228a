//! Cells: the databases of the deployment. A company is in one of them. The first one, `DB`, has
//! the directory, which says in which.
//!
//! An isolate remembers where a company is for as long as it lives. It may be wrong: each batch of
//! a company begins with a fence, by which the cell refuses the whole batch if the company is not
//! there (`fence.sql`). A deployment with one database has no fence and no directory.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::Object;
use serde::Deserialize;
use trackmate_wire::limits::PLACES_KNOWN_MAX;
use wasm_bindgen::JsCast;
use worker::Env;

use super::param::{Bound, Param};
use super::sql;

/// The first cell, which has the directory.
pub const DIRECTORY: &str = "DB";
/// Every binding with this prefix is a further cell.
const PREFIX: &str = "CELL_";
/// The failure of a batch of a company that is not in this cell: the name of a constraint.
pub(super) const AWAY: &str = "company_is_away";

/// What a database is used for.
#[derive(Debug)]
pub(super) enum Home {
    /// What belongs to no company.
    Directory,
    /// Everything in one cell.
    Cell(Rc<str>),
    /// The data of a company.
    Company(String),
    /// The data of the company of a key, which is given by its hash.
    Key(String),
}

/// Where a batch goes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) cell: Rc<str>,
    /// The company that must be there.
    pub(super) company: Option<Rc<str>>,
}

/// What the directory says of a company.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    company: String,
    /// `None` if there is no such company.
    cell: Option<String>,
}

thread_local! {
    /// The names of all cells, the first one first.
    static CELLS: OnceCell<Rc<[Rc<str>]>> = const { OnceCell::new() };
    /// Cells by company.
    static PLACES: RefCell<BTreeMap<Rc<str>, Rc<str>>> = const { RefCell::new(BTreeMap::new()) };
    /// Companies by the hash of a key.
    static COMPANIES: RefCell<BTreeMap<String, Rc<str>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The names of all cells: `DB`, then the others in the order of their names.
#[must_use]
pub fn all(env: &Env) -> Rc<[Rc<str>]> {
    let read = || {
        let bindings = Object::keys(env.unchecked_ref::<Object>()).into_iter().filter_map(|name| name.as_string());
        let mut others: Vec<String> = bindings.filter(|name| name.starts_with(PREFIX)).collect();
        others.sort();
        std::iter::once(DIRECTORY.into()).chain(others.into_iter().map(Into::into)).collect()
    };
    CELLS.with(|cells| Rc::clone(cells.get_or_init(read)))
}

/// Whether a batch failed because the company is not in the cell, or is being moved.
#[must_use]
pub fn is_away(error: &worker::Error) -> bool {
    error.to_string().contains(AWAY)
}

/// The place that the isolate knows without the directory.
pub(super) fn known(env: &Env, home: &Home) -> Option<Place> {
    let everything = |cell| Some(Place { cell, company: None });
    let company = match home {
        Home::Directory => return everything(DIRECTORY.into()),
        Home::Cell(cell) => return everything(Rc::clone(cell)),
        Home::Company(_) | Home::Key(_) if all(env).len() == 1 => return everything(DIRECTORY.into()),
        Home::Company(company) => company.as_str().into(),
        Home::Key(hash) => COMPANIES.with_borrow(|known| known.get(hash).cloned())?,
    };
    let cell = PLACES.with_borrow(|known| known.get(&company).cloned())?;
    Some(Place { cell, company: Some(company) })
}

/// The cell of a company, if the isolate knows it.
#[must_use]
pub fn of_company(env: &Env, company: &str) -> Option<Rc<str>> {
    known(env, &Home::Company(company.to_owned())).map(|place| place.cell)
}

/// The cell of the company of this key, which is given by its hash, if the isolate knows it.
#[must_use]
pub fn of_key(env: &Env, hash: &str) -> Option<Rc<str>> {
    known(env, &Home::Key(hash.to_owned())).map(|place| place.cell)
}

/// The statement that asks the directory; `None` if there is nothing to ask.
pub(super) fn search(home: &Home) -> Option<Bound> {
    match home {
        Home::Directory | Home::Cell(_) => None,
        Home::Company(company) => Some(Bound::new(sql::PLACE_FIND.into(), &[Param::from(company)])),
        Home::Key(hash) => Some(Bound::new(sql::PLACE_OF_KEY.into(), &[Param::from(hash)])),
    }
}

/// Remembers what the directory said. Who has no place is in `DB`, if anywhere: nothing is
/// remembered of a company that does not exist.
pub(super) fn found(home: &Home, found: Option<Found>) -> Place {
    let Some(Found { company, cell: Some(cell) }) = found else {
        return Place { cell: DIRECTORY.into(), company: None };
    };
    let (company, cell): (Rc<str>, Rc<str>) = (company.into(), cell.into());
    if let Home::Key(hash) = home {
        COMPANIES.with_borrow_mut(|known| remember(known, hash.clone(), &company));
    }
    PLACES.with_borrow_mut(|known| remember(known, Rc::clone(&company), &cell));
    Place { cell, company: Some(company) }
}

fn remember<K: Ord>(known: &mut BTreeMap<K, Rc<str>>, key: K, value: &Rc<str>) {
    if known.len() >= PLACES_KNOWN_MAX {
        known.pop_first();
    }
    known.insert(key, Rc::clone(value));
}

/// Forgets a place that was wrong.
pub(super) fn forget(home: &Home) {
    let company = match home {
        Home::Directory | Home::Cell(_) => None,
        Home::Company(company) => Some(company.as_str().into()),
        Home::Key(hash) => COMPANIES.with_borrow(|known| known.get(hash).cloned()),
    };
    if let Some(company) = company {
        PLACES.with_borrow_mut(|known| drop(known.remove(&company)));
    }
}
