//! Lists of users. One round trip reads a page and the total number. A search first updates its
//! index.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trackmate_wire::limits::{
    EXPORT_PAGE_BYTES, SEARCH_REFRESH_BYTES, SEARCH_REFRESH_MAX, SEARCH_REFRESHES_MAX, SEARCH_WORDS_MAX, TOTAL_MAX,
};

use super::people::Profile;
use super::slices::{Slices, sum};
use super::{Batch, Db, Page, Param, Result, Statement, list_bytes, sql};
use crate::domain::listing::Wanted;
use crate::domain::search::{search, words};

/// The place of a page: after this user.
#[derive(Debug)]
pub struct Place {
    /// The value by which the list is sorted: a number or a text.
    pub key: Value,
    /// The id.
    pub id: String,
    /// The total number when the walk began. Most of the cost of a page is this count.
    pub total: i64,
}

/// A part of the list.
#[derive(Debug)]
pub struct Part {
    /// After this user.
    pub after: Option<Place>,
    /// The most users of the page.
    pub limit: i64,
    /// The number of users to skip first.
    pub offset: i64,
}

/// A user and the value by which the list is sorted.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// The key.
    pub key: Value,
    /// The user.
    #[serde(flatten)]
    pub profile: Profile,
}

#[derive(Deserialize)]
struct Total {
    total: i64,
}

/// A filter as parameters of the statements.
struct Asked<'a> {
    company: &'a str,
    wanted: &'a Wanted,
    tags: Option<String>,
    fields: Option<String>,
    words: Option<String>,
}

impl<'a> Asked<'a> {
    fn new(company: &'a str, wanted: &'a Wanted) -> Result<Self> {
        let json = |is_empty: bool, text: String| if is_empty { None } else { Some(text) };
        Ok(Self {
            company,
            wanted,
            tags: json(wanted.tags.is_empty(), serde_json::to_string(&wanted.tags)?),
            fields: json(wanted.fields.is_empty(), serde_json::to_string(&wanted.fields)?),
            words: wanted
                .search
                .as_deref()
                .and_then(|text| search(&nfd(text)))
                .map(|search| serde_json::to_string(&search))
                .transpose()?,
        })
    }

    /// The first parameters of every statement that begins with `users.filter.sql`.
    fn params(&self) -> [Param<'_>; 10] {
        let wanted = self.wanted;
        [
            self.company.into(),
            wanted.created_from.into(),
            wanted.created_before.into(),
            wanted.updated_from.into(),
            self.tags.as_ref().into(),
            self.fields.as_ref().into(),
            wanted.opted_in.as_ref().into(),
            Some(1_i64).filter(|_| wanted.consented).into(),
            self.words.as_ref().into(),
            wanted.sort.map(|sort| sort.as_str()).into(),
        ]
    }
}

/// A page of the users that match, and their total number. The total is counted on the first page,
/// up to one more than [`TOTAL_MAX`].
///
/// # Errors
/// D1's.
pub async fn page(db: &Db, company: &str, wanted: &Wanted, part: &Part) -> Result<(Page<Listed>, i64)> {
    let asked = Asked::new(company, wanted)?;
    if asked.words.is_some() {
        refresh(db, company).await?;
    }
    let filter = asked.params();
    let statement = match (wanted.descending, wanted.sort) {
        (true, _) => sql::USERS_DESC,
        (false, Some(_)) => sql::USERS_ASC,
        (false, None) => sql::USERS_BY_ID,
    };
    let key = match part.after.as_ref().map(|place| &place.key) {
        Some(Value::String(text)) => text.into(),
        Some(Value::Number(n)) => n.as_i64().into(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => Param::Null,
    };
    let id = part.after.as_ref().map(|place| &place.id).into();
    let place = [key, id, part.limit.into(), part.offset.into(), list_bytes()];
    let page = db.bind(statement, &[&filter[..], &place[..]].concat())?;
    let mut batch = Batch::default();
    let Some(after) = &part.after else {
        let count = db.bind(sql::USERS_COUNT, &[&filter[..], &[(TOTAL_MAX + 1).into()]].concat())?;
        let total = batch.read::<Total>(count);
        let page = batch.read(page);
        let answers = db.run_batch(batch).await?;
        let total = answers.first(&total)?.map_or(0, |row| row.total);
        return Ok((answers.page(&page)?, total));
    };
    let page = batch.read(page);
    Ok((db.run_batch(batch).await?.page(&page)?, after.total))
}

/// The next users that match, in the order of ids, for an export. A search finds only users in the
/// index: see [`refresh`].
///
/// # Errors
/// D1's.
pub async fn next(db: &Db, company: &str, wanted: &Wanted, after: Option<&str>, limit: i64) -> Result<Page<Profile>> {
    let asked = Asked::new(company, wanted)?;
    let place = [Param::Null, after.into(), limit.into(), 0_i64.into(), EXPORT_PAGE_BYTES.into()];
    db.run(sql::USERS_BY_ID, &[&asked.params()[..], &place[..]].concat()).await?.page()
}

/// The number of all users that match; `None` if the count takes more slices than are left. A
/// search finds only users in the index: see [`refresh`].
///
/// # Errors
/// D1's.
pub async fn count(db: &Db, company: &str, wanted: &Wanted, slices: &mut Slices) -> Result<Option<i64>> {
    let asked = Asked::new(company, wanted)?;
    let params = asked.params().into_iter().map(Value::from).collect();
    sum(db, Statement { sql: sql::USERS_COUNT_SLICE, params }, vec![json!("")], slices).await
}

/// A user whose words are not up to date.
#[derive(Serialize, Deserialize)]
struct Stale {
    id: String,
    text: String,
    #[serde(default)]
    words: String,
}

/// Unicode's form NFD, where an accent is a character of its own.
fn nfd(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { String::from(js_sys::JsString::from(text).normalize("NFD")) }
}

/// Updates the index for users that changed since the last search. `false` if one request cannot
/// update them all; the next search goes on.
///
/// # Errors
/// D1's.
pub async fn refresh(db: &Db, company: &str) -> Result<bool> {
    let stale = |after: &str| {
        let params = [company.into(), after.into(), SEARCH_REFRESH_MAX.into(), SEARCH_REFRESH_BYTES.into()];
        db.bind(sql::SEARCH_STALE, &params)
    };
    let mut batch = Batch::default();
    let mut slot = batch.read::<Stale>(stale("")?);
    for _ in 0..SEARCH_REFRESHES_MAX {
        let mut people = db.run_batch(batch).await?.rows(&slot)?;
        let Some(last) = people.last().map(|person| person.id.clone()) else { return Ok(true) };
        for person in &mut people {
            person.words = words(&nfd(&person.text), SEARCH_WORDS_MAX);
        }
        let people = serde_json::to_string(&people)?;
        batch = Batch::default();
        batch.write(db.bind(sql::SEARCH_WRITE, &[company.into(), (&people).into()])?);
        batch.write(db.bind(sql::SEARCH_DONE, &[company.into(), (&people).into()])?);
        slot = batch.read(stale(&last)?);
    }
    Ok(db.run_batch(batch).await?.rows(&slot)?.is_empty())
}
