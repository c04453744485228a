//! `/api/admin/plan`: shows and sets a company's tracking plan and its violations, infers a plan
//! from stored events, and checks events against a plan.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::api::{
    CurrentPlan, InferredPlan, Plan, PlanAnswer, PlanChecked, PlanRefused, PlanSchema, Violation, ViolationCount,
};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::plan::{self, Mode};
use crate::domain::request_body;
use crate::domain::{clock, json};
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::ingest::browser::items;
use crate::runtime::random;
use crate::store::plans::{self, Sample};

/// `GET /api/admin/plan` → `{success, plan:{mode, events, additionalEvents, updatedAt|null},
/// violations:[{event, field, reason, count, firstAt, lastAt}]}`, the most frequent first. Counts
/// are some seconds old.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let db = cx.db(&admin.company)?;
    let stored = plans::find(db, &admin.company).await?;
    let seen = plans::violations(db, &admin.company).await?;
    let plan: plan::Plan = stored.as_ref().map(|s| serde_json::from_str(&s.plan)).transpose()?.unwrap_or_default();
    let counted = |s: plans::Seen| ViolationCount {
        event: s.event,
        field: s.field,
        reason: s.reason,
        count: s.seen,
        first_at: clock::iso(s.first_at),
        last_at: clock::iso(s.last_at),
    };
    let plan = CurrentPlan {
        mode: stored.as_ref().map_or(Mode::Off, |s| s.mode).as_str().to_owned(),
        events: plan.events,
        additional_events: plan.additional_events,
        updated_at: stored.map(|s| clock::iso(s.updated_at)),
    };
    response::answer(&PlanAnswer { plan, violations: seen.into_iter().map(counted).collect() })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PlanChange {
    mode: Option<Mode>,
    events: Option<BTreeMap<String, PlanSchema>>,
    additional_events: Option<bool>,
}

/// `PUT /api/admin/plan` `{mode: off|report|reject, events?, additionalEvents?: bool}` → the answer
/// of GET. Without `events` only the mode changes. With `events` the counts of the plan before are
/// deleted. The plan applies to every request after the answer.
pub(crate) async fn put(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: PlanChange = request_body::change(&text)?;
    let missing = |field, message: &str| Problem::field(Code::MissingField, field, message);
    let mode = request.mode.ok_or_else(|| missing("mode", "mode is off, report or reject"))?;
    let additional_events = request.additional_events.unwrap_or_default();
    let plan = request.events.map(|events| plan::Plan { events, additional_events }.checked()).transpose()?;
    let db = cx.db(&admin.company)?;
    if plan.is_none() && mode != Mode::Off && plans::find(db, &admin.company).await?.is_none_or(|s| s.plan == "{}") {
        return Err(missing("events", "there is no plan yet: events says which there are").into());
    }
    let plan = plan.as_ref().map(serde_json::to_string).transpose()?;
    // Version 0 means that there is no plan.
    let version = random::number().max(1);
    let change = plans::PlanChange { mode, plan: plan.as_deref(), version };
    plans::put(db, &admin.company, change, cx.now_ms()).await?;
    get(cx, admin).await
}

/// `POST /api/admin/plan/infer` → `{success, plan:{events, additionalEvents}, sampled}`: a plan
/// that a sample of the stored events satisfies. Stores nothing.
pub(crate) async fn infer(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let samples = plans::sample(cx.db(&admin.company)?, &admin.company).await?;
    let read = |sample: &Sample| (sample.name.clone(), json::value(&sample.data));
    let samples: Vec<(String, Value)> = samples.iter().map(read).collect();
    let plan = plan::Plan::infer(samples.iter().map(|(name, data)| (name.as_str(), data)));
    let plan = Plan { events: plan.events, additional_events: plan.additional_events };
    response::answer(&InferredPlan { plan, sampled: samples.len() })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PlanCheck {
    events: Option<Vec<Box<RawValue>>>,
    plan: Option<ProposedPlan>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProposedPlan {
    events: BTreeMap<String, PlanSchema>,
    additional_events: Option<bool>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedEvent {
    event_type: String,
    event_data: Option<Value>,
}

/// `POST /api/admin/plan/check` `{events:[{eventType, eventData?}], plan?: {events,
/// additionalEvents?}}` → `{success, checked, refused:[{index, eventType, violations:[{field,
/// reason, message}]}]}`: the events that the plan in the request, or else the company's plan,
/// would refuse in mode `reject`. Stores and counts nothing.
pub(crate) async fn check(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: PlanCheck = request_body::change(&text)?;
    let items = items(request.events.as_ref().map(|events| events.iter().map(AsRef::as_ref).collect()))?;
    let plan = match request.plan {
        Some(ProposedPlan { events, additional_events }) => {
            plan::Plan { events, additional_events: additional_events.unwrap_or_default() }.checked()?
        }
        None => {
            let stored = plans::find(cx.db(&admin.company)?, &admin.company).await?;
            let message = "the company has no plan yet; give one in plan";
            let stored = stored.ok_or_else(|| Problem::field(Code::MissingField, "plan", message))?;
            serde_json::from_str(&stored.plan)?
        }
    };
    let mut refused = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let message = "an event is an object {eventType, eventData?}";
        let PlannedEvent { event_type, event_data } =
            serde_json::from_str(item.get()).map_err(|_| Problem::field(Code::InvalidField, "events", message))?;
        let data = event_data.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let found = plan.check(event_type.trim(), &data);
        if !found.is_empty() {
            let violations = found.into_iter().map(|v| Violation {
                field: v.field,
                reason: v.reason.as_str().to_owned(),
                message: v.message,
            });
            refused.push(PlanRefused { index, event_type, violations: violations.collect() });
        }
    }
    response::answer(&PlanChecked { checked: items.len(), refused })
}
