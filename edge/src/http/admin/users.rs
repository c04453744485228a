//! `GET /api/admin/users/{id}`: shows one person.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{clock, revenue};
use crate::error::Error;
use crate::export::user::UserWith;
use crate::http::admin::groups::GroupOf;
use crate::http::admin::records;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::people::find::find;
use crate::store;
use crate::store::people::Profile;

/// A person's counts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    total_events: i64,
    sessions: Sessions,
    total_revenue: Vec<Money>,
    last_active: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Sessions {
    total: i64,
    client: i64,
    server: i64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Money {
    currency: String,
    /// An exact decimal number.
    amount: Box<RawValue>,
}

impl Summary {
    pub(crate) fn new(p: &Profile) -> Result<Self, Error> {
        let counted: Vec<String> = serde_json::from_str(&p.revenue_events)?;
        let counters: BTreeMap<String, i64> =
            p.revenue.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        // The events of servers share one session of the person.
        let server_session = i64::from(p.server_events > 0);
        let (client, server) = (p.sessions - p.server_only_sessions, p.server_only_sessions + server_session);
        Ok(Self {
            total_events: p.events,
            sessions: Sessions { total: client + server, client, server },
            total_revenue: revenue::totals(&counters, &counted)
                .into_iter()
                .map(|(currency, amount)| Ok(Money { currency, amount: RawValue::from_string(amount.to_string())? }))
                .collect::<Result<_, Error>>()?,
            last_active: p.last_ts.map(|ts| clock::iso(clock::ts_ms(ts))),
        })
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UserAnswer {
    user: UserWith,
    summary: Summary,
    groups: Vec<GroupOf>,
}

/// `GET /api/admin/users/{id}?include…` → `{success, user, summary, groups:[{id, groupId, kind,
/// name}]}`.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let included = records::included(cx)?;
    let profile = find(cx, &admin.company, id).await?;
    let mut users = records::with_records(cx, &[profile.person(&admin.company)?], &included).await?;
    let user = users.pop().ok_or_else(|| Error::Internal("a user was read but is not in the answer".into()))?;
    let groups = groups(cx, &admin.company, &profile).await?;
    response::answer(&UserAnswer { user, summary: Summary::new(&profile)?, groups })
}

/// The groups that the person is a member of. Runs no query if the person has no events.
pub(crate) async fn groups(cx: &RequestContext, company: &str, profile: &Profile) -> Result<Vec<GroupOf>, Error> {
    if profile.counts == "{}" {
        return Ok(Vec::new());
    }
    let found = store::groups::of(cx.db(company)?, company, &profile.id).await?;
    Ok(found.into_iter().map(GroupOf::from).collect())
}
