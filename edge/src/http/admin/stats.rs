//! `GET /api/admin/stats`: the figures of the overview. They agree with the lists and exports of
//! the same range.

use serde::Serialize;
use trackmate_wire::api::Circuit;
use trackmate_wire::problem::{Code, Problem};
use wasm_bindgen::{JsCast, JsValue};

use crate::domain::clock;
use crate::domain::stats::{self, Interval, Range};
use crate::http::admin::webhooks::circuit;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::store::slices::Slices;
use crate::store::stats::{Stats, ahead, read};
use crate::store::subscriptions::Subscription;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatsAnswer<'a> {
    from: String,
    to: String,
    interval: &'static str,
    totals: StatsTotals,
    series: Vec<StatsSpan>,
    top_events: Vec<TopEvent<'a>>,
    latency_ms: Option<StatsLatency>,
    success_rate: Option<f64>,
    webhooks: Vec<StatsWebhook<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct StatsTotals {
    events: i64,
    browser_events: i64,
    server_events: i64,
    people: i64,
    active_people: i64,
    new_people: i64,
    sessions: i64,
    deliveries: i64,
    delivered: i64,
    failed: i64,
    pending: i64,
    held: i64,
    dismissed: i64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct StatsSpan {
    at: String,
    events: i64,
    new_people: i64,
    deliveries: i64,
    delivered: i64,
    failed: i64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TopEvent<'a> {
    name: &'a str,
    count: i64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StatsLatency {
    p50: i64,
    p90: i64,
    p99: i64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct StatsWebhook<'a> {
    id: &'a str,
    name: &'a str,
    active: bool,
    circuit: Circuit,
    held: i64,
    failed: i64,
    disabled_reason: Option<&'a str>,
}

/// `GET /api/admin/stats?from&to&interval=hour|day&zone` → `{success, from, to, interval, totals,
/// series:[{at, events, newPeople, deliveries, delivered, failed}], topEvents:[{name, count}],
/// latencyMs:{p50, p90, p99}|null, successRate|null, webhooks:[…]}`. The range includes `from` and
/// excludes `to`. Spans begin at `from`, and days are days of the zone.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let named = |name: String| {
        let message = "interval is hour or day";
        Interval::named(&name).ok_or_else(|| Problem::field(Code::InvalidField, "interval", message))
    };
    let interval = cx.query("interval").map(named).transpose()?;
    let zone = cx.filled_query("zone").map(|name| Zone::named(&name)).transpose()?;
    let offset = |ms| zone.as_ref().map_or(0, |zone| zone.offset(ms));
    let range = Range::new(cx.query_time("from")?, cx.query_time("to")?, interval, cx.now_ms(), offset)?;
    let mut slices = Slices::new(cx.env(), &admin.company);
    let stats = read(cx.replica(&admin.company)?, &admin.company, range, &mut slices, cx.stamp()).await?;
    let Some(stats) = stats else {
        ahead::ask(cx.db(&admin.company)?, &admin.company, range.from_ms, cx.now_ms()).await?;
        let message = "there is more than one request may count. Past hours are being counted now: ask again in a \
                       few minutes. If this answer remains, have the deployment's COUNT_SLICES_MAX raised";
        return Err(Problem::new(Code::LimitReached, message).into());
    };
    response::answer(&answer(range, &stats))
}

/// A time zone of the IANA's list, by the runtime's data.
struct Zone(js_sys::Intl::DateTimeFormat);

impl Zone {
    fn named(name: &str) -> Result<Self, Problem> {
        let refused =
            |_| Problem::field(Code::InvalidField, "zone", "zone is the name of a time zone, such as America/Toronto");
        let options = js_sys::Object::new();
        for (option, value) in [("timeZone", name), ("timeZoneName", "longOffset")] {
            js_sys::Reflect::set(&options, &option.into(), &value.into()).map_err(refused)?;
        }
        // The constructor throws for an unknown zone, and the typed binding cannot return the
        // error.
        let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into()).map_err(refused)?;
        let class = js_sys::Reflect::get(&intl, &"DateTimeFormat".into()).map_err(refused)?;
        let arguments = js_sys::Array::of2(&"en-US".into(), &options);
        let made =
            js_sys::Reflect::construct(class.unchecked_ref::<js_sys::Function>(), &arguments).map_err(refused)?;
        Ok(Self(made.unchecked_into()))
    }

    /// Milliseconds that the zone is ahead of UTC at a time. It is the end of the formatted time
    /// (`10/31/2026, GMT-04:00`); UTC itself is `GMT`.
    #[allow(clippy::cast_precision_loss, reason = "times are below 2^53")]
    fn offset(&self, ms: i64) -> i64 {
        let date = js_sys::Date::new(&(ms as f64).into());
        let formatted = self.0.format().call1(&JsValue::UNDEFINED, &date).ok().and_then(|text| text.as_string());
        formatted.as_deref().and_then(stats::offset_ms).unwrap_or_default()
    }
}

/// The answer with the figures of a range.
fn answer(range: Range, stats: &Stats) -> StatsAnswer<'_> {
    let stats::Figures { spans, total, people, sessions, active, names, latency } = &*stats.figures;
    let span = |(at, span): (i64, &stats::Span)| StatsSpan {
        at: clock::iso(at),
        events: span.browser_events + span.server_events,
        new_people: span.new_people,
        deliveries: span.deliveries,
        delivered: span.delivered,
        failed: span.failed,
    };
    StatsAnswer {
        from: clock::iso(range.from_ms),
        to: clock::iso(range.to_ms),
        interval: range.interval.as_str(),
        totals: StatsTotals {
            events: total.browser_events + total.server_events,
            browser_events: total.browser_events,
            server_events: total.server_events,
            people: *people,
            active_people: *active,
            new_people: total.new_people,
            sessions: *sessions,
            deliveries: total.deliveries,
            delivered: total.delivered,
            failed: total.failed,
            pending: total.pending,
            held: total.held,
            dismissed: total.dismissed,
        },
        series: range.spans().zip(spans).map(span).collect(),
        top_events: names.iter().map(|(name, count)| TopEvent { name, count: *count }).collect(),
        latency_ms: latency.map(|l| StatsLatency { p50: l.p50, p90: l.p90, p99: l.p99 }),
        success_rate: total.success_rate(),
        webhooks: stats.webhooks.iter().filter(|s| is_in_trouble(s)).map(webhook).collect(),
    }
}

/// Whether deliveries of the webhook are held, its last delivery failed, its circuit is open, or it
/// was switched off.
const fn is_in_trouble(s: &Subscription) -> bool {
    s.held > 0 || s.failures > 0 || s.open_until.is_some() || s.disabled_reason.is_some()
}

fn webhook(s: &Subscription) -> StatsWebhook<'_> {
    StatsWebhook {
        id: &s.id,
        name: &s.name,
        active: s.active != 0,
        circuit: circuit(s),
        held: s.held,
        failed: s.failed,
        disabled_reason: s.disabled_reason.as_deref(),
    }
}
