//! `GET /api/admin/exports`: the log of exports, with their content and how they ended.

use serde::Serialize;
use serde_json::value::RawValue;
use trackmate_wire::limits::AUDIT_ITEMS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::export;
use crate::error::Error;
use crate::http::audit::KeyUsed;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::pagination::{self, Pagination};
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::store::exports;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Export {
    id: String,
    kind: String,
    format: String,
    state: String,
    key: KeyUsed,
    filters: Box<RawValue>,
    fields: Option<Box<RawValue>>,
    snapshot: String,
    after: Option<String>,
    rows: i64,
    bytes: i64,
    /// Of the bytes handed over, before any content encoding.
    sha256: Option<String>,
    changed_during: Option<i64>,
    started_at: String,
    ended_at: Option<String>,
    /// Where a next part begins, if this one did not reach the end.
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marks: Option<Vec<Mark>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Mark {
    rows: u64,
    bytes: u64,
    sha256: String,
    after: String,
}

impl Export {
    fn new(e: exports::Export, with_marks: bool) -> Result<Self, Error> {
        let marks: Vec<export::Mark> = serde_json::from_str(&e.marks)?;
        let mark = |export::Mark(rows, bytes, sha256, after)| Mark { rows, bytes, sha256, after };
        Ok(Self {
            id: e.id,
            kind: e.kind,
            format: e.format,
            next: e.last.filter(|_| e.state != "complete"),
            state: e.state,
            key: KeyUsed { id: e.key_id, prefix: e.key_prefix },
            filters: RawValue::from_string(e.filters)?,
            fields: e.fields.map(RawValue::from_string).transpose()?,
            snapshot: clock::iso(e.snapshot),
            after: e.after,
            rows: e.rows,
            bytes: e.bytes,
            sha256: e.sha256,
            changed_during: e.changed,
            started_at: clock::iso(e.started_at),
            ended_at: e.ended_at.map(clock::iso),
            marks: with_marks.then(|| marks.into_iter().map(mark).collect()),
        })
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportList {
    exports: Vec<Export>,
    pagination: Pagination,
}

/// `GET /api/admin/exports?limit&cursor` → `{success, exports:[…], pagination}`, newest first.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let limit = pagination::limit(cx, AUDIT_ITEMS_MAX)?;
    // Ids ascend with time, and a tilde comes after all of them.
    let before = pagination::cursor(cx, |id| Some(id.to_owned()))?.unwrap_or_else(|| "~".to_owned());
    let db = cx.db(Some(&admin.company))?;
    let found = exports::list(db, &admin.company, &before, pagination::rows(limit)).await?;
    let (found, pagination) = Pagination::of(found, limit, |e| pagination::write_cursor(&e.id));
    let exports = found.into_iter().map(|e| Export::new(e, false)).collect::<Result<_, _>>()?;
    response::answer(&ExportList { exports, pagination })
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportAnswer {
    export: Export,
}

/// `GET /api/admin/exports/{id}` → `{success, export}`. Its `marks` are the points where an
/// interrupted download can continue.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let found = exports::find(cx.db(Some(&admin.company))?, &admin.company, id).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "no export of this company has this id"))?;
    response::answer(&ExportAnswer { export: Export::new(found, true)? })
}
