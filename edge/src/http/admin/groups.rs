//! `/api/admin/groups`: the accounts or teams that people are members of. Lists groups and their
//! members, and shows, changes and deletes one group.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::api::Pagination;
use trackmate_wire::limits::{
    GROUPS_ITEMS_MAX, MEMBERS_ITEMS_MAX, NAME_CHARS_MAX, RECORD_FIELD_BYTES_MAX, RECORD_FIELDS_MAX,
};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::groups::trusted_traits;
use crate::domain::person::Traits;
use crate::domain::request_body;
use crate::domain::{clock, event};
use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::runtime::random;
use crate::store::groups::{self, Counted, Named, Place, TrustedTraits, Wanted};

/// A group as shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Group {
    id: String,
    /// The company's own id of it.
    group_id: String,
    kind: String,
    name: Option<String>,
    traits: Traits,
    created_at: String,
    updated_at: String,
    members_count: i64,
}

impl From<Counted> for Group {
    fn from(Counted { group, members }: Counted) -> Self {
        Self {
            name: group.name(),
            traits: group.traits(),
            created_at: clock::iso(group.created_ms()),
            updated_at: clock::iso(group.updated_ms()),
            id: group.id,
            group_id: group.key,
            kind: group.kind,
            members_count: members,
        }
    }
}

/// A group as it stands with a user.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupOf {
    id: String,
    /// The company's own id of it.
    group_id: String,
    kind: String,
    name: Option<String>,
}

impl From<Named> for GroupOf {
    fn from(named: Named) -> Self {
        Self { id: named.id, group_id: named.key, kind: named.kind, name: named.name }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct GroupPage {
    groups: Vec<Group>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct GroupAnswer {
    group: Group,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Member {
    id: String,
    email: Option<String>,
    name: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MemberPage {
    members: Vec<Member>,
    pagination: Pagination,
}

/// `GET /api/admin/groups?limit&cursor&search&groupId&kind` → `{success, groups:[…], pagination}`,
/// ordered by kind and `groupId`.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let limit = pagination::limit(cx, GROUPS_ITEMS_MAX)?;
    let after = pagination::cursor(cx, |text| serde_json::from_str(text).ok())?;
    let search = cx.query("search").map(|text| text.trim().to_ascii_lowercase());
    if let Some(text) = &search {
        body::check_length(text, "search", 1..=NAME_CHARS_MAX)?;
    }
    let filter = Wanted { kind: cx.query("kind"), key: cx.query("groupId"), text: search };
    let db = cx.db(&admin.company)?;
    let found = groups::list(db, &admin.company, &filter, after.as_ref(), pagination::rows(limit)).await?;
    let position = |c: &Counted| serde_json::json!([c.group.kind, c.group.key]).to_string();
    let (found, pagination) =
        pagination::cut_page(found, limit, |counted| pagination::write_cursor(&position(counted)));
    let groups = found.into_iter().map(Group::from).collect();
    response::answer(&GroupPage { groups, pagination })
}

/// `GET /api/admin/groups/{id}` → `{success, group}`.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let group = find(cx, &admin.company, id).await?.into();
    response::answer(&GroupAnswer { group })
}

/// `GET /api/admin/groups/{id}/members?limit&cursor` → `{success, members:[{id, email, name}],
/// pagination}`.
pub(crate) async fn members(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let limit = pagination::limit(cx, MEMBERS_ITEMS_MAX)?;
    let after = pagination::cursor(cx, read_position)?;
    find(cx, &admin.company, id).await?;
    let db = cx.db(&admin.company)?;
    let found = groups::members(db, &admin.company, id, after.as_ref(), pagination::rows(limit)).await?;
    let (found, pagination) =
        pagination::cut_page(found, limit, |m| pagination::write_cursor(&write_position(&m.place)));
    let members =
        found.into_iter().map(|m| Member { name: m.person.full_name(), id: m.person.id, email: m.person.email });
    response::answer(&MemberPage { members: members.collect(), pagination })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupEdit {
    traits: Option<Box<RawValue>>,
}

/// `PATCH /api/admin/groups/{id}` `{traits: {…}}` → `{success, group}`. These traits override
/// claimed traits of pages. Null hides a trait.
pub(crate) async fn patch(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let text = body::text(cx).await?;
    let edit: GroupEdit = request_body::change(&text)?;
    let traits = edit.traits.as_deref().map(RawValue::get).filter(|text| *text != "null");
    let traits = traits.ok_or_else(|| Problem::field(Code::MissingField, "traits", "traits is missing"))?;
    event::check_object(traits, "traits")?;
    let fields = trusted_traits(traits).ok_or_else(|| {
        let message = format!(
            "traits are at most {RECORD_FIELDS_MAX}, each with a name of at most 100 characters and at most \
             {RECORD_FIELD_BYTES_MAX} bytes"
        );
        Problem::field(Code::InvalidField, "traits", message)
    })?;
    let (ts, message_id) = (clock::event_ts(cx.now_ms(), 0), random::message_id());
    let traits = TrustedTraits { fields: &fields, ts, id: &message_id };
    if !groups::set_trusted(cx.db(&admin.company)?, &admin.company, id, traits).await? {
        return Err(unknown().into());
    }
    get(cx, admin, id).await
}

/// `DELETE /api/admin/groups/{id}` → `{success}`. Deletes the group and its memberships. The events
/// that named it stay, and a later event creates it again.
pub(crate) async fn delete(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    find(cx, &admin.company, id).await?;
    if groups::delete(cx.db(&admin.company)?, &admin.company, id).await? {
        return response::success();
    }
    let message = "the group has so many members that not all are deleted yet; ask again to go on";
    Err(Problem::new(Code::LimitReached, message).into())
}

async fn find(cx: &RequestContext, company: &str, id: &str) -> Result<Counted, Error> {
    groups::find(cx.db(company)?, company, id).await?.ok_or_else(|| unknown().into())
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "no group of this company has this id")
}

/// Writes the position of a member in a list.
fn write_position(position: &Place) -> String {
    serde_json::json!([position.session, position.at, position.id]).to_string()
}

/// Reads the position of a member in a list.
fn read_position(text: &str) -> Option<Place> {
    let (session, at, id) = serde_json::from_str(text).ok()?;
    Some(Place { session, at, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_member_survives_writing_and_reading() {
        let position = Place { session: "s".into(), at: 5, id: "a\".b".into() };
        assert_eq!(read_position(&write_position(&position)), Some(position));
        assert_eq!(read_position("[5]"), None);
    }
}
