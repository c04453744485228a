//! Finding a person.

use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::runtime::context::Context;
use crate::store::people::{self, Profile};

/// Reads a profile.
///
/// # Errors
/// `unknown_user`, `erased_user`.
pub(crate) async fn find(cx: &Context, company: &str, id: &str) -> Result<Profile, Error> {
    let found = people::profile(cx.db(company)?, company, id).await?;
    let profile = found.ok_or_else(|| Problem::new(Code::UnknownUser, "no user of this company has this id"))?;
    if profile.erased_at.is_some() {
        return Err(Problem::new(Code::ErasedUser, "this user was erased").into());
    }
    Ok(profile)
}
