//! Events from a customer's server, and what it says of their person.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::{email_typed, is_placeholder, is_session};
use trackmate_wire::limits::WARNINGS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::edit::Edit;
use crate::domain::event::{self, Arrival, Row, Sorted};
use crate::domain::{clock, mild, request_body};
use crate::error::Error;
use crate::ingest::browser::items;
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{OwnerLookup, PersonChange, StoredEvents, resolve, store_for_owner};
use crate::ingest::receipt::{IngestResult, Warning, amount_unread};
use crate::ingest::{alias, plan_check};
use crate::people::conflict::ConflictRetries;
use crate::people::find::find;
use crate::people::identity_key::address;
use crate::people::{edit, merge};
use crate::runtime::random;
use crate::store::identity_keys::{self};
use crate::store::people::{Identifiers, Resolved};

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerEventsRequest<'a> {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    identifier: Option<Identifier>,
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
    sent_at: Option<Value>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user: Option<&'a RawValue>,
    merge: Option<bool>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Identifier {
    #[serde(default, deserialize_with = "mild::deserialize")]
    email: Option<String>,
    #[serde(default, deserialize_with = "mild::deserialize")]
    session_id: Option<String>,
    #[serde(default, deserialize_with = "mild::deserialize")]
    user_id: Option<String>,
}

/// The single-event form again as an item of a batch, so that there is one way in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Single<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a RawValue>,
}

/// What is said of nobody.
const NOBODY: Warning =
    Warning::new("nobody_known", "nobody is known by this identifier yet; what user says was not stored");

/// What came of a server's events.
#[derive(Default)]
pub(crate) struct ServerResult {
    /// What became of each; `None` if it is not known yet.
    pub(crate) result: Option<IngestResult>,
    pub(crate) profile: Option<String>,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<Warning>,
}

/// A server's events of one person, checked as far as that takes no look into D1.
#[derive(Serialize, Deserialize)]
pub(crate) struct ServerBatch {
    /// Of the key: whether it is one, and whose, D1 knows.
    pub(crate) hash: String,
    company_id: Option<String>,
    about: OwnerLookup,
    pub(crate) rows: Vec<Row>,
    /// What is said of the person, as sent.
    user: Option<Box<RawValue>>,
    merge: bool,
    /// Whether it is the form of one event, which is refused as a whole.
    #[serde(default)]
    pub(crate) single: bool,
}

impl ServerBatch {
    /// Stores what was buffered.
    pub(crate) async fn store_buffered(&self, cx: &IngestContext) -> Result<(), Error> {
        let (edit, _) = edit(self.user.as_deref());
        self.store(cx, edit.as_ref()).await.map(drop)
    }

    /// Stores it, merges whom it makes one, and edits the person.
    pub(crate) async fn store(&self, cx: &IngestContext, edit: Option<&Edit>) -> Result<ServerResult, Error> {
        let Self { hash, about, rows, .. } = self;
        let mut resolved = resolve(cx, hash, &about.who, about.at).await?;
        let company = resolved.key.company.clone();
        if self.company_id.as_ref().is_some_and(|id| *id != company) {
            return Err(
                Problem::field(Code::WrongCompany, "company_id", "company_id is not the company of this key").into()
            );
        }
        let mut checked = plan_check::server(cx, &company, resolved.plan, rows).await?;
        if self.single
            && let Some((_, problem)) = checked.rejected.pop()
        {
            checked.count(cx, &company);
            return Err(problem.into());
        }
        let mut retries = ConflictRetries::default();
        while self.merge && merge_identifiers(cx, &company, &resolved, &about.who).await? {
            resolved = resolve(cx, hash, &about.who, about.at).await?;
            if resolved.email_id == resolved.user_id {
                break;
            }
            // Somebody else was given the address in between, or one of the two was merged.
            retries.next(cx).await?;
        }
        let aliased = alias::merge_aliases(cx, &company, &checked.rows).await?;
        if aliased.is_some() {
            resolved = resolve(cx, hash, &about.who, about.at).await?;
        }
        let stored_events =
            store_for_owner(cx, hash, resolved, about, &checked.rows, PersonChange { edit, grant: None }).await?;
        let StoredEvents { stored, profile, created, mut warnings, .. } = stored_events;
        warnings.extend(aliased.into_iter().flatten());
        let new = stored.new.len();
        cx.emitted(&company, stored.outbox);
        match (edit, profile.as_deref()) {
            (Some(edit), Some(id)) => drop(edit::change(cx, &company, id, edit).await?),
            (Some(_), None) => warnings.push(NOBODY),
            (None, _) => {}
        }
        let result = IngestResult { new, rejected: checked.finish(cx, &company) };
        Ok(ServerResult { result: Some(result), profile, created, warnings })
    }
}

/// A body that could be read.
pub(crate) struct Parsed {
    pub(crate) batch: ServerBatch,
    /// The items that cannot be stored.
    pub(crate) rejected: Sorted,
    pub(crate) edit: Option<Edit>,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads the body of `POST /api/webhooks/events`, sent with the key of this hash.
pub(crate) fn parse(cx: &IngestContext, text: &str, hash: &str) -> Result<Parsed, Problem> {
    let request: ServerEventsRequest = request_body::parse(text)?;
    let who = identifiers(request.identifier.unwrap_or_default())?;
    if let Some(id) = &who.session {
        cx.log().set_session(id);
    }
    let sent_ms = request_body::sent_ms(request.sent_at.as_ref());
    let subject = who.user.as_ref().or(who.address.as_ref()).or(who.session.as_ref()).map_or("", String::as_str);
    let arrival = Arrival { subject, sent_ms, received_ms: cx.now_ms() };
    let single = request.events.is_none();
    let mut sorted = if single {
        let item = Single {
            event_type: request.event_type,
            event_data: request.event_data,
            timestamp: request.timestamp,
            message_id: request.message_id,
        };
        let item =
            serde_json::to_string(&item).map_err(|_| Problem::new(Code::InvalidJson, "the event is not JSON"))?;
        Sorted { rows: vec![event::row(&item, 0, arrival, &mut random::message_id)?], ..Sorted::default() }
    } else {
        let items = items(request.events)?;
        let sorted = event::sort(items.iter().map(|item| item.get()), arrival, random::message_id);
        cx.log().rejected_events(items.iter().map(|item| item.get()), &sorted);
        sorted
    };
    let at = sorted.rows.first().map_or_else(|| clock::event_ts(cx.now_ms(), 0), |row| row.ts);
    let user = request.user.filter(|user| user.get() != "null");
    let (edit, left_out) = edit(user);
    let mut warnings: Vec<Warning> = left_out.iter().map(Warning::of_user).collect();
    warnings.extend(amount_unread(&sorted.rows));
    if edit.is_some() && who.user.is_none() && who.address.is_none() && who.session.is_none() {
        return Err(Problem::field(
            Code::MissingField,
            "identifier",
            "user needs an identifier that says whom it is about",
        ));
    }
    let merge = request.merge.unwrap_or_default();
    if merge && (who.user.is_none() || who.address.is_none()) {
        let message = "merge needs the userId and the email that are to be one user";
        return Err(Problem::field(Code::MissingField, "identifier", message));
    }
    let batch = ServerBatch {
        hash: hash.to_owned(),
        company_id: request.company_id,
        about: OwnerLookup { who, at, sent_ms },
        rows: std::mem::take(&mut sorted.rows),
        user: user.map(ToOwned::to_owned),
        merge,
        single,
    };
    Ok(Parsed { batch, rejected: sorted, edit, warnings })
}

/// What `user` change, and what of it cannot be read: that is no reason to lose the events.
fn edit(user: Option<&RawValue>) -> (Option<Edit>, Vec<Problem>) {
    let Some((edit, mut left_out)) = user.map(|user| Edit::read_mildly(user.get(), "server", address)) else {
        return (None, Vec::new());
    };
    left_out.truncate(WARNINGS_MAX);
    (Some(edit), left_out)
}

fn identifiers(given: Identifier) -> Result<Identifiers, Problem> {
    let named = [
        ("identifier.email", given.email),
        ("identifier.sessionId", given.session_id),
        ("identifier.userId", given.user_id),
    ];
    let blank = named.iter().find(|(_, value)| value.as_ref().is_some_and(|text| text.trim().is_empty()));
    let blank = blank.map(|(field, _)| *field);
    let [email, session, user] =
        named.map(|(_, value)| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()));
    let email = email.map(|email| email_typed(&email));
    // Beside another one a blank is missing. Alone it is a mistake: the events would be nobody's.
    if let (Some(field), None, None, None) = (blank, &email, &session, &user) {
        return Err(Problem::field(Code::InvalidField, field, "an identifier that is given is not blank"));
    }
    if user.as_deref().is_some_and(is_placeholder) {
        return Err(Problem::field(Code::PlaceholderId, "identifier.userId", "userId is a placeholder"));
    }
    if session.as_deref().is_some_and(|id| !is_session(id)) {
        return Err(Problem::field(
            Code::InvalidSession,
            "identifier.sessionId",
            "sessionId has 1 to 128 letters, digits and _ - . :",
        ));
    }
    let address =
        email.as_deref().map(address).transpose().map_err(|p| Problem { field: Some("identifier.email"), ..p })?;
    Ok(Identifiers { address, email, user, session, only_known: false })
}

/// Makes one user of a user id and an address, as the key vouches; whether anything is different
/// now. An address that nobody has, or that somebody gave up, becomes the user's.
async fn merge_identifiers(
    cx: &IngestContext,
    company: &str,
    resolved: &Resolved,
    who: &Identifiers,
) -> Result<bool, Error> {
    let Some(user) = resolved.user_id.as_ref().filter(|_| resolved.erased_at.is_none()) else { return Ok(false) };
    let Some(address) = who.address.as_ref().filter(|_| resolved.email_id.as_ref() != Some(user)) else {
        return Ok(false);
    };
    let db = cx.db(Some(company))?;
    match identity_keys::owner(db, company, address).await? {
        Some(owner) if owner.erased == 0 => merge::join(cx, company, user, &owner.profile, "server").await,
        Some(_) | None => {
            edit::free(cx, company, user, address).await?;
            edit::has_room(&find(cx, company, user).await?, address, "identifier.email")?;
            identity_keys::add_address(db, company, user, address, random::number(), cx.now_ms()).await?;
            Ok(true)
        }
    }
}
