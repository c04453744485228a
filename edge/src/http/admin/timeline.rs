//! `GET /api/admin/users/{id}/timeline`: all events of a person, from browsers and servers, in one
//! order.

use serde::Serialize;
use serde_json::value::RawValue;
use trackmate_wire::api::Pagination;
use trackmate_wire::limits::TIMELINE_ITEMS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::person::User;
use crate::domain::timeline::{Cursor, Order, Steps, in_turn};
use crate::domain::{clock, json};
use crate::error::Error;
use crate::http::admin::users::Summary;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::people::find::find;
use crate::store::people::Profile;
use crate::store::timeline::{self, Entry};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Timeline<'a> {
    profile: User,
    summary: Summary,
    events: Vec<TimelineEvent<'a>>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct TimelineEvent<'a> {
    message_id: &'a str,
    event_type: &'a str,
    event_data: Box<RawValue>,
    timestamp: String,
    source: &'static str,
    session_id: &'a str,
    user_id: &'a str,
    /// Only where a machine sent it, by its own word.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    bot: bool,
}

/// `GET /api/admin/users/{id}/timeline?limit&cursor&order=asc|desc` → `{success, profile, summary,
/// events:[…], pagination}`. Oldest first by default. Reads only the entries of the page, not the
/// whole history.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let order = match cx.query("order").as_deref() {
        None | Some("asc") => Order::Asc,
        Some("desc") => Order::Desc,
        Some(_) => return Err(Problem::field(Code::InvalidField, "order", "order is asc or desc").into()),
    };
    let limit = pagination::limit(cx, TIMELINE_ITEMS_MAX)?;
    let cursor = pagination::cursor(cx, Cursor::from_text)?.unwrap_or_else(|| Cursor::start(order));
    let profile = find(cx, &admin.company, id).await?;
    let db = cx.db(&admin.company)?;
    let steps = Steps::new(limit + 1, usize::try_from(profile.sessions).unwrap_or_default() + 1);
    let found = timeline::entries(db, &admin.company, &profile.id, (&cursor, order), steps).await?;
    let (mut entries, left_out) = in_turn(found, steps, order);
    let is_whole = pagination::within(&mut entries, limit, |entry| entry.bytes);
    let pagination = pagination::cut_early(&mut entries, limit, left_out || !is_whole, |e| {
        let position = Cursor { ts: e.ts, source: e.source, id: e.message_id.clone() };
        pagination::write_cursor(&position.to_text())
    });
    timeline::read_long(db, &admin.company, &mut entries).await?;
    let event = |entry| event(entry, &profile).transpose();
    let events = entries.iter().filter_map(event).collect::<Result<_, _>>()?;
    response::answer(&Timeline {
        profile: profile.person(&admin.company)?.user(),
        summary: Summary::new(&profile)?,
        events,
        pagination,
    })
}

/// The event of an entry. The person's first identify is `user_registered`. Every server event has
/// the person's server session, even if the server sent a browser's session id. `None` if the entry
/// was deleted in the meantime.
fn event<'a>(entry: &'a Entry, profile: &'a Profile) -> Result<Option<TimelineEvent<'a>>, Error> {
    let Some(data) = entry.data.as_deref() else { return Ok(None) };
    let from_server = entry.source.is_server();
    let registration =
        !from_server && entry.name == "identify" && profile.registered_id.as_deref() == Some(&entry.message_id);
    Ok(Some(TimelineEvent {
        message_id: &entry.message_id,
        event_type: if registration { "user_registered" } else { &entry.name },
        event_data: json::raw(data.to_owned())?,
        timestamp: clock::iso(clock::ts_ms(entry.ts)),
        source: entry.source.shown(entry.sent_by_server.is_some()).name(),
        session_id: if from_server { &profile.server_session } else { &entry.session },
        user_id: &profile.id,
        bot: entry.bot.is_some(),
    }))
}
