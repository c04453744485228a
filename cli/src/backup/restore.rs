//! `trackmate restore`: checks the whole file before anything is sent, and sends its lines as
//! numbered batches. If it is interrupted, the same command goes on.

use serde_json::json;
use trackmate_wire::api::{AbortAnswer, RestoreAnswer, RestoreEnd, RestoreEndAnswer, RestoreRequest};

use crate::api::{Api, again};
use crate::backup::file::{Backup, read};
use crate::backup::options::RestoreOptions;
use crate::config::{self, Flags};
use crate::error::Error;
use crate::output::Output;

const PATH: &str = "/api/operator/restore";
const BATCHES: &str = "/api/operator/restore/batches";
const END: &str = "/api/operator/restore/end";

/// Restores a file, or gives a restore up.
pub(crate) fn restore(options: &RestoreOptions, flags: &Flags, output: Output) -> Result<(), Error> {
    let Some(path) = &options.file else { return abort(&Api::operator(config::operator(flags)?), output) };
    let Backup { header, counts, sha256 } = read(path, |_, _| Ok(()))?;
    let api = Api::operator(config::operator(flags)?);
    let began_at = header.began_at;
    let secrets_key_id = header.secrets_key_id.filter(|_| !options.other_secrets_key);
    let request = RestoreRequest {
        file: sha256.clone(),
        schema: header.schema,
        began_at,
        company: header.company,
        secrets_key_id,
    };
    let RestoreAnswer { next } = again(|| api.post(PATH, &json!(request))?.read())?;
    if next > 0 {
        output.note(&format!("going on after {next} of {} batches", counts.batches));
    }
    let sent = read(path, |number, line| {
        if number < u64::try_from(next).unwrap_or_default() {
            return Ok(());
        }
        let batch = json!({"number": number, "table": line.table, "rows": line.rows});
        again(|| api.post(BATCHES, &batch)?.read::<RestoreAnswer>()).map(drop)
    })?;
    if sent.sha256 != sha256 {
        let message = "the file changed while it was read: give this restore up with `trackmate restore --abort`";
        return Err(Error::Failed(message.into()));
    }
    let end = json!(RestoreEnd { file: sha256.clone(), batches: counts.batches, rows: counts.rows });
    while !again(|| api.post(END, &end)?.read::<RestoreEndAnswer>())?.complete {}
    output.either(
        &json!({"file": path, "rows": counts.rows, "tables": counts.tables, "sha256": sha256}),
        &format!("{} rows are restored. Deliveries go on with the next run of the sweep.", counts.rows),
    )
}

fn abort(api: &Api, output: Output) -> Result<(), Error> {
    while !again(|| api.delete(PATH)?.read::<AbortAnswer>())?.complete {}
    output.either(&json!({"aborted": true}), "Nothing is left of the restore.")
}
