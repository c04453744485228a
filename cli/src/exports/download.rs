//! `trackmate export`: the file in one piece, or in parts where it breaks off or is too long for one, each verified against what the API has on record.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::signature::Digested;
use ureq::Body;
use ureq::http::Response;

use super::kept::{Files, State, failed};
use super::model::{Export, Mark};
use super::options::{Download, Format};
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

/// Between two looks at how far it is.
const SHOWN_EVERY: Duration = Duration::from_millis(200);
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
struct One {
    export: Export,
}

/// `GET /api/admin/export/{kind}/{format}`, until all is here.
pub(crate) fn download(wanted: &Download, api: &Api, output: Output) -> Result<(), Error> {
    let files = Files::beside(&wanted.output);
    let mut state = begin(wanted, &files, api, output)?;
    loop {
        let is_whole = match part(&files, &mut state, api, output) {
            Err(error) => {
                output.progress_done();
                return Err(error);
            }
            Ok(is_whole) => is_whole,
        };
        if is_whole {
            break;
        }
    }
    output.progress_done();
    let sha256 = hash(&files, 0, state.bytes)?;
    files.finish()?;
    let State { rows, bytes, snapshot, exports, changed, .. } = state;
    let file = wanted.output.display();
    let json = json!({"success": true, "file": file.to_string(), "rows": rows, "bytes": bytes, "sha256": sha256,
                      "snapshot": snapshot, "changedDuring": changed, "exports": exports});
    let mut text = format!("{file}: {rows} rows, {}, verified\nSHA-256 {sha256}", size(bytes));
    text.push_str(&format!("\nSnapshot {} ({})", snapshot.unwrap_or_default(), exports.join(", ")));
    if changed > 0 {
        text.push_str(&format!(
            "\n{changed} users have changed since the snapshot; their rows may be of either side of it"
        ));
    }
    output.either(&json, &text)
}

/// A new download's state, or that of the one to go on with.
fn begin(wanted: &Download, files: &Files, api: &Api, output: Output) -> Result<State, Error> {
    let mut query = wanted.filters.clone();
    query.extend(wanted.fields.iter().map(|fields| ("fields".to_owned(), fields.clone())));
    query.extend(wanted.limit.iter().map(|limit| ("limit".to_owned(), limit.to_string())));
    let path = format!("/api/admin/export/{}/{}", wanted.kind.word(), wanted.format.word());
    let found = files.state()?;
    if wanted.resume && wanted.format == Format::Json {
        return Err(Error::Usage("a JSON document cannot be resumed: begin it anew, or use --format ndjson".into()));
    }
    match found {
        None if wanted.resume => Err(Error::Usage(format!("there is no {} to go on with", files.part.display()))),
        Some(_) if !wanted.resume && wanted.format != Format::Json => Err(Error::Usage(format!(
            "an earlier download left {}: --resume goes on with it, or remove it and its .json",
            files.part.display()
        ))),
        Some(state) if wanted.resume => {
            if (&state.path, &state.query) != (&path, &query) {
                return Err(Error::Usage(
                    "the download to go on with was of something else: use its own options".into(),
                ));
            }
            go_on(files, state, api, output)
        }
        None | Some(_) => Ok(State {
            path,
            query,
            snapshot: None,
            bytes: 0,
            rows: 0,
            after: None,
            export: None,
            exports: Vec::new(),
            changed: 0,
        }),
    }
}

/// Takes what is there of the part that broke off as far as a mark vouches for it.
fn go_on(files: &Files, mut state: State, api: &Api, output: Output) -> Result<State, Error> {
    let Some(id) = state.export.take() else { return Ok(state) };
    let One { export } = api.get(&format!("/api/admin/exports/{id}"), &[])?.read()?;
    let there = std::fs::metadata(&files.part).map_or(0, |part| part.len()).saturating_sub(state.bytes);
    let mark = export.marks.into_iter().rfind(|mark| mark.bytes <= there);
    if let Some(Mark { rows, bytes, sha256, after }) = mark
        && hash(files, state.bytes, bytes)? == sha256
    {
        state.bytes += bytes;
        state.rows += rows;
        state.after = Some(after);
        state.exports.push(id);
    }
    output.note(&format!("going on behind {} rows ({})", state.rows, size(state.bytes)));
    files.keep(&state)?;
    Ok(state)
}

/// One part, from the request to its verification; `true` if it was the last.
fn part(files: &Files, state: &mut State, api: &Api, output: Output) -> Result<bool, Error> {
    let mut query = state.query.clone();
    if let Some((_, limit)) = query.iter_mut().find(|(name, _)| name == "limit") {
        let left = limit.parse::<u64>().unwrap_or_default().saturating_sub(state.rows);
        if left == 0 {
            return Ok(true);
        }
        *limit = left.to_string();
    }
    if !state.path.ends_with("/json") {
        query.push(("partial".to_owned(), "true".to_owned()));
    }
    query.extend(state.snapshot.iter().map(|snapshot| ("snapshot".to_owned(), snapshot.clone())));
    query.extend(state.after.iter().map(|after| ("after".to_owned(), after.clone())));
    let response = api.file(&state.path, &query)?;
    let id = header(&response, "x-export-id");
    state.snapshot = Some(header(&response, "x-export-snapshot"));
    state.export = Some(id.clone());
    let file = files.open(state.bytes)?;
    files.keep(state)?;
    let (bytes, sha256) = save(response, file, state, files, output)?;
    let One { export } = api.get(&format!("/api/admin/exports/{id}"), &[])?.read()?;
    if (export.bytes, export.sha256.as_ref()) != (bytes, Some(&sha256)) {
        return Err(Error::Failed(format!("what came is not what {id} handed over: the hashes differ")));
    }
    state.bytes += bytes;
    state.rows += export.rows;
    state.changed = export.changed_during.unwrap_or_default();
    state.export = None;
    state.exports.push(export.id);
    let is_whole = match (export.state.as_str(), export.next) {
        ("complete", _) => true,
        ("partial", Some(next)) => {
            state.after = Some(next);
            false
        }
        (other, _) => return Err(Error::Failed(format!("the export ended {other}"))),
    };
    files.keep(state)?;
    Ok(is_whole)
}

/// Writes an answer behind what is there → its bytes and their hash.
fn save(
    mut response: Response<Body>,
    mut file: File,
    state: &State,
    files: &Files,
    output: Output,
) -> Result<(u64, String), Error> {
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    let (mut hash, mut bytes, mut lines) = (Digested::default(), 0_u64, Lines::default());
    let mut buffer = vec![0; READ_BYTES];
    let began = Instant::now();
    let mut shown = began;
    loop {
        let read = body.read(&mut buffer).map_err(|error| {
            let kept = size(state.bytes + bytes);
            Error::Unreachable(format!("the download broke off after {kept}: {error}; --resume goes on with it"))
        })?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        file.write_all(piece).map_err(|error| failed("write", &files.part, &error))?;
        hash.update(piece);
        lines.count(piece);
        bytes += u64::try_from(read).unwrap_or_default();
        if shown.elapsed() >= SHOWN_EVERY && !output.json {
            shown = Instant::now();
            let a_second = per_second(bytes, began.elapsed());
            let rows = state.rows + lines.ended;
            output.progress(&format!("{rows} rows, {}, {}/s", size(state.bytes + bytes), size(a_second)));
        }
    }
    file.sync_all().map_err(|error| failed("write", &files.part, &error))?;
    Ok((bytes, hash.hex()))
}

fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The hash of so many bytes of the part from this place on.
fn hash(files: &Files, from: u64, bytes: u64) -> Result<String, Error> {
    let read = || -> io::Result<String> {
        let mut file = File::open(&files.part)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(from))?;
        let mut rest = file.take(bytes);
        let (mut hash, mut buffer) = (Digested::default(), vec![0; READ_BYTES]);
        loop {
            let read = rest.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { return Ok(hash.hex()) };
            hash.update(piece);
        }
    };
    read().map_err(|error| failed("read", &files.part, &error))
}

/// Lines that have ended; an end of a line between quotes is none. A help to who watches, not a count of rows.
#[derive(Default)]
struct Lines {
    quoted: bool,
    ended: u64,
}

impl Lines {
    fn count(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'"' => self.quoted = !self.quoted,
                b'\n' if !self.quoted => self.ended += 1,
                _ => {}
            }
        }
    }
}

fn per_second(bytes: u64, took: Duration) -> u64 {
    u64::try_from(u128::from(bytes) * 1000 / took.as_millis().max(1)).unwrap_or(u64::MAX)
}

/// `44.2 MB`
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!([999, 1_000, 1_250_000, 44_290_000_000].map(size), ["999 B", "1.0 KB", "1.2 MB", "44.2 GB"]);
        assert_eq!(per_second(1000, Duration::from_millis(500)), 2000);
    }

    #[test]
    fn an_end_of_a_line_between_quotes_ends_no_row() {
        let mut lines = Lines::default();
        for piece in ["a,\"b\r\n", "c \"\" d\"\r\n", "e\r\n"] {
            lines.count(piece.as_bytes());
        }
        assert_eq!(lines.ended, 2);
    }
}
