//! `/api/operator/backup` and `/api/operator/restore`: the operator reads all tables page by page,
//! and stores them in another deployment. `trackmate backup` and `trackmate restore` do both;
//! docs/backup.md says what holds.

use serde::Deserialize;
use serde_json::value::RawValue;
use trackmate_wire::api::{
    AbortAnswer, BackupPlace, BackupSource, RestoreAnswer, RestoreBatch, RestoreEnd, RestoreEndAnswer, RestoreRequest,
};
use trackmate_wire::ids::is_company_id;
use trackmate_wire::limits::{BACKUP_PAGE_ROWS, RESTORE_BODY_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::backup::{TABLES, Table, schema};
use crate::domain::outage::{Failure, failure};
use crate::domain::request_body;
use crate::error::Error;
use crate::http::auth::Operator;
use crate::http::body;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::runtime::secrets;
use crate::store::backup::{self, Restore};
use crate::store::{companies, restore_end};

/// A page as it is answered: a row is the text that D1 made.
#[derive(serde::Serialize)]
struct Page {
    source: BackupSource,
    table: &'static str,
    rows: Vec<Box<RawValue>>,
    next: Option<BackupPlace>,
}

fn unknown_table() -> Problem {
    Problem::field(Code::InvalidField, "table", "table is a table of a backup, as `next` of a page names it")
}

fn nothing_runs() -> Problem {
    Problem::new(Code::Conflict, "no restore runs; begin one")
}

/// `GET /api/operator/backup?company&table&after` → `{success, source:{version, schema, at}, table,
/// rows:[[…]], next:{table, after}|null}`.
pub(crate) async fn get(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let company = cx.query("company");
    let db = match &company {
        Some(company) => cx.db(company)?,
        None => cx.directory()?,
    };
    if let Some(company) = &company {
        companies::keys(db, company, 1).await?.first().ok_or_else(crate::http::admin::keys::unknown)?;
    }
    let table = match cx.query("table") {
        Some(name) => Table::named(&name).ok_or_else(unknown_table)?,
        None => TABLES.first().ok_or_else(unknown_table)?,
    };
    let after = cx.query("after");
    if after.as_ref().is_some_and(|after| !is_key(after, table)) {
        return Err(
            Problem::field(Code::InvalidCursor, "after", "after is the `next.after` of a page of this table").into()
        );
    }
    let (rows, has_more) = backup::page(db, table, company.as_deref(), after.as_deref()).await?;
    let last = rows.last().map(|row| row.place.clone()).filter(|_| has_more);
    let next = match last {
        Some(after) => Some(BackupPlace { table: table.name.to_owned(), after: Some(after) }),
        None => table.next().map(|table| BackupPlace { table: table.name.to_owned(), after: None }),
    };
    let rows = rows.into_iter().map(|row| RawValue::from_string(row.row)).collect::<Result<_, _>>()?;
    let source = BackupSource {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: schema(),
        at: cx.now_ms(),
        secrets_key_id: secrets::of(cx.env()).map(|vault| vault.key_id().to_owned()),
    };
    response::answer(&Page { source, table: table.name, rows, next })
}

/// Whether a text is the key of a row of this table.
fn is_key(text: &str, table: &Table) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "only the form is checked")]
    enum Part {
        Text(String),
        Number(i64),
    }
    serde_json::from_str::<Vec<Part>>(text).is_ok_and(|parts| parts.len() == table.key.split(' ').count())
}

/// `POST /api/operator/restore` `{file, schema, beganAt, company?}` → `{success, next}`: begins a
/// restore into a deployment without these companies, or goes on with that of the same file.
pub(crate) async fn begin(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let request: RestoreRequest = request_body::change(&body::text(cx).await?)?;
    let RestoreRequest { file, schema: theirs, began_at, company, secrets_key_id } = request;
    let is_hash =
        |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !is_hash(&file) {
        return Err(Problem::field(Code::InvalidField, "file", "file is the SHA-256 of the backup, in hex").into());
    }
    if company.as_deref().is_some_and(|id| !is_company_id(id)) {
        let message = "company is TM- and 4 to 32 capitals and digits";
        return Err(Problem::field(Code::InvalidField, "company", message).into());
    }
    if theirs != schema() {
        let message =
            "the backup is of another schema: restore it with the version of TrackMate that made it, then upgrade";
        return Err(Problem::field(Code::InvalidField, "schema", message).into());
    }
    let own = secrets::of(cx.env());
    if secrets_key_id.is_some_and(|id| own.is_none_or(|vault| vault.key_id() != id)) {
        let message = "this deployment has another SECRETS_KEY than the backup: set that of the backup, or the \
                       secrets of webhooks cannot be read (`--other-secrets-key` restores it all the same)";
        return Err(Problem::field(Code::InvalidField, "secretsKeyId", message).into());
    }
    let db = cx.directory()?;
    let restore = Restore { file, company, began_at, next: 0, rows: 0, active_at: cx.now_ms(), end: String::new() };
    if backup::begin(db, &restore).await? {
        return response::answer(&RestoreAnswer { next: 0 });
    }
    match backup::running(db).await? {
        Some(running) if running.file == restore.file && running.next >= 0 => {
            response::answer(&RestoreAnswer { next: running.next })
        }
        Some(_) => {
            Err(Problem::new(Code::Conflict, "the restore of another backup runs, or one is being given up").into())
        }
        None if backup::restored(db).await? == restore.file => {
            Err(Problem::new(Code::Conflict, "this backup is restored already").into())
        }
        None => Err(Problem::new(
            Code::Conflict,
            "there is data already: restore into a new, migrated database, or a company where it does not exist",
        )
        .into()),
    }
}

/// `POST /api/operator/restore/batches` `{number, table, rows:[[…]]}` → `{success, next}`. A batch
/// that is sent twice changes nothing.
pub(crate) async fn batch(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let text = body::long_text(cx, RESTORE_BODY_BYTES_MAX).await?;
    let RestoreBatch { number, table, rows } = request_body::change(&text)?;
    let table = Table::named(&table).ok_or_else(unknown_table)?;
    let db = cx.directory()?;
    let restore = backup::running(db).await?.ok_or_else(nothing_runs)?;
    if !restore.end.is_empty() && restore.next >= 0 {
        return Err(Problem::field(Code::Conflict, "number", "all batches are stored: the restore ends").into());
    }
    let invalid = |message| Error::from(Problem::field(Code::InvalidField, "rows", message));
    if i64::try_from(rows.len()).is_ok_and(|rows| rows > BACKUP_PAGE_ROWS) {
        return Err(invalid("a batch has at most the rows of a page of a backup"));
    }
    if rows.iter().any(|row| row.len() != table.width()) {
        return Err(invalid("a row has a value for each column of its table"));
    }
    let company =
        |row: &Vec<serde_json::Value>| row.get(table.company_column()).and_then(|id| id.as_str().map(str::to_owned));
    if !rows.iter().all(|row| company(row).is_some_and(|id| restore.company.as_ref().is_none_or(|only| *only == id))) {
        return Err(invalid("a row is of the company that is restored"));
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if number == restore.next {
        let stored = backup::store(db, table, (number, cx.now_ms()), &serde_json::to_string(&rows)?, count).await;
        if let Err(error) = &stored
            && failure(&error.to_string()) == Failure::Lasting
            && ["constraint", "datatype"].iter().any(|sign| error.to_string().to_lowercase().contains(sign))
        {
            return Err(invalid("a row does not fit its table"));
        }
        stored?;
    } else if number != restore.next - 1 {
        return Err(out_of_turn(restore.next).into());
    }
    response::answer(&RestoreAnswer { next: number + 1 })
}

fn out_of_turn(next: i64) -> Problem {
    let message = if next < 0 { "the restore is being given up".to_owned() } else { format!("batch {next} is next") };
    Problem::field(Code::Conflict, "number", message)
}

/// `POST /api/operator/restore/end` `{file, batches, rows}` → `{success, complete}`: works on some
/// slices of the end. Once it is complete, everybody sees what was restored. A request that is sent
/// again goes on, or changes nothing.
pub(crate) async fn end(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let RestoreEnd { file, batches, rows } = request_body::change(&body::text(cx).await?)?;
    let db = cx.directory()?;
    let Some(restore) = backup::running(db).await?.filter(|restore| restore.file == file) else {
        return if backup::restored(db).await? == file {
            response::answer(&RestoreEndAnswer { complete: true })
        } else {
            Err(nothing_runs().into())
        };
    };
    if restore.next != batches || restore.rows != rows {
        let message = format!("{} batches with {} rows are stored", restore.next.max(0), restore.rows);
        return Err(Problem::field(Code::Conflict, "batches", message).into());
    }
    let company = restore.company.clone();
    let complete = restore_end::go_on(db, restore, cx.now_ms()).await?;
    if let Some(company) = company.filter(|_| complete) {
        cx.set_audit_target(&company);
    }
    response::answer(&RestoreEndAnswer { complete })
}

/// `DELETE /api/operator/restore` → `{success, complete}`: deletes what an unfinished restore has
/// stored.
pub(crate) async fn abort(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let db = cx.directory()?;
    let complete = match backup::running(db).await? {
        Some(restore) if restore.end_place().is_some_and(|place| place.is_public()) => {
            let message = "the restore ends, and companies work already: send its end again until it is complete";
            return Err(Problem::new(Code::Conflict, message).into());
        }
        Some(restore) => backup::abort(db, &restore).await?,
        None => true,
    };
    response::answer(&AbortAnswer { complete })
}
