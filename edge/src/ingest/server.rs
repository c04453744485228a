//! Events of a customer's server, with an edit or a merge of their person.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::api::Warning;
use trackmate_wire::ids::{email_typed, is_placeholder, is_session};
use trackmate_wire::limits::WARNINGS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::edit::Edit;
use crate::domain::event::{self, Arrival, LeftOut, Row, Validated};
use crate::domain::secret::Scope;
use crate::domain::{clock, lenient, request_body};
use crate::error::Error;
use crate::ingest::alias;
use crate::ingest::answer::{IngestResult, amount_unread};
use crate::ingest::browser::items;
use crate::ingest::context::IngestContext;
use crate::ingest::one_trip::{FirstTrip, StoredBatch, store_or_resolve};
use crate::ingest::owner::{OwnedEvents, OwnerLookup, PersonChange, StoredEvents, resolve, store_for_owner};
use crate::ingest::plan_check::CheckedBatch;
use crate::people::conflict::ConflictRetries;
use crate::people::find::find;
use crate::people::identity_key::address;
use crate::people::{edit, merge};
use crate::runtime::random;
use crate::store::identity_keys;
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
    #[serde(default, deserialize_with = "lenient::deserialize")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    session_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    user_id: Option<String>,
}

/// The single-event form as an item of a batch, so that both are read by the same code.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SingleEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a RawValue>,
}

/// The edit has no person.
const NOBODY: Warning =
    Warning::new("nobody_known", "nobody is known by this identifier yet; what user says was not stored");

/// The result of a server's events.
#[derive(Default)]
pub(crate) struct ServerResult {
    /// What became of each event; `None` if the request was buffered.
    pub(crate) result: Option<IngestResult>,
    pub(crate) profile: Option<String>,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<Warning>,
}

/// A server's events of one person. Everything is validated that needs no database query.
#[derive(Serialize, Deserialize)]
pub(crate) struct ServerBatch {
    /// The hash of the key. The D1 query that finds the owner checks it.
    pub(crate) hash: String,
    company_id: Option<String>,
    #[serde(rename = "about")]
    owner: OwnerLookup,
    pub(crate) rows: Vec<Row>,
    /// The edit of the person, as sent.
    user: Option<Box<RawValue>>,
    merge: bool,
    /// Whether it is the single-event form, which is rejected as a whole.
    #[serde(default)]
    pub(crate) single: bool,
}

impl ServerBatch {
    /// Stores a buffered batch.
    pub(crate) async fn store_buffered(&self, cx: &IngestContext) -> Result<(), Error> {
        let (edit, _) = edit(self.user.as_deref());
        self.store(cx, edit.as_ref()).await.map(drop)
    }

    /// Merges the people that the request names, stores the events, then edits the person. A repeat
    /// after a failure half-way does the rest: every step may run again.
    ///
    /// # Errors
    /// Those of [`store_for_owner`]; `wrong_company`; in the single-event form the problem of the
    /// event.
    pub(crate) async fn store(&self, cx: &IngestContext, edit: Option<&Edit>) -> Result<ServerResult, Error> {
        let Self { hash, owner, rows, .. } = self;
        let merges = self.merge || alias::has_alias(rows);
        let may_store = |company: &str, checked: &CheckedBatch<'_>| {
            !merges && self.is_of(company) && (!self.single || checked.rejected.is_empty())
        };
        match store_or_resolve(cx, hash, owner, rows, &may_store).await? {
            FirstTrip::Stored(stored) => self.finish(cx, stored, edit).await,
            FirstTrip::Resolved(resolved, checked) => self.store_resolved(cx, resolved, checked, edit).await,
        }
    }

    /// Whether the request names this company, or none.
    fn is_of(&self, company: &str) -> bool {
        self.company_id.as_ref().is_none_or(|id| *id == company)
    }

    /// Stores the events after an earlier round trip that has found their owner.
    async fn store_resolved(
        &self,
        cx: &IngestContext,
        mut resolved: Resolved,
        mut checked: CheckedBatch<'_>,
        edit: Option<&Edit>,
    ) -> Result<ServerResult, Error> {
        let Self { hash, owner, .. } = self;
        let company = resolved.key.company.clone();
        if !self.is_of(&company) {
            return Err(
                Problem::field(Code::WrongCompany, "company_id", "company_id is not the company of this key").into()
            );
        }
        if self.single
            && let Some((_, problem)) = checked.rejected.pop()
        {
            checked.count(cx, &company);
            return Err(problem.into());
        }
        let mut retries = ConflictRetries::default();
        while self.merge && merge_identifiers(cx, &company, &resolved, &owner.identifiers).await? {
            resolved = resolve(cx, hash, &owner.identifiers, owner.at).await?;
            if resolved.email_id == resolved.user_id {
                break;
            }
            // Somebody else got the address in between, or one of the two was merged.
            retries.next(cx).await?;
        }
        let aliased = alias::merge_aliases(cx, &company, &checked.rows).await?;
        if aliased.is_some() {
            resolved = resolve(cx, hash, &owner.identifiers, owner.at).await?;
        }
        let change = PersonChange { edit, grant: None };
        let mut events =
            store_for_owner(cx, hash, resolved, OwnedEvents { owner, rows: &checked.rows, change }).await?;
        events.warnings.extend(aliased.into_iter().flatten());
        self.finish(cx, StoredBatch { company, checked, events }, edit).await
    }

    /// Dispatches the deliveries of stored events, and edits their person.
    async fn finish(
        &self,
        cx: &IngestContext,
        StoredBatch { company, checked, events }: StoredBatch<'_>,
        edit: Option<&Edit>,
    ) -> Result<ServerResult, Error> {
        let StoredEvents { stored, profile, created, mut warnings, .. } = events;
        let new = stored.new.len();
        cx.dispatch_later(&company, stored.outbox);
        match (edit, profile.as_deref()) {
            (Some(edit), Some(id)) => drop(edit::change(cx, &company, id, edit).await?),
            (Some(_), None) => warnings.push(NOBODY),
            (None, _) => {}
        }
        let result = IngestResult { new, rejected: checked.finish(cx, &company) };
        Ok(ServerResult { result: Some(result), profile, created, warnings })
    }
}

/// A parsed body.
pub(crate) struct Parsed {
    pub(crate) batch: ServerBatch,
    /// The items that the batch leaves out.
    pub(crate) left_out: LeftOut,
    pub(crate) edit: Option<Edit>,
    pub(crate) warnings: Vec<Warning>,
}

/// Parses the body of `POST /api/webhooks/events`, sent with the key of this hash.
///
/// # Errors
/// The problem for which the whole request is rejected.
pub(crate) fn parse(cx: &IngestContext, text: &str, hash: &str) -> Result<Parsed, Problem> {
    let request: ServerEventsRequest = request_body::parse(text)?;
    let identifiers = read_identifiers(request.identifier.unwrap_or_default())?;
    if let Some(id) = &identifiers.session {
        cx.log().set_session(id);
    }
    let sent_ms = request_body::sent_ms(request.sent_at.as_ref());
    let subject = identifiers.first().unwrap_or_default();
    let arrival = Arrival { subject, sent_ms, received_ms: cx.now_ms() };
    let single = request.events.is_none();
    let Validated { rows, left_out } = if single {
        let item = SingleEvent {
            event_type: request.event_type,
            event_data: request.event_data,
            timestamp: request.timestamp,
            message_id: request.message_id,
        };
        let item =
            serde_json::to_string(&item).map_err(|_| Problem::new(Code::InvalidJson, "the event is not JSON"))?;
        Validated { rows: vec![event::row(&item, 0, arrival, &mut random::message_id)?], ..Validated::default() }
    } else {
        let items = items(request.events)?;
        let validated = event::validate(items.iter().map(|item| item.get()), arrival, random::message_id);
        cx.log().invalid_events(items.iter().map(|item| item.get()), &validated.left_out.rejected);
        validated
    };
    let at = rows.first().map_or_else(|| clock::event_ts(cx.now_ms(), 0), |row| row.ts);
    let user = request.user.filter(|user| user.get() != "null");
    let (edit, unread) = edit(user);
    let mut warnings: Vec<Warning> = unread.iter().map(Warning::of_user).collect();
    warnings.extend(amount_unread(&rows));
    if edit.is_some() && identifiers.first().is_none() {
        return Err(Problem::field(
            Code::MissingField,
            "identifier",
            "user needs an identifier that says whom it is about",
        ));
    }
    let merge = request.merge.unwrap_or_default();
    if merge && (identifiers.user.is_none() || identifiers.identity_key.is_none()) {
        let message = "merge needs the userId and the email that are to be one user";
        return Err(Problem::field(Code::MissingField, "identifier", message));
    }
    let batch = ServerBatch {
        hash: hash.to_owned(),
        company_id: request.company_id,
        owner: OwnerLookup { identifiers, at, sent_ms },
        rows,
        user: user.map(ToOwned::to_owned),
        merge,
        single,
    };
    Ok(Parsed { batch, left_out, edit, warnings })
}

/// What `user` change, and what of it cannot be read: that is no reason to lose the events.
fn edit(user: Option<&RawValue>) -> (Option<Edit>, Vec<Problem>) {
    let Some((edit, mut unread)) = user.map(|user| Edit::read_leniently(user.get(), Scope::Server, address)) else {
        return (None, Vec::new());
    };
    unread.truncate(WARNINGS_MAX);
    (Some(edit), unread)
}

fn read_identifiers(given: Identifier) -> Result<Identifiers, Problem> {
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
    // Next to another identifier a blank one counts as missing. Alone it is a mistake: the events
    // would have no owner.
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
    let identity_key =
        email.as_deref().map(address).transpose().map_err(|p| Problem { field: Some("identifier.email"), ..p })?;
    Ok(Identifiers { identity_key, email, user, session, only_known: false })
}

/// Merges the people of the user id and of the address. An address that nobody has, or that
/// somebody gave up, is added to the user. → Whether anything changed.
async fn merge_identifiers(
    cx: &IngestContext,
    company: &str,
    resolved: &Resolved,
    identifiers: &Identifiers,
) -> Result<bool, Error> {
    let Some(user) = resolved.user_id.as_ref().filter(|_| resolved.erased_at.is_none()) else { return Ok(false) };
    let Some(address) = identifiers.identity_key.as_ref().filter(|_| resolved.email_id.as_ref() != Some(user)) else {
        return Ok(false);
    };
    let db = cx.db(company)?;
    match identity_keys::owner(db, company, address).await? {
        Some(owner) if owner.erased == 0 => merge::join(cx, company, user, &owner.profile, Scope::Server).await,
        Some(_) | None => {
            edit::free(cx, company, user, address).await?;
            edit::has_room(&find(cx, company, user).await?, address, "identifier.email")?;
            identity_keys::add_address(db, company, user, address, cx.stamp()).await?;
            Ok(true)
        }
    }
}
