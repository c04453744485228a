//! Edits of a person: what an admin or a server with a key says of them.

use std::borrow::Cow;

use trackmate_wire::limits::PROFILE_KEYS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::edit::{Done, Edit};
use crate::domain::person::Person;
use crate::error::Error;
use crate::people::find::find;
use crate::people::identity_key::address;
use crate::people::merge;
use crate::people::turn::{Tries, Turn};
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::edits::{self, Edited};
use crate::store::identity_keys::{self, Owner};
use crate::store::people::Profile;

/// What is said of a person, if anything, in view of what is known by then.
pub(crate) trait Saying {
    /// The edit that it makes.
    fn edit(&self, person: &Person) -> Result<Option<Cow<'_, Edit>>, Problem>;
}

impl Saying for Edit {
    fn edit(&self, _: &Person) -> Result<Option<Cow<'_, Edit>>, Problem> {
        Ok(Some(Cow::Borrowed(self)))
    }
}

/// Makes an edit and sends its platform events; the person as it is then.
pub(crate) async fn change(cx: &Context, company: &str, id: &str, edit: &Edit) -> Result<Person, Error> {
    let (person, refused) = change_all(cx, company, id, &[edit]).await?;
    refused.into_iter().next().map_or(Ok(person), |(_, problem)| Err(problem.into()))
}

/// Makes edits of one person, one after the other, in one batch; the person as it is then, and the
/// places of those that were refused. Of several, none but the first gives an address.
pub(crate) async fn change_all(
    cx: &Context,
    company: &str,
    id: &str,
    sayings: &[&dyn Saying],
) -> Result<(Person, Vec<(usize, Problem)>), Error> {
    let _turn = Turn::of(company, id).await?;
    let mut tries = Tries::default();
    loop {
        tries.next(cx).await?;
        let read = find(cx, company, id).await?;
        let before = read.person(company)?;
        let (mut person, mut done, mut refused) = (before.clone(), Done::default(), Vec::new());
        for (place, saying) in sayings.iter().enumerate() {
            let mut next = person.clone();
            let made = saying.edit(&person).and_then(|edit| edit.map_or(Ok(None), |e| e.apply(&mut next, cx.now_ms())));
            match made {
                Ok(Some(made)) => {
                    (person, done.email) = (next, done.email.or(made.email));
                    done.events.extend(made.events);
                }
                Ok(None) => {}
                Err(problem) => refused.push((place, problem)),
            }
        }
        if done.events.is_empty() {
            return Ok((person, refused));
        }
        done.settle(&before, &person);
        let db = cx.db(Some(company))?;
        let old = before.email.as_deref().and_then(|email| address(email).ok());
        if let Some(email) = &done.email {
            free(cx, company, &person.id, &email.key).await?;
            if old.as_ref().is_some_and(|old| *old != email.key) {
                has_room(&read, &email.key, "email")?;
            }
        }
        let owns = owns(cx, company, &read, (&before, &person), &done).await?;
        let edited = Edited { done: &done, address: old.as_deref(), owns: &owns };
        let number = random::number();
        let written = edits::write(db, &read, &person, &edited, number, cx.now_ms(), random::message_id).await?;
        if let Some(outbox) = written {
            cx.emitted(company, outbox);
            return Ok((person, refused));
        }
    }
}

/// That one more lookup key may lead to a profile, unless this one does.
pub(crate) fn has_room(profile: &Profile, key: &str, field: &'static str) -> Result<(), Error> {
    let keys: Vec<String> = serde_json::from_str(&profile.aliases)?;
    if keys.len() < PROFILE_KEYS_MAX || keys.iter().any(|known| known == key) {
        Ok(())
    } else {
        Err(full(field).into())
    }
}

/// To a person so many keys lead that no other may.
pub(crate) fn full(field: &'static str) -> Problem {
    let message = format!("at most {PROFILE_KEYS_MAX} ids and former addresses lead to one user");
    Problem::field(Code::LimitReached, field, message)
}

/// That nobody but this profile has an address, and that it was not erased.
pub(crate) async fn free(cx: &Context, company: &str, profile: &str, address: &str) -> Result<(), Error> {
    let owner = identity_keys::owner(cx.db(Some(company))?, company, address).await?.filter(|o| o.profile != profile);
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

/// Of a group of merged profiles, what is said of each by itself after an edit of the person they
/// are.
async fn owns(
    cx: &Context,
    company: &str,
    read: &Profile,
    (before, after): (&Person, &Person),
    done: &Done,
) -> Result<Vec<(String, String)>, Error> {
    if read.trusted_data.is_none() {
        return Ok(Vec::new());
    }
    let mut owns = Vec::new();
    for mut member in merge::group(cx, company, read).await? {
        let top = member.winner.is_none();
        member.trusted_data.follow(before, after, done, top);
        owns.push((member.id, serde_json::to_string(&member.trusted_data)?));
    }
    Ok(owns)
}
