//! Edits of a person by an admin: `PATCH /api/admin/users/{id}`, tags, and custom fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::edit::Edit;
use crate::domain::person::{Person, User};
use crate::domain::request_body;
use crate::domain::secret::Scope;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::people::edit::change;
use crate::people::identity_key::address;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EditAnswer {
    user: User,
}

fn answer(person: &Person) -> HandlerResult {
    response::answer(&EditAnswer { user: person.user() })
}

/// `PATCH /api/admin/users/{id}` with `email`, any field of the user object, other traits,
/// `traits`, `optIns`, `exportConsent: bool|{given, at?, source?}`, `customFields`, `tags: {add,
/// remove}` → `{success, user}`. Null hides a trait and removes a custom field.
pub(crate) async fn patch(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let text = body::text(cx).await?;
    answer(&change(cx, &admin.company, id, &Edit::read(&text, Scope::Admin, address)?).await?)
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct TagsRequest {
    tags: Value,
}

/// `POST /api/admin/users/{id}/tags` `{tags: [name]}` → `{success, user}`.
pub(crate) async fn add_tags(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let names = request_body::change::<TagsRequest>(&body::text(cx).await?)?.tags;
    answer(&change(cx, &admin.company, id, &Edit::of_tags(&names, true)?).await?)
}

/// `DELETE /api/admin/users/{id}/tags` `{tags: [name or id]}`, or `?tag=name` → `{success, user}`.
pub(crate) async fn remove_tags(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let names = match cx.query("tag") {
        Some(name) => Value::from(vec![name]),
        None => request_body::change::<TagsRequest>(&body::text(cx).await?)?.tags,
    };
    answer(&change(cx, &admin.company, id, &Edit::of_tags(&names, false)?).await?)
}

/// `PATCH /api/admin/users/{id}/custom-fields` `{name: text|number|boolean|null}` → `{success,
/// user}`.
pub(crate) async fn fields(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let text = body::text(cx).await?;
    answer(&change(cx, &admin.company, id, &Edit::of_fields(&text)?).await?)
}
