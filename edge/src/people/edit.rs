//! Edits of a person by an admin or by a server.

use std::borrow::Cow;

use trackmate_wire::limits::PROFILE_KEYS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::edit::{Done, Edit};
use crate::domain::person::Person;
use crate::error::Error;
use crate::people::conflict::retry_on_conflict;
use crate::people::find::find;
use crate::people::identity_key::address;
use crate::people::merge;
use crate::people::person_lock::PersonLock;
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::edits::{self, Edited};
use crate::store::identity_keys::{self, Owner};
use crate::store::people::Profile;

/// An edit whose content may depend on the person as read.
pub(crate) trait PendingEdit {
    /// The edit of this person; `None` if there is nothing to change.
    fn edit(&self, person: &Person) -> Result<Option<Cow<'_, Edit>>, Problem>;
}

impl PendingEdit for Edit {
    fn edit(&self, _: &Person) -> Result<Option<Cow<'_, Edit>>, Problem> {
        Ok(Some(Cow::Borrowed(self)))
    }
}

/// Edits a person and emits the platform events. → The person after the edit.
///
/// # Errors
/// Those of [`change_all`], and the problem for which the edit was rejected.
pub(crate) async fn change(cx: &Context, company: &str, id: &str, edit: &Edit) -> Result<Person, Error> {
    let (person, rejected) = change_all(cx, company, id, &[edit]).await?;
    rejected.into_iter().next().map_or(Ok(person), |(_, problem)| Err(problem.into()))
}

/// Makes several edits of one person, one after the other, in one batch. Only the first may set the
/// address. → The person after the edits, and each rejected edit by position, with its problem.
///
/// # Errors
/// `unknown_user`, `erased_user`; a problem of a new address; `busy` after too many conflicts.
pub(crate) async fn change_all(
    cx: &Context,
    company: &str,
    id: &str,
    edits: &[&dyn PendingEdit],
) -> Result<(Person, Vec<(usize, Problem)>), Error> {
    let _lock = PersonLock::acquire(company, id).await?;
    retry_on_conflict(cx, async || {
        let read = find(cx, company, id).await?;
        let before = read.person(company)?;
        let (mut person, mut done, mut rejected) = (before.clone(), Done::default(), Vec::new());
        for (position, pending) in edits.iter().enumerate() {
            let mut next = person.clone();
            let made =
                pending.edit(&person).and_then(|edit| edit.map_or(Ok(None), |e| e.apply(&mut next, cx.now_ms())));
            match made {
                Ok(Some(made)) => {
                    (person, done.email) = (next, done.email.or(made.email));
                    done.events.extend(made.events);
                }
                Ok(None) => {}
                Err(problem) => rejected.push((position, problem)),
            }
        }
        if done.events.is_empty() {
            return Ok(Some((person, rejected)));
        }
        done.settle(&before, &person);
        let db = cx.db(company)?;
        let old = before.email.as_deref().and_then(|email| address(email).ok());
        if let Some(email) = &done.email {
            free(cx, company, &person.id, &email.key).await?;
            if old.as_ref().is_some_and(|old| *old != email.key) {
                has_room(&read, &email.key, "email")?;
            }
        }
        let group_data = group_data(cx, company, &read, (&before, &person), &done).await?;
        let edited =
            Edited { read: &read, person: &person, done: &done, address: old.as_deref(), trusted_data: &group_data };
        let written = edits::write(db, &edited, cx.stamp(), random::message_id).await?;
        let Some(outbox) = written else { return Ok(None) };
        cx.dispatch_later(company, outbox);
        Ok(Some((person, rejected)))
    })
    .await
}

/// Checks that the profile may get this identity key, unless it has it.
///
/// # Errors
/// `limit_reached` if it has `PROFILE_KEYS_MAX` keys.
pub(crate) fn has_room(profile: &Profile, key: &str, field: &'static str) -> Result<(), Error> {
    let keys: Vec<String> = serde_json::from_str(&profile.aliases)?;
    if keys.len() < PROFILE_KEYS_MAX || keys.iter().any(|known| known == key) {
        Ok(())
    } else {
        Err(full(field).into())
    }
}

/// The error of a profile that already has `PROFILE_KEYS_MAX` keys.
pub(crate) fn full(field: &'static str) -> Problem {
    let message = format!("at most {PROFILE_KEYS_MAX} ids and former addresses lead to one user");
    Problem::field(Code::LimitReached, field, message)
}

/// Checks that no other profile has this address, and that it was not erased.
///
/// # Errors
/// `erased_user`, `conflict`.
pub(crate) async fn free(cx: &Context, company: &str, profile: &str, address: &str) -> Result<(), Error> {
    let owner = identity_keys::owner(cx.db(company)?, company, address).await?.filter(|o| o.profile != profile);
    match owner {
        None => Ok(()),
        Some(Owner { erased: 1, .. }) => {
            let message = "this address was erased; DELETE /api/admin/tombstones lets it come again";
            Err(Problem::field(Code::ErasedUser, "email", message).into())
        }
        Some(_) => {
            let message = "another user has this address; POST /api/admin/identity/merge makes one of two";
            Err(Problem::field(Code::Conflict, "email", message).into())
        }
    }
}

/// The trusted data of each profile of a merged group after an edit: id and JSON. Empty if the
/// profile is not merged.
async fn group_data(
    cx: &Context,
    company: &str,
    read: &Profile,
    (before, after): (&Person, &Person),
    done: &Done,
) -> Result<Vec<(String, String)>, Error> {
    if read.trusted_data.is_none() {
        return Ok(Vec::new());
    }
    let mut group_data = Vec::new();
    for mut member in merge::group(cx, company, read).await? {
        let top = member.winner.is_none();
        member.trusted_data.follow(before, after, done, top);
        group_data.push((member.id, serde_json::to_string(&member.trusted_data)?));
    }
    Ok(group_data)
}
