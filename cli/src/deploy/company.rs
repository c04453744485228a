//! The first company of a deployment, with its keys.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cloudflare::text;
use super::keys::Keys;
use crate::api::Api;
use crate::config;
use crate::error::Error;
use crate::output::Output;

const COMPANIES: &str = "/api/operator/companies";
/// A new address takes a while until it is known everywhere.
const REACHABLE_WITHIN: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_secs(2);

/// Creates the first company, unless the profile has one. Returns it with its keys. A company
/// without known keys is what a broken run left: it gets new ones.
pub(crate) fn first(keys: &mut Keys, name: &str, output: Output) -> Result<Option<Value>, Error> {
    if keys.profile.admin_key.is_some() {
        return Ok(None);
    }
    let (Some(url), Some(operator_key)) = (&keys.profile.url, &keys.profile.operator_key) else {
        output.note(&format!(
            "No company was looked for: {} does not have this deployment's OPERATOR_KEY",
            keys.file.display()
        ));
        return Ok(None);
    };
    let api = Api::operator(config::stored(url, operator_key, keys.file.clone()));
    let companies = reachable(&api, output)?;
    let company = match companies.as_slice() {
        [] => created(&api.post(COMPANIES, &json!({ "name": name }))?.read()?),
        [only] => with_new_keys(&api, only)?,
        [_, _, ..] => {
            output.note("There are several companies: use `trackmate login` with an admin key of one of them");
            return Ok(None);
        }
    };
    keys.profile.company_id = Some(text(&company, "id"));
    keys.profile.server_key = Some(text(&company, "serverKey"));
    keys.profile.admin_key = Some(text(&company, "adminKey"));
    keys.save()?;
    Ok(Some(company))
}

/// The companies, as soon as the deployment answers.
fn reachable(api: &Api, output: Output) -> Result<Vec<Value>, Error> {
    let start = Instant::now();
    loop {
        let answer = api.get(COMPANIES, &[]).and_then(|answer| answer.read::<Value>());
        match answer {
            Ok(answer) => {
                return Ok(answer.get("companies").and_then(Value::as_array).cloned().unwrap_or_default());
            }
            Err(Error::Unreachable(_)) if start.elapsed() < REACHABLE_WITHIN => {
                output.progress("Waiting until the new address is known …");
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

fn created(answer: &Value) -> Value {
    let part = |path| answer.pointer(path).cloned().unwrap_or_default();
    json!({
        "id": part("/company/id"), "name": part("/company/name"),
        "serverKey": part("/keys/server/key"), "adminKey": part("/keys/admin/key"),
    })
}

fn with_new_keys(api: &Api, company: &Value) -> Result<Value, Error> {
    let id = text(company, "id");
    let key = |scope: &str| -> Result<Value, Error> {
        let body = json!({"scope": scope, "name": "trackmate deploy"});
        let answer: Value = api.post(&format!("{COMPANIES}/{id}/keys"), &body)?.read()?;
        Ok(answer.pointer("/key/key").cloned().unwrap_or_default())
    };
    Ok(json!({"id": id, "name": text(company, "name"), "serverKey": key("server")?, "adminKey": key("admin")?}))
}

pub(crate) fn layout(company: &Value) -> String {
    let part = |name| text(company, name);
    format!(
        "Company {} ({})\n  Server key  {}\n  Admin key   {}\n\n",
        part("name"),
        part("id"),
        part("serverKey"),
        part("adminKey")
    )
}
