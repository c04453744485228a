//! Groups and their members. The batch that stores events writes them; members are computed when
//! they are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use trackmate_wire::ids::SERVER_SESSION_PREFIX;
use trackmate_wire::limits::{
    GROUP_LAYER_BYTES_MAX, GROUP_SESSIONS_COUNTED_MAX, GROUPS_OF_MEMBERSHIPS_MAX, GROUPS_OF_PAGES_MAX,
    GROUPS_SESSIONS_COUNTED_MAX, GROUPS_SHOWN_MAX, MEMBERSHIPS_DELETE_MAX, MEMBERSHIPS_SESSION_MAX,
    MEMBERSHIPS_SLICES_MAX, RECORD_FIELDS_MAX,
};

use super::request::IngestRequest;
use super::{Bound, Db, Page, Param, Result, list_bytes, sql};
use crate::domain::event::Row;
use crate::domain::groups::{self, Group};
use crate::domain::json;
use crate::domain::person::{self, Person};
use crate::domain::record::Sent;

/// The statements that write the groups of a request's events: none if no event names a group.
/// [`super::records::mark`] comes after them.
pub(super) fn merge(db: &Db, request: &IngestRequest<'_>, rows: &[Row]) -> Result<Vec<Bound>> {
    let changes = groups::group_changes(rows, request.source);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let changes = serde_json::to_string(&changes)?;
    let (changes, company, source) = (Param::from(&changes), request.company.into(), request.source.into());
    let marker = request.marker.into();
    let merge = [changes, company, source, marker, most(), bytes(), GROUPS_OF_PAGES_MAX.into()];
    let mut statements = vec![db.bind(sql::GROUPS_MERGE, &merge)?];
    if request.has_session() {
        let place = if request.finds_session { Some(0) } else { place(request.session) };
        let of_session = MEMBERSHIPS_SESSION_MAX.into();
        let membership = [changes, company, source, request.session.into(), marker, place.into(), of_session];
        statements.push(db.bind(sql::MEMBERSHIPS_INSERT, &membership)?);
    }
    Ok(statements)
}

/// The place of a membership on a session, if it is not the place of its event. A server session
/// belongs to one person for all its time, so one place is enough.
#[must_use]
pub fn place(session: &str) -> Option<i64> {
    session.starts_with(SERVER_SESSION_PREFIX).then_some(0)
}

fn most<'a>() -> Param<'a> {
    i64::try_from(RECORD_FIELDS_MAX).unwrap_or(i64::MAX).into()
}

fn bytes<'a>() -> Param<'a> {
    i64::try_from(GROUP_LAYER_BYTES_MAX).unwrap_or(i64::MAX).into()
}

/// A stored group. Its members are counted on a limited number of sessions.
#[derive(Debug, Deserialize)]
struct GroupRow {
    id: String,
    kind: String,
    key: String,
    first_ts: i64,
    claimed_traits: String,
    trusted_traits: String,
    members: i64,
}

/// A group and the number of its members.
#[derive(Debug)]
pub struct Counted {
    /// The group.
    pub group: Group,
    /// The number of its members, up to the limit of the count.
    pub members: i64,
}

impl GroupRow {
    fn counted(self) -> Result<Counted> {
        let group = Group {
            id: self.id,
            kind: self.kind,
            key: self.key,
            first_ts: self.first_ts,
            claimed_traits: serde_json::from_str(&json::normalised(&self.claimed_traits))?,
            trusted_traits: serde_json::from_str(&json::normalised(&self.trusted_traits))?,
        };
        Ok(Counted { group, members: self.members })
    }
}

/// A filter of groups.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only with this id of the company.
    pub key: Option<String>,
    /// Only those whose name or key contains this text, in lower case.
    pub text: Option<String>,
}

/// A page of groups in the order of kind and key, after a group if one is given. Members are
/// counted on the first sessions of each.
///
/// # Errors
/// D1's.
pub async fn list(
    db: &Db,
    company: &str,
    wanted: &Wanted,
    after: Option<&(String, String)>,
    limit: i64,
) -> Result<Page<Counted>> {
    let params = [
        company.into(),
        GROUPS_SESSIONS_COUNTED_MAX.into(),
        wanted.kind.as_ref().into(),
        wanted.key.as_ref().into(),
        wanted.text.as_ref().into(),
        after.map(|(kind, _)| kind).into(),
        after.map(|(_, key)| key).into(),
        limit.into(),
        list_bytes(),
    ];
    db.run(sql::GROUPS_LIST, &params).await?.page::<GroupRow>()?.try_map(GroupRow::counted)
}

/// One group.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, id: &str) -> Result<Option<Counted>> {
    let params = [company.into(), GROUP_SESSIONS_COUNTED_MAX.into(), id.into()];
    db.run(sql::GROUP_FIND, &params).await?.first::<GroupRow>()?.map(GroupRow::counted).transpose()
}

/// A group that a person is a member of.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// The company's id of it.
    pub key: String,
    /// Its name, if it has one.
    pub name: Option<String>,
}

/// The groups that a person is a member of, ordered by the person's first membership in each. The
/// number of groups is limited.
///
/// # Errors
/// D1's.
pub async fn of(db: &Db, company: &str, profile: &str) -> Result<Vec<Named>> {
    let params = [company.into(), profile.into(), GROUPS_SHOWN_MAX.into(), GROUPS_OF_MEMBERSHIPS_MAX.into()];
    db.run(sql::GROUPS_OF, &params).await?.rows()
}

#[derive(Deserialize)]
struct Found {
    session: String,
    at: i64,
    link: String,
    id: String,
    email: Option<String>,
    name: Option<String>,
    traits: String,
    trusted_traits: String,
}

/// A place in the list of a group's members: the session and the link of the last member shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The session.
    pub session: String,
    /// The `ts` from which the session belongs to the member.
    pub at: i64,
    /// Message id of the identify that made the link.
    pub id: String,
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    /// The person: id, address, name.
    pub person: Person,
    /// The place where the walk found them.
    pub place: Place,
}

/// A page of a group's members, after a place if one is given.
///
/// # Errors
/// D1's.
pub async fn members(db: &Db, company: &str, group: &str, after: Option<&Place>, limit: i64) -> Result<Page<Member>> {
    let params = [
        company.into(),
        group.into(),
        after.map_or("", |place| &place.session).into(),
        after.map_or(-1, |place| place.at).into(),
        after.map_or("", |place| &place.id).into(),
        limit.into(),
        list_bytes(),
    ];
    let found = db.run(sql::MEMBERSHIPS_LIST, &params).await?.page::<Found>()?;
    let member = |f: Found| {
        let person = Person {
            id: f.id,
            email: f.email,
            claimed_name: f.name,
            claimed_traits: person::traits(&f.traits)?,
            trusted_traits: person::traits(&f.trusted_traits)?,
            ..Person::default()
        };
        Ok(Member { person, place: Place { session: f.session, at: f.at, id: f.link } })
    };
    found.try_map(member)
}

/// Trusted traits of a group, with their place in the order of changes.
#[derive(Debug, Clone, Copy)]
pub struct TrustedTraits<'a> {
    /// The traits.
    pub fields: &'a BTreeMap<String, Sent>,
    /// When they were set.
    pub ts: i64,
    /// A random id in place of an event's message id.
    pub id: &'a str,
}

/// Sets trusted traits of a group; `false` if there is no such group.
///
/// # Errors
/// D1's.
pub async fn set_trusted(db: &Db, company: &str, group: &str, traits: TrustedTraits<'_>) -> Result<bool> {
    let TrustedTraits { fields, ts, id } = traits;
    let fields = serde_json::to_string(fields)?;
    let params = [company.into(), group.into(), (&fields).into(), ts.into(), id.into(), most(), bytes()];
    Ok(db.run(sql::GROUPS_SET_TRUSTED, &params).await?.first::<Value>()?.is_some())
}

/// Deletes a group and its memberships. `false` if there are too many memberships for one call, so
/// some are left.
///
/// # Errors
/// D1's; what was deleted before stays deleted.
pub async fn delete(db: &Db, company: &str, id: &str) -> Result<bool> {
    for _ in 0..MEMBERSHIPS_SLICES_MAX {
        let batch = vec![
            db.bind(sql::MEMBERSHIPS_DELETE, &[company.into(), id.into(), MEMBERSHIPS_DELETE_MAX.into()])?,
            db.bind(sql::GROUP_DELETE, &[company.into(), id.into()])?,
        ];
        let answers = db.batch(batch).await?;
        if answers.last().map(super::Answer::rows::<Value>).transpose()?.is_some_and(|rows| !rows.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}
