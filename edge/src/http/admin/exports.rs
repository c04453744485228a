//! `GET /api/admin/exports`: the log of exports, with their content and how they ended.

use serde_json::value::RawValue;
use trackmate_wire::api::{Export, ExportAnswer, ExportList, KeyUsed, Mark};
use trackmate_wire::limits::AUDIT_ITEMS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::export;
use crate::error::Error;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::store::exports;

/// An export as it is shown.
fn describe(e: exports::Export, with_marks: bool) -> Result<Export, Error> {
    let marks: Vec<export::Mark> = serde_json::from_str(&e.marks)?;
    let mark = |export::Mark(rows, bytes, sha256, after)| Mark { rows, bytes, sha256, after };
    Ok(Export {
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

/// `GET /api/admin/exports?limit&cursor` → `{success, exports:[…], pagination}`, newest first.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let limit = pagination::limit(cx, AUDIT_ITEMS_MAX)?;
    // Ids ascend with time, and a tilde comes after all of them.
    let before = pagination::cursor(cx, |id| Some(id.to_owned()))?.unwrap_or_else(|| "~".to_owned());
    let db = cx.db(&admin.company)?;
    let found = exports::list(db, &admin.company, &before, pagination::rows(limit)).await?;
    let (found, pagination) = pagination::cut_page(found, limit, |e| pagination::write_cursor(&e.id));
    let exports = found.into_iter().map(|e| describe(e, false)).collect::<Result<_, _>>()?;
    response::answer(&ExportList { exports, pagination })
}

/// `GET /api/admin/exports/{id}` → `{success, export}`. Its `marks` are the points where an
/// interrupted download can continue.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let found = exports::find(cx.db(&admin.company)?, &admin.company, id).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "no export of this company has this id"))?;
    response::answer(&ExportAnswer { export: describe(found, true)? })
}
