//! `trackmate backup`: asks for one page after another, and writes each as a line.

use serde_json::json;
use trackmate_wire::api::{BackupPage, BackupPlace};

use crate::api::{Api, again};
use crate::backup::file::{Header, Line, Unfinished};
use crate::backup::options::BackupOptions;
use crate::cells::list::{Cells, PATH as CELLS};
use crate::config::{self, Flags};
use crate::error::Error;
use crate::output::Output;

const PATH: &str = "/api/operator/backup";

/// Writes a backup, or goes on with one.
pub(crate) fn backup(options: &BackupOptions, flags: &Flags, output: Output) -> Result<(), Error> {
    let api = Api::operator(config::operator(flags)?);
    let mut unfinished = Unfinished::open(&options.file)?;
    if let Some(header) = unfinished.header()
        && header.company != options.company
    {
        let message = "the unfinished file is a backup of something else: remove it, or choose another name";
        return Err(Error::Usage(message.into()));
    }
    if options.company.is_none() {
        has_one_cell(&api)?;
    }
    let mut place = unfinished.next();
    if unfinished.header().is_some() {
        output.note(&format!("going on after {} rows", unfinished.rows()));
    }
    loop {
        let page = page(&api, options.company.as_deref(), place.as_ref())?;
        match unfinished.header() {
            None => unfinished.begin(Header::of(&page.source, options.company.clone()))?,
            Some(header) if header.schema != page.source.schema => {
                let message =
                    "the deployment was upgraded during the backup: remove the unfinished file and begin again";
                return Err(Error::Failed(message.into()));
            }
            Some(_) => {}
        }
        let next = page.next;
        if !page.rows.is_empty() {
            unfinished.add(&Line { table: page.table, rows: page.rows, next: next.clone() })?;
        }
        if next.is_none() {
            break;
        }
        place = next;
    }
    let (rows, tables) = (unfinished.rows(), unfinished.tables());
    let sha256 = unfinished.finish()?;
    let shown = options.file.display();
    output.either(
        &json!({"file": options.file, "rows": rows, "tables": tables, "sha256": sha256}),
        &format!(
            "{rows} rows are in {shown}, SHA-256 {sha256}.\n\
             Keep SECRETS_KEY apart: the webhooks' secrets are encrypted with it."
        ),
    )
}

/// A backup of all companies reads one database. It must not look complete without the others.
fn has_one_cell(api: &Api) -> Result<(), Error> {
    let cells = match again(|| api.get(CELLS, &[])?.read::<Cells>()) {
        // A deployment of before has one.
        Err(Error::NotFound(_)) => return Ok(()),
        cells => cells?,
    };
    let others = cells.with_companies().filter(|&cell| cell != "DB").collect::<Vec<_>>().join(", ");
    if others.is_empty() {
        return Ok(());
    }
    let message = format!(
        "a backup of all companies has those of the database DB only, and {others} has companies too: back up each \
         company by itself, with --company (docs/cells.md)"
    );
    Err(Error::Failed(message))
}

/// A page. It is asked for again if nobody answers.
fn page(api: &Api, company: Option<&str>, place: Option<&BackupPlace>) -> Result<BackupPage, Error> {
    let query = [
        ("company", company),
        ("table", place.map(|place| place.table.as_str())),
        ("after", place.and_then(|place| place.after.as_deref())),
    ];
    again(|| api.get(PATH, &query)?.read())
}
