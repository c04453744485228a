//! An unfinished download: `FILE.part` contains the bytes so far, `FILE.part.json` the state for a
//! resume. Only their owner can read them, since they contain personal data.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::private_file::private;

/// The state for a resume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    /// The path in the API.
    pub(super) path: String,
    /// The query, without `snapshot` and `after`.
    pub(super) query: Vec<(String, String)>,
    /// The snapshot of all parts. Unknown until the first answer.
    pub(super) snapshot: Option<String>,
    /// Verified bytes …
    pub(super) bytes: u64,
    /// … their rows …
    pub(super) rows: u64,
    /// … and the last of these rows, after which the current part begins.
    pub(super) after: Option<String>,
    /// The id of the current part's export.
    pub(super) export: Option<String>,
    /// The ids of the exports of the verified bytes.
    pub(super) exports: Vec<String>,
    /// Users that changed after the snapshot, according to the last part.
    pub(super) changed: u64,
}

/// The paths of a download.
pub(super) struct Files {
    pub(super) whole: PathBuf,
    pub(super) part: PathBuf,
    state: PathBuf,
}

impl Files {
    pub(super) fn beside(whole: &Path) -> Self {
        let with = |ending: &str| {
            let mut name = whole.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        Self { whole: whole.to_owned(), part: with(".part"), state: with(".part.json") }
    }

    /// The state that an earlier run left, if any.
    pub(super) fn state(&self) -> Result<Option<State>, Error> {
        match fs::read_to_string(&self.state) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| Error::Usage(format!("could not parse {}: {error}", self.state.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &self.state, &error)),
        }
    }

    /// Writes the state atomically.
    pub(super) fn save_state(&self, state: &State) -> Result<(), Error> {
        let mut fresh = self.state.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        let written = serde_json::to_string(state).map_err(io::Error::from).and_then(|text| {
            let mut file = private().write(true).create(true).truncate(true).open(&fresh)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &self.state)
        });
        written.map_err(|error| failed("write", &self.state, &error))
    }

    /// Opens the partial file for appending, truncated to `bytes`.
    pub(super) fn open(&self, bytes: u64) -> Result<File, Error> {
        let opened = private().append(true).read(true).create(true).open(&self.part).and_then(|file| {
            file.set_len(bytes)?;
            Ok(file)
        });
        opened.map_err(|error| failed("write", &self.part, &error))
    }

    /// Renames the completed partial file and removes its state.
    pub(super) fn finish(&self) -> Result<(), Error> {
        fs::rename(&self.part, &self.whole).map_err(|error| failed("write", &self.whole, &error))?;
        fs::remove_file(&self.state).map_err(|error| failed("remove", &self.state, &error))
    }
}

pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("could not {what} {}: {error}", path.display()))
}
