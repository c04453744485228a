//! What a secret key says of a person: `PATCH /api/admin/users/{id}`, tags, custom fields, and the `user` of a server event.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trackmate_wire::problem::{Code, Problem};

use super::call::Call;
use super::error::Error;
use super::users::find;
use super::{Handled, auth, body};
use crate::domain::edit::Edit;
use crate::domain::person::{Person, User};
use crate::entropy;
use crate::store::edits;

/// How often an edit reads its person again because another one came in between.
const RACES_MAX: usize = 5;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EditAnswer"))]
pub(super) struct Answer {
    success: bool,
    user: User,
}

fn answer(person: &Person) -> Handled {
    Ok(serde_json::to_string(&Answer { success: true, user: person.user() })?)
}

/// Makes an edit and sends its platform events; the person as it is then.
pub(super) async fn change(call: &Call, company: &str, id: &str, edit: &Edit) -> Result<Person, Error> {
    for _ in 0..RACES_MAX {
        let read = find(call, company, id).await?;
        let mut person = read.person(company)?;
        let Some(done) = edit.apply(&mut person, call.now_ms())? else { return Ok(read.person(company)?) };
        let db = call.db(Some(company))?;
        let number = entropy::number();
        let written = edits::write(db, &read, &person, &done, number, call.now_ms(), entropy::message_id).await?;
        if let Some(outbox) = written {
            call.emitted(company, done.events.iter().map(|event| event.name), outbox);
            return Ok(person);
        }
    }
    Err(Problem::new(Code::Conflict, "the user is being edited by many at once; try again").into())
}

/// `PATCH /api/admin/users/{id}` with any of the user object's own fields, other traits, `traits`, `optIns`, `exportConsent: bool|{given, at?, source?}`,
/// `customFields`, `tags: {add, remove}` → `{success, user}`. Null hides a trait or takes a custom field away.
pub(super) async fn patch(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let text = body::text(call).await?;
    answer(&change(call, &admin.company, id, &Edit::read(&text, "admin")?).await?)
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TagsRequest"))]
pub(super) struct Tags {
    tags: Value,
}

/// `POST /api/admin/users/{id}/tags` `{tags: [name]}` gives tags, `DELETE` takes them away, by name or id; `DELETE …?tag=name` takes one →
/// `{success, user}`.
pub(super) async fn tags(call: &Call, admin: auth::Admin, id: &str, added: bool) -> Handled {
    let names = match call.query("tag").filter(|_| !added) {
        Some(name) => Value::from(vec![name]),
        None => body::parse::<Tags>(&body::text(call).await?)?.tags,
    };
    answer(&change(call, &admin.company, id, &Edit::of_tags(&names, added)?).await?)
}

/// `PATCH /api/admin/users/{id}/custom-fields` `{name: text|number|boolean|null}` → `{success, user}`.
pub(super) async fn fields(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let text = body::text(call).await?;
    answer(&change(call, &admin.company, id, &Edit::of_fields(&text)?).await?)
}
