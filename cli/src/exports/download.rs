//! `trackmate export`: downloads the file in one request, or in several if it is too long or the
//! connection breaks. Each part is verified against its record in the API.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;
use trackmate_wire::api::{ExportAnswer, Mark};
use trackmate_wire::signature::Digested;
use ureq::Body;
use ureq::http::Response;

use super::options::{ExportOptions, Format};
use super::partial_file::{Files, State, failed};
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

/// Interval between progress updates.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Bytes per read.
const READ_BYTES: usize = 64 * 1024;

/// `GET /api/admin/export/{kind}/{format}`, until the export is complete.
pub(crate) fn download(options: &ExportOptions, api: &Api, output: Output) -> Result<(), Error> {
    let files = Files::beside(&options.output);
    let mut state = start_state(options, &files, api, output)?;
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
    let file = options.output.display();
    let json = json!({"success": true, "file": file.to_string(), "rows": rows, "bytes": bytes, "sha256": sha256,
                      "snapshot": snapshot, "changedDuring": changed, "exports": exports});
    let mut text = format!("{file}: {rows} rows, {}, verified\nSHA-256 {sha256}", size(bytes));
    text.push_str(&format!("\nSnapshot {} ({})", snapshot.unwrap_or_default(), exports.join(", ")));
    if changed > 0 {
        text.push_str(&format!(
            "\n{changed} users changed during the export; their rows may be older or newer than the snapshot"
        ));
    }
    output.either(&json, &text)
}

/// The state of a new download, or of the one to resume.
fn start_state(options: &ExportOptions, files: &Files, api: &Api, output: Output) -> Result<State, Error> {
    let mut query = options.filters.clone();
    query.extend(options.fields.iter().map(|fields| ("fields".to_owned(), fields.clone())));
    query.extend(options.limit.iter().map(|limit| ("limit".to_owned(), limit.to_string())));
    let path = format!("/api/admin/export/{}/{}", options.kind.word(), options.format.word());
    let found = files.state()?;
    if options.resume && options.format == Format::Json {
        return Err(Error::Usage("a JSON document cannot be resumed: start again, or use --format ndjson".into()));
    }
    match found {
        None if options.resume => Err(Error::Usage(format!("there is no {} to resume", files.part.display()))),
        Some(_) if !options.resume && options.format != Format::Json => Err(Error::Usage(format!(
            "an earlier download left {}: continue with --resume, or delete it and its .json file",
            files.part.display()
        ))),
        Some(state) if options.resume => {
            if (&state.path, &state.query) != (&path, &query) {
                return Err(Error::Usage("the download to resume has other options: use the same options".into()));
            }
            resume(files, state, api, output)
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

/// Resumes an interrupted part: keeps the bytes up to the last mark of its record whose hash
/// matches.
fn resume(files: &Files, mut state: State, api: &Api, output: Output) -> Result<State, Error> {
    let Some(id) = state.export.take() else { return Ok(state) };
    let ExportAnswer { export } = api.get(&format!("/api/admin/exports/{id}"), &[])?.read()?;
    let present = std::fs::metadata(&files.part).map_or(0, |part| part.len()).saturating_sub(state.bytes);
    let mark = export.marks.unwrap_or_default().into_iter().rfind(|mark| mark.bytes <= present);
    if let Some(Mark { rows, bytes, sha256, after }) = mark
        && hash(files, state.bytes, bytes)? == sha256
    {
        state.bytes += bytes;
        state.rows += rows;
        state.after = Some(after);
        state.exports.push(id);
    }
    output.note(&format!("resuming after {} rows ({})", state.rows, size(state.bytes)));
    files.save_state(&state)?;
    Ok(state)
}

/// Downloads and verifies one part. Returns `true` if it was the last.
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
    files.save_state(state)?;
    let (bytes, sha256) = save(response, file, state, files, output)?;
    let ExportAnswer { export } = api.get(&format!("/api/admin/exports/{id}"), &[])?.read()?;
    if (u64::try_from(export.bytes), export.sha256.as_ref()) != (Ok(bytes), Some(&sha256)) {
        return Err(Error::Failed(format!("the file does not match export {id}: the hashes differ")));
    }
    state.bytes += bytes;
    state.rows += u64::try_from(export.rows).unwrap_or_default();
    state.changed = export.changed_during.and_then(|users| users.try_into().ok()).unwrap_or_default();
    state.export = None;
    state.exports.push(export.id);
    let is_whole = match (export.state.as_str(), export.next) {
        ("complete", _) => true,
        ("partial", Some(next)) => {
            state.after = Some(next);
            false
        }
        (other, _) => return Err(Error::Failed(format!("the export ended with state {other}"))),
    };
    files.save_state(state)?;
    Ok(is_whole)
}

/// Appends an answer to the file. Returns its number of bytes and their hash.
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
    let started = Instant::now();
    let mut updated = started;
    loop {
        let read = body.read(&mut buffer).map_err(|error| {
            let received = size(state.bytes + bytes);
            Error::Unreachable(format!("the download broke off after {received}: {error}; continue with --resume"))
        })?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        file.write_all(piece).map_err(|error| failed("write", &files.part, &error))?;
        hash.update(piece);
        lines.count(piece);
        bytes += u64::try_from(read).unwrap_or_default();
        if updated.elapsed() >= PROGRESS_EVERY && !output.json {
            updated = Instant::now();
            let rate = per_second(bytes, started.elapsed());
            let rows = state.rows + lines.ended;
            output.progress(&format!("{rows} rows, {}, {}/s", size(state.bytes + bytes), size(rate)));
        }
    }
    file.sync_all().map_err(|error| failed("write", &files.part, &error))?;
    Ok((bytes, hash.hex()))
}

fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The hash of `bytes` bytes of the partial file, beginning at `from`.
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

/// Counts lines for the progress display. Line breaks between quotes do not count.
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
    fn sizes_are_shown_with_one_decimal() {
        assert_eq!([999, 1_000, 1_250_000, 44_290_000_000].map(size), ["999 B", "1.0 KB", "1.2 MB", "44.2 GB"]);
        assert_eq!(per_second(1000, Duration::from_millis(500)), 2000);
    }

    #[test]
    fn a_line_break_between_quotes_does_not_end_a_row() {
        let mut lines = Lines::default();
        for piece in ["a,\"b\r\n", "c \"\" d\"\r\n", "e\r\n"] {
            lines.count(piece.as_bytes());
        }
        assert_eq!(lines.ended, 2);
    }
}
