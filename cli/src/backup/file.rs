//! The file of a backup, NDJSON: a header, a line for each batch of rows, and an end line with the
//! SHA-256 of all bytes before it. Only its owner can read it, since it has all personal data.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trackmate_wire::api::{BackupPlace, BackupSource};
use trackmate_wire::signature::Digested;

use crate::error::Error;
use crate::private_file::private;

/// The version of the form of this file.
const FORMAT: u32 = 1;
/// Bytes of a line. A batch has 400 KB and one row.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    /// `backup`
    trackmate: String,
    format: u32,
    /// Of TrackMate.
    version: String,
    pub(super) schema: String,
    /// ms
    pub(super) began_at: i64,
    pub(super) company: Option<String>,
    pub(super) secrets_key_id: Option<String>,
}

impl Header {
    pub(super) fn of(source: &BackupSource, company: Option<String>) -> Self {
        Self {
            trackmate: "backup".into(),
            format: FORMAT,
            version: source.version.clone(),
            schema: source.schema.clone(),
            began_at: source.at,
            company,
            secrets_key_id: source.secrets_key_id.clone(),
        }
    }

    fn parse(line: &str) -> Result<Self, Error> {
        let header: Option<Self> = serde_json::from_str(line).ok();
        let header = header.filter(|header| header.trackmate == "backup");
        let header = header.ok_or_else(|| Error::Failed("this is not a backup of TrackMate".into()))?;
        if header.format != FORMAT {
            return Err(Error::Failed(format!(
                "this backup has the form {}, and this command reads {FORMAT}",
                header.format
            )));
        }
        Ok(header)
    }
}

/// A line of rows.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) table: String,
    pub(super) rows: Vec<Value>,
    /// Where the next page begins.
    pub(super) next: Option<BackupPlace>,
}

/// What all lines before the last have.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) batches: i64,
    pub(super) rows: i64,
    /// Rows of each table.
    pub(super) tables: BTreeMap<String, i64>,
}

impl Counts {
    fn add(&mut self, line: &Line) {
        let rows = i64::try_from(line.rows.len()).unwrap_or(i64::MAX);
        self.batches += 1;
        self.rows += rows;
        *self.tables.entry(line.table.clone()).or_default() += rows;
    }
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    end: Counts,
    sha256: String,
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("could not {what} {}: {error}", path.display()))
}

/// The next line with its end; `None` at the end of the file, or if the last line has no end.
fn line(reader: &mut impl BufRead, path: &Path) -> Result<Option<String>, Error> {
    let mut bytes = Vec::new();
    reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).map_err(|error| failed("read", path, &error))?;
    Ok(Some(bytes).filter(|bytes| bytes.ends_with(b"\n")).and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// A backup that is being written.
pub(super) struct Unfinished {
    whole: PathBuf,
    part: PathBuf,
    file: File,
    hash: Digested,
    header: Option<Header>,
    counts: Counts,
    next: Option<BackupPlace>,
}

impl Unfinished {
    /// Opens `FILE.part`, and reads what there is of it. A last line without end is removed.
    pub(super) fn open(whole: &Path) -> Result<Self, Error> {
        if whole.exists() {
            return Err(Error::Usage(format!("{} exists already", whole.display())));
        }
        let mut part = whole.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let opened = private().read(true).append(true).create(true).open(&part);
        let file = opened.map_err(|error| failed("write", &part, &error))?;
        let copy = file.try_clone().map_err(|error| failed("read", &part, &error))?;
        let (hash, counts) = (Digested::default(), Counts::default());
        let mut unfinished = Self { whole: whole.into(), part, file, hash, header: None, counts, next: None };
        let bytes = unfinished.resume(BufReader::new(copy))?;
        unfinished.file.set_len(bytes).map_err(|error| failed("write", &unfinished.part, &error))?;
        Ok(unfinished)
    }

    /// Reads complete lines → their bytes.
    fn resume(&mut self, mut reader: impl BufRead) -> Result<u64, Error> {
        let mut bytes = 0;
        while let Some(text) = line(&mut reader, &self.part)? {
            if self.header.is_none() {
                self.header = Some(Header::parse(&text)?);
            } else if let Ok(line) = serde_json::from_str::<Line>(&text) {
                self.counts.add(&line);
                self.next = line.next;
            } else {
                break;
            }
            self.hash.update(text.as_bytes());
            bytes += u64::try_from(text.len()).unwrap_or_default();
        }
        Ok(bytes)
    }

    pub(super) const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Where the next page begins.
    pub(super) fn next(&self) -> Option<BackupPlace> {
        self.next.clone()
    }

    pub(super) const fn rows(&self) -> i64 {
        self.counts.rows
    }

    pub(super) fn tables(&self) -> BTreeMap<String, i64> {
        self.counts.tables.clone()
    }

    pub(super) fn begin(&mut self, header: Header) -> Result<(), Error> {
        self.write(&header)?;
        self.header = Some(header);
        Ok(())
    }

    pub(super) fn add(&mut self, line: &Line) -> Result<(), Error> {
        self.write(line)?;
        self.counts.add(line);
        Ok(())
    }

    /// Writes the end line, and gives the file its name → the SHA-256.
    pub(super) fn finish(mut self) -> Result<String, Error> {
        let sha256 = self.hash.hex();
        let end = End { end: self.counts.clone(), sha256: sha256.clone() };
        self.write(&end)?;
        let renamed = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.whole));
        renamed.map_err(|error| failed("write", &self.whole, &error))?;
        Ok(sha256)
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(|error| Error::Failed(error.to_string()))? + "\n";
        self.hash.update(text.as_bytes());
        self.file.write_all(text.as_bytes()).map_err(|error| failed("write", &self.part, &error))
    }
}

/// A complete backup.
pub(super) struct Backup {
    pub(super) header: Header,
    pub(super) counts: Counts,
    /// Of all bytes before the end line.
    pub(super) sha256: String,
}

/// Reads a whole file, gives each line of rows to `each`, and checks that it is complete and as it
/// was written.
pub(super) fn read(path: &Path, mut each: impl FnMut(u64, Line) -> Result<(), Error>) -> Result<Backup, Error> {
    let mut reader = BufReader::new(File::open(path).map_err(|error| failed("read", path, &error))?);
    let wrong = |what: &str| Error::Failed(format!("{} {what}; nothing was restored from it", path.display()));
    let first = line(&mut reader, path)?.ok_or_else(|| wrong("is not a backup of TrackMate"))?;
    let header = Header::parse(&first)?;
    let (mut hash, mut counts) = (Digested::default(), Counts::default());
    hash.update(first.as_bytes());
    let end = loop {
        let text = line(&mut reader, path)?.ok_or_else(|| wrong("is not complete"))?;
        if let Ok(end) = serde_json::from_str::<End>(&text) {
            break end;
        }
        hash.update(text.as_bytes());
        let line: Line = serde_json::from_str(&text).map_err(|_| wrong("was changed after it was written"))?;
        counts.add(&line);
        each(u64::try_from(counts.batches - 1).unwrap_or_default(), line)?;
    };
    let rest = reader.fill_buf().map_err(|error| failed("read", path, &error))?;
    if end.sha256 != hash.hex() || end.end != counts || !rest.is_empty() {
        return Err(wrong("was changed after it was written"));
    }
    Ok(Backup { header, counts, sha256: end.sha256 })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("trackmate-backup-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }

    fn written(name: &str) -> PathBuf {
        let path = path(name);
        let mut file = Unfinished::open(&path).unwrap();
        let source = BackupSource { version: "1".into(), schema: "s".into(), at: 7, secrets_key_id: None };
        file.begin(Header::of(&source, None)).unwrap();
        for n in 0..3 {
            let next = Some(BackupPlace { table: "events".into(), after: Some(n.to_string()) });
            file.add(&Line { table: "events".into(), rows: vec![json!([n])], next }).unwrap();
        }
        file.finish().unwrap();
        path
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let path = written("whole");
        let mut rows = Vec::new();
        let backup = read(&path, |number, line| {
            rows.push((number, line.rows));
            Ok(())
        })
        .unwrap();
        assert_eq!((backup.counts.batches, backup.counts.rows, backup.header.began_at), (3, 3, 7));
        assert_eq!(rows, [0, 1, 2].map(|n| (n, vec![json!([n])])));
        assert!(Unfinished::open(&path).is_err(), "it is not overwritten");
    }

    #[test]
    fn a_file_that_was_cut_or_changed_anywhere_is_refused() {
        let path = written("changed");
        let text = fs::read(&path).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(read(&path, |_, _| Ok(())).is_err(), "byte {at}");
            fs::write(&path, &text[..at]).unwrap();
            assert!(read(&path, |_, _| Ok(())).is_err(), "cut at {at}");
        }
        fs::write(&path, [&text[..], b"x"].concat()).unwrap();
        assert!(read(&path, |_, _| Ok(())).is_err(), "longer");
    }

    #[test]
    fn an_unfinished_file_goes_on_after_its_last_whole_line() {
        let path = written("part");
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        fs::write(path.with_file_name("part.part"), lines[..3].concat() + "{\"table\":\"ev").unwrap();
        let mut file = Unfinished::open(&path).unwrap();
        assert_eq!((file.rows(), file.next().unwrap().after), (2, Some("1".to_owned())));
        file.add(&serde_json::from_str(lines[3]).unwrap()).unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
