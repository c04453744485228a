//! `/api/operator/companies`: the operator of the deployment creates companies and their keys.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use trackmate_wire::api::Pagination;
use trackmate_wire::ids::is_company_id;
use trackmate_wire::limits::{KEYS_SHOWN_MAX, NAME_CHARS_MAX, USERS_ITEMS_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::request_body;
use crate::domain::secret::Scope;
use crate::domain::{clock, revenue};
use crate::error::Error;
use crate::http::admin::keys::{self, Key, MadeKey};
use crate::http::auth::{self, FreshKey};
use crate::http::body;
use crate::http::context::RequestContext;
use crate::http::idempotency;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::runtime::random;
use crate::store;
use crate::store::cells::{self, DIRECTORY};
use crate::store::companies::{self, Listed, Named, NewCompany};
use crate::store::directory::{self, Wish};

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CompanyRequest {
    company_id: Option<String>,
    name: Option<String>,
    cell: Option<String>,
    jurisdiction: Option<String>,
    region: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Company<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(rename = "createdAt")]
    created_at: String,
    /// The database that it is in.
    cell: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CompanyAnswer<'a> {
    company: Company<'a>,
    keys: FirstKeys<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FirstKeys<'a> {
    server: MadeKey<'a>,
    admin: MadeKey<'a>,
}

/// `POST /api/operator/companies` `{name, companyId?, cell?, jurisdiction?, region?}` → `{success,
/// company, keys:{server, admin}}`. No other answer shows the keys.
pub(crate) async fn post(cx: &RequestContext, _operator: auth::Operator) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: CompanyRequest = request_body::change(&text)?;
    let name = request_body::required(request.name, "name")?;
    body::check_length(&name, "name", 0..=NAME_CHARS_MAX)?;
    let id = request.company_id.unwrap_or_else(company_id);
    if !is_company_id(&id) {
        return Err(Problem::field(
            Code::InvalidField,
            "companyId",
            "companyId is TM- and 4 to 32 capitals and digits",
        )
        .into());
    }
    let (server, admin) = (FreshKey::new(Scope::Server), FreshKey::new(Scope::Admin));
    let revenue_events = serde_json::to_string(&revenue::DEFAULT_EVENTS)?;
    let keys = [server.row("first server key"), admin.row("first admin key")];
    let company = NewCompany { id: &id, name: name.trim(), revenue_events: &revenue_events };
    let wish = Wish { cell: request.cell, jurisdiction: request.jurisdiction, region: request.region };
    let mut cell = choose(cx, &wish).await?;
    let taken = || Error::from(Problem::field(Code::Conflict, "companyId", "a company has this id already"));
    if cell != DIRECTORY {
        let hashes = [&*server.hash, &*admin.hash];
        cell = directory::place(cx.directory()?, &id, &cell, &hashes, cx.now_ms()).await?.ok_or_else(taken)?;
    }
    let now = cx.now_ms();
    let answer = response::answer(&CompanyAnswer {
        company: Company { id: &id, name: name.trim(), created_at: clock::iso(now), cell: &cell },
        keys: FirstKeys {
            server: MadeKey::new(&server, keys[0].name, now),
            admin: MadeKey::new(&admin, keys[1].name, now),
        },
    })?;
    let with = idempotency::with_effect_in_directory(cx, &answer)?;
    if !companies::create(&store::cell(cx.env(), &cell)?, company, &keys, with, now).await? {
        return Err(taken());
    }
    cx.set_audit_target(&id);
    Ok(answer)
}

/// The cell of a new company. A deployment with one database has no choice.
async fn choose(cx: &RequestContext, wish: &Wish) -> Result<String, Error> {
    let is_free = wish.cell.is_none() && wish.jurisdiction.is_none() && wish.region.is_none();
    if is_free && cells::all(cx.env()).len() == 1 {
        return Ok(DIRECTORY.to_owned());
    }
    let found = directory::choose(cx.directory()?, wish, &directory::declared(cx.env())).await?;
    let message = "no open database fits cell, jurisdiction and region: see GET /api/operator/cells";
    Ok(found.ok_or_else(|| Problem::new(Code::LimitReached, message))?)
}

/// Makes a company id: `TM-` and ten capitals and digits, which are 50 random bits. `create` fails
/// if the id exists already.
fn company_id() -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letters = random::bytes::<10>().map(|b| LETTERS.get(usize::from(b % 32)).copied().map_or('A', char::from));
    format!("TM-{}", letters.iter().collect::<String>())
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CompanyList<'a> {
    companies: Vec<Company<'a>>,
    pagination: Pagination,
    storage: Storage,
}

/// How full the database is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Storage {
    bytes: i64,
    /// Those that it may have (`D1_BYTES_MAX`).
    bytes_max: i64,
}

/// `GET /api/operator/companies?limit&cursor` → `{success, companies, pagination, storage: {bytes,
/// bytesMax}}`.
pub(crate) async fn list(cx: &RequestContext, _operator: auth::Operator) -> HandlerResult {
    let limit = pagination::limit(cx, USERS_ITEMS_MAX)?;
    let after = pagination::cursor(cx, |id| Some(id.to_owned()))?.unwrap_or_default();
    let db = cx.directory()?;
    let mut found = companies::list(db, &after, pagination::rows(limit)).await?;
    let storage = Storage { bytes: db.bytes(), bytes_max: db.bytes_max() };
    let pagination = pagination::cut(&mut found, limit, |c| pagination::write_cursor(&c.id));
    let elsewhere = name(cx, &found).await?;
    let companies = found.iter().map(|c| {
        let named = elsewhere.get(&c.id).map(|named| (&*named.name, named.created_at));
        let (name, created_at) =
            named.unwrap_or((c.name.as_deref().unwrap_or_default(), c.created_at.unwrap_or_default()));
        Company { id: &c.id, name, created_at: clock::iso(created_at), cell: &c.cell }
    });
    let companies = companies.collect();
    response::answer(&CompanyList { companies, pagination, storage })
}

/// The companies of other cells with their names. One trip to each cell.
async fn name(cx: &RequestContext, found: &[Listed]) -> Result<BTreeMap<String, Named>, Error> {
    let mut by_cell: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for company in found.iter().filter(|company| company.cell != DIRECTORY) {
        by_cell.entry(&company.cell).or_default().push(&company.id);
    }
    let asked = by_cell
        .into_iter()
        .map(|(cell, ids)| async move { companies::names(&store::cell(cx.env(), cell)?, &ids).await });
    let mut named = BTreeMap::new();
    for companies in try_join_all(asked).await? {
        named.extend(companies.into_iter().map(|company| (company.id.clone(), company)));
    }
    Ok(named)
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeyList<'a> {
    keys: Vec<Key<'a>>,
}

/// `GET /api/operator/companies/{id}/keys` → `{success, keys:[{id, scope, prefix, name, createdAt,
/// lastUsedAt, revokedAt}]}`.
pub(crate) async fn keys(cx: &RequestContext, _operator: auth::Operator, company: &str) -> HandlerResult {
    let keys = companies::keys(cx.db(company)?, company, KEYS_SHOWN_MAX).await?;
    if keys.is_empty() {
        return Err(keys::unknown().into());
    }
    response::answer(&KeyList { keys: keys.iter().map(Key::new).collect() })
}

/// `POST /api/operator/companies/{id}/keys` `{scope:"server"|"admin", name?}` → `{success, key}`.
/// No other answer shows the key.
pub(crate) async fn add_key(cx: &RequestContext, _operator: auth::Operator, company: &str) -> HandlerResult {
    keys::add(cx, company).await
}

/// `DELETE /api/operator/companies/{id}/keys/{key}` → `{success}`. The key stops working at once.
pub(crate) async fn revoke_key(
    cx: &RequestContext,
    _operator: auth::Operator,
    company: &str,
    key: &str,
) -> HandlerResult {
    keys::revoke(cx, company, key).await
}
