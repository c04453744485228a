//! Admission of a browser's request: turns what D1 says of its company into the caller's problem.

use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::store::request::Admission;

/// Returns the problem of a request that may not be stored. For an admitted one, tells the log of
/// outcomes whether somebody watches the company's events.
///
/// # Errors
/// `unknown_company`, `origin_not_allowed`, `identity_unproved`.
pub(crate) fn admit(cx: &IngestContext, admission: Admission) -> Result<(), Error> {
    match admission {
        Admission::Admitted { watched } => {
            cx.log().set_watched(watched);
            Ok(())
        }
        Admission::UnknownCompany => Err(unknown_company().into()),
        Admission::WrongOrigin => Err(Problem::new(
            Code::OriginNotAllowed,
            "this page's origin is not on the company's list of allowed origins",
        )
        .into()),
        Admission::Unproved => Err(Problem::field(
            Code::IdentityUnproved,
            "userHash",
            "this company's pages must send userHash, made on its server from its identity secret",
        )
        .into()),
        Admission::Replanned => {
            Err(Error::Internal("the events were not checked against the plan in force".to_owned()))
        }
    }
}

pub(crate) fn unknown_company() -> Problem {
    Problem::field(Code::UnknownCompany, "company_id", "no company has this id")
}
