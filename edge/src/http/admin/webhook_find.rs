//! Finding a webhook of the admin's company.

use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::store::subscriptions::{self, Subscription};

/// The subscription, or 404.
pub(crate) async fn find(cx: &RequestContext, admin: &auth::Admin, id: &str) -> Result<Subscription, Error> {
    let found = subscriptions::find(cx.db(Some(&admin.company))?, &admin.company, id).await?;
    found.ok_or_else(|| unknown().into())
}

pub(crate) fn unknown() -> Problem {
    Problem::new(Code::NotFound, "no webhook of this company has this id")
}
