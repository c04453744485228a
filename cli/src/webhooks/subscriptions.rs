//! Commands for webhooks: add, list, test, remove, stats, enable, disable, rotate.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trackmate_wire::api::{
    RotateRequest, SettingsAnswer, SettingsChange, TestAnswer, WebhookAnswer, WebhookChange, WebhookList,
};

use super::options::Add;
use super::{layout, parse};
use crate::api::Api;
use crate::error::{Error, Problem};
use crate::output::Output;

const WEBHOOKS: &str = "/api/admin/webhooks";
const SETTINGS: &str = "/api/admin/settings";

/// `POST /api/admin/webhooks`
pub(super) fn add(add: &Add, api: &Api, output: Output) -> Result<(), Error> {
    let headers = add.headers.iter().map(|text| {
        let (name, value) = parse::header(text)?;
        Ok((name.to_owned(), Some(value.to_owned())))
    });
    let headers: BTreeMap<_, _> = headers.collect::<Result<_, &str>>().map_err(|why| Error::Usage(why.into()))?;
    // Missing options are left out, so that the API's defaults apply.
    let new = WebhookChange {
        url: Some(add.target.clone()),
        name: Some(add.name.clone()),
        events: Some(add.events.0.clone()),
        headers: Some(headers).filter(|headers| !headers.is_empty()),
        preset: add.preset.map(|preset| preset.as_str().to_owned()),
        rate_limit: add.rate_limit.map(Some),
        description: add.description.clone().map(Some),
        ..WebhookChange::default()
    };
    output.answer(&api.post(WEBHOOKS, &json!(new))?, |answer: WebhookAnswer| {
        layout::with_secret("Added", &answer.webhook)
    })
}

/// `GET /api/admin/webhooks`
pub(super) fn list(api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.get(WEBHOOKS, &[])?;
    let on = output.json || webhooks_enabled(api)?;
    output.answer(&answer, |all: WebhookList| layout::list(&all.webhooks, on, &chrono::Local))
}

/// `GET /api/admin/webhooks`, as a table of counts.
pub(super) fn stats(api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.get(WEBHOOKS, &[])?;
    let on = output.json || webhooks_enabled(api)?;
    output.answer(&answer, |all: WebhookList| layout::stats(&all.webhooks, on, &chrono::Local))
}

/// `GET /api/admin/settings`: the switch of all webhooks.
fn webhooks_enabled(api: &Api) -> Result<bool, Error> {
    Ok(api.get(SETTINGS, &[])?.read::<SettingsAnswer>()?.settings.webhooks_enabled)
}

/// `POST /api/admin/webhooks/{id}/test`
pub(super) fn test(target: &str, api: &Api, output: Output) -> Result<(), Error> {
    let id = if target.contains("://") { id_of(target, api)? } else { parse::id(target).map_err(Error::Usage)? };
    let answer = api.post(&format!("{WEBHOOKS}/{id}/test"), &json!({}))?;
    let tested: TestAnswer = answer.read()?;
    output.answer(&answer, |tested: TestAnswer| layout::tested(&tested))?;
    if tested.delivered { Ok(()) } else { Err(Error::Failed("the receiver did not accept the test delivery".into())) }
}

/// The id of the webhook with this URL.
fn id_of(url: &str, api: &Api) -> Result<String, Error> {
    let all: WebhookList = api.get(WEBHOOKS, &[])?.read()?;
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
    output.confirm(&format!("Remove the webhook {id}? Its deliveries and its secret go with it."))?;
    output.answer(&api.delete(&format!("{WEBHOOKS}/{id}"))?, |_: Value| format!("Removed {id}"))
}

/// `PATCH /api/admin/webhooks/{id}` `{active: true, held?}`
pub(super) fn enable(id: &str, dismiss_held: bool, api: &Api, output: Output) -> Result<(), Error> {
    if dismiss_held {
        output.confirm(&format!("Dismiss the held deliveries of {id}? They are not sent."))?;
    }
    let held = if dismiss_held { "dismiss" } else { "deliver" };
    let change = WebhookChange { active: Some(true), held: Some(held.to_owned()), ..WebhookChange::default() };
    let answer = api.patch(&format!("{WEBHOOKS}/{id}"), &json!(change))?;
    output.answer(&answer, |answer: WebhookAnswer| format!("Enabled {} ({})", answer.webhook.name, answer.webhook.id))
}

/// `PATCH /api/admin/webhooks/{id}` `{active: false}`
pub(super) fn disable(id: &str, api: &Api, output: Output) -> Result<(), Error> {
    let change = WebhookChange { active: Some(false), ..WebhookChange::default() };
    let answer = api.patch(&format!("{WEBHOOKS}/{id}"), &json!(change))?;
    output.answer(&answer, |answer: WebhookAnswer| format!("Disabled {} ({})", answer.webhook.name, answer.webhook.id))
}

/// `PATCH /api/admin/settings` `{webhooksEnabled}`
pub(super) fn switch_all(on: bool, api: &Api, output: Output) -> Result<(), Error> {
    let change = SettingsChange { webhooks_enabled: Some(on), ..SettingsChange::default() };
    let answer = api.patch(SETTINGS, &json!(change))?;
    output.answer(&answer, |_: Value| format!("{} all webhooks", if on { "Enabled" } else { "Disabled" }))
}

/// `POST /api/admin/webhooks/{id}/rotate-secret`
pub(super) fn rotate(id: &str, grace_hours: u32, api: &Api, output: Output) -> Result<(), Error> {
    let request = RotateRequest { grace_hours: Some(grace_hours) };
    let answer = api.post(&format!("{WEBHOOKS}/{id}/rotate-secret"), &json!(request))?;
    output.answer(&answer, |answer: WebhookAnswer| layout::with_secret("New secret of", &answer.webhook))
}
