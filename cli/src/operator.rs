//! The API with the operator key, which is from `TRACKMATE_OPERATOR_KEY` or from the file that has
//! the address. There is no flag for it, because other users of a machine can read a command line.

use std::path::PathBuf;

use crate::api::Api;
use crate::config::{self, Flags};
use crate::error::Error;
use crate::profile::{self, Profile};

const KEY_VARIABLE: &str = "TRACKMATE_OPERATOR_KEY";
/// What `trackmate dev` writes.
const DEV_FILE: &str = ".trackmate/dev.json";

/// A client with the operator key. A key of a file is sent only to the address of that file.
pub(crate) fn api(flags: &Flags) -> Result<Api, Error> {
    let given = flags.url();
    let (stored, file) = if given.is_none() { stored(flags)? } else { Default::default() };
    let url = given.or(stored.url);
    let url = url.ok_or_else(|| Error::Usage("the address of TrackMate is missing: pass --url".into()))?;
    let key = std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty()).or(stored.operator_key);
    let key = key.ok_or_else(|| Error::Usage(format!("the operator key is missing: set {KEY_VARIABLE}")))?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Error::Usage("the address must begin with https:// (or http://)".into()));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Usage(format!("the value of {KEY_VARIABLE} is not a key")));
    }
    Ok(Api::operator(config::stored(&url, &key, file)))
}

/// The profile of the user's file, else that of the folder.
fn stored(flags: &Flags) -> Result<(Profile, PathBuf), Error> {
    let name = flags.profile();
    let user = profile::user_file().map(|path| (path, name.as_deref()));
    for (path, name) in user.into_iter().chain([(PathBuf::from(DEV_FILE), None)]) {
        if let Some(profile) = profile::read(&path, name)? {
            return Ok((profile, path));
        }
    }
    Ok(Default::default())
}
