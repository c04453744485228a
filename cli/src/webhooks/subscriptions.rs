//! Commands for webhooks: add, list, test, remove, stats, enable, disable, rotate.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::model::{One, Settings, Tested, Webhooks};
use super::options::{Add, Preset};
use super::{layout, parse};
use crate::api::Api;
use crate::error::{Error, Problem};
use crate::output::Output;

const WEBHOOKS: &str = "/api/admin/webhooks";
const SETTINGS: &str = "/api/admin/settings";

/// A request to create a webhook. Missing options are left out, so that the API's defaults apply.
#[derive(Serialize)]
struct New<'a> {
    url: &'a str,
    name: &'a str,
    events: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<Preset>,
    #[serde(rename = "rateLimit", skip_serializing_if = "Option::is_none")]
    rate_limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// `POST /api/admin/webhooks`
pub(super) fn add(add: &Add, api: &Api, output: Output) -> Result<(), Error> {
    let headers = add.headers.iter().map(|text| parse::header(text)).collect::<Result<_, _>>();
    let new = New {
        url: &add.target,
        name: &add.name,
        events: &add.events.0,
        headers: headers.map_err(|why| Error::Usage(why.into()))?,
        preset: add.preset,
        rate_limit: add.rate_limit,
        description: add.description.as_deref(),
    };
    output.answer(&api.post(WEBHOOKS, &json!(new))?, |one: One| layout::with_secret("Added", &one.webhook))
}

/// `GET /api/admin/webhooks`
pub(super) fn list(api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.get(WEBHOOKS, &[])?;
    let on = output.json || webhooks_enabled(api)?;
    output.answer(&answer, |all: Webhooks| layout::list(&all.webhooks, on, &chrono::Local))
}

/// `GET /api/admin/webhooks`, as a table of counts.
pub(super) fn stats(api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.get(WEBHOOKS, &[])?;
    let on = output.json || webhooks_enabled(api)?;
    output.answer(&answer, |all: Webhooks| layout::stats(&all.webhooks, on, &chrono::Local))
}

/// `GET /api/admin/settings`: the switch of all webhooks.
fn webhooks_enabled(api: &Api) -> Result<bool, Error> {
    Ok(api.get(SETTINGS, &[])?.read::<Settings>()?.settings.webhooks_enabled)
}

/// `POST /api/admin/webhooks/{id}/test`
pub(super) fn test(target: &str, api: &Api, output: Output) -> Result<(), Error> {
    let id = if target.contains("://") { id_of(target, api)? } else { parse::id(target).map_err(Error::Usage)? };
    let answer = api.post(&format!("{WEBHOOKS}/{id}/test"), &json!({}))?;
    let tested: Tested = answer.read()?;
    output.answer(&answer, |tested: Tested| layout::tested(&tested))?;
    if tested.delivered { Ok(()) } else { Err(Error::Failed("the receiver did not accept the test delivery".into())) }
}

/// The id of the webhook with this URL.
fn id_of(url: &str, api: &Api) -> Result<String, Error> {
    let all: Webhooks = api.get(WEBHOOKS, &[])?.read()?;
    let ids: Vec<String> =
        all.webhooks.into_iter().filter(|webhook| webhook.url == url).map(|webhook| webhook.id).collect();
    match ids.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(Error::NotFound(Problem::local("not_found", format!("no webhook has the URL {url}")))),
        [_, ..] => {
            Err(Error::Usage(format!("several webhooks have this URL, choose one by its id: {}", ids.join(", "))))
        }
    }
}

/// `DELETE /api/admin/webhooks/{id}`
pub(super) fn remove(id: &str, api: &Api, output: Output) -> Result<(), Error> {
    output.answer(&api.delete(&format!("{WEBHOOKS}/{id}"))?, |_: Value| format!("Removed {id}"))
}

/// `PATCH /api/admin/webhooks/{id}` `{active: true, held?}`
pub(super) fn enable(id: &str, dismiss_held: bool, api: &Api, output: Output) -> Result<(), Error> {
    let held = if dismiss_held { "dismiss" } else { "deliver" };
    let answer = api.patch(&format!("{WEBHOOKS}/{id}"), &json!({"active": true, "held": held}))?;
    output.answer(&answer, |one: One| format!("Enabled {} ({})", one.webhook.name, one.webhook.id))
}

/// `PATCH /api/admin/webhooks/{id}` `{active: false}`
pub(super) fn disable(id: &str, api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.patch(&format!("{WEBHOOKS}/{id}"), &json!({"active": false}))?;
    output.answer(&answer, |one: One| format!("Disabled {} ({})", one.webhook.name, one.webhook.id))
}

/// `PATCH /api/admin/settings` `{webhooksEnabled}`
pub(super) fn switch_all(on: bool, api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.patch(SETTINGS, &json!({"webhooksEnabled": on}))?;
    output.answer(&answer, |_: Value| format!("{} all webhooks", if on { "Enabled" } else { "Disabled" }))
}

/// `POST /api/admin/webhooks/{id}/rotate-secret`
pub(super) fn rotate(id: &str, grace_hours: u32, api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.post(&format!("{WEBHOOKS}/{id}/rotate-secret"), &json!({"graceHours": grace_hours}))?;
    output.answer(&answer, |one: One| layout::with_secret("New secret of", &one.webhook))
}
