//! The user's configuration file: for each TrackMate that they use, its address and keys.
//!
//! `{"url":"…","adminKey":"…","profiles":{"shop":{"url":"…","adminKey":"…"}}}`: the fields outside
//! of `profiles` are the default profile. Only its owner can read the file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::private_file::write_private;

/// What a profile holds. A missing field is not known.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_key: Option<String>,
    /// The deployment's OPERATOR_KEY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operator_key: Option<String>,
    /// The deployment's SECRETS_KEY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secrets_key: Option<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(flatten)]
    default: Profile,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// The user's file: `$XDG_CONFIG_HOME/trackmate/config.json`, by default in `~/.config`; on Windows
/// in `%APPDATA%`.
pub(crate) fn user_file() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("trackmate/config.json"))
}

/// Reads a profile of a file. `None` if there is no such file or profile.
pub(crate) fn find(path: &Path, name: Option<&str>) -> Result<Option<Profile>, Error> {
    let Some(File { default, mut profiles }) = file(path)? else { return Ok(None) };
    Ok(match name {
        None => Some(default),
        Some(name) => profiles.remove(name),
    })
}

/// Reads a profile of a file, which must have it. `None` if there is no such file.
pub(crate) fn read(path: &Path, name: Option<&str>) -> Result<Option<Profile>, Error> {
    let Some(File { default, mut profiles }) = file(path)? else { return Ok(None) };
    let Some(name) = name else { return Ok(Some(default)) };
    match profiles.remove(name) {
        Some(profile) => Ok(Some(profile)),
        None => {
            let known = profiles.into_keys().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            Err(Error::Usage(format!("{} has no profile {name}; it has: {known}", path.display())))
        }
    }
}

/// Writes the fields of a profile that are known, and leaves everything else in the file.
pub(crate) fn write(path: &Path, name: Option<&str>, profile: &Profile) -> Result<(), Error> {
    let mut file: Map<String, Value> = match text(path)? {
        Some(text) => serde_json::from_str(&text).map_err(|_| malformed(path))?,
        None => Map::new(),
    };
    let target = match name {
        None => &mut file,
        Some(name) => {
            let profiles = file.entry("profiles").or_insert_with(|| json!({}));
            let profiles = profiles.as_object_mut().ok_or_else(|| malformed(path))?;
            let profile = profiles.entry(name).or_insert_with(|| json!({}));
            profile.as_object_mut().ok_or_else(|| malformed(path))?
        }
    };
    if let Value::Object(fields) = json!(profile) {
        target.extend(fields);
    }
    write_private(path, format!("{:#}\n", Value::Object(file)).as_bytes())
        .map_err(|error| Error::Failed(format!("could not write {}: {error}", path.display())))
}

fn file(path: &Path) -> Result<Option<File>, Error> {
    let Some(text) = text(path)? else { return Ok(None) };
    warn_if_open(path);
    // The parser's own message could quote the file, which contains a key.
    serde_json::from_str(&text).map(Some).map_err(|_| malformed(path))
}

fn text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Usage(format!("could not read {}: {error}", path.display()))),
    }
}

fn malformed(path: &Path) -> Error {
    Error::Usage(format!("{} is not {{\"url\":\"…\",\"adminKey\":\"…\",\"profiles\":{{…}}}}", path.display()))
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        eprintln!("warning: other users of this machine can read the key in {0}. Fix: chmod 600 {0}", path.display());
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("trackmate-cli-profile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder.join("trackmate/config.json")
    }

    fn admin_key(path: &Path, name: Option<&str>) -> Option<String> {
        read(path, name).unwrap().unwrap().admin_key
    }

    #[test]
    fn a_written_profile_leaves_the_other_profiles_and_unknown_fields_as_they_are() {
        let path = path("others");
        let key = |text: &str| Profile { admin_key: Some(text.into()), ..Profile::default() };
        assert!(read(&path, None).unwrap().is_none());
        write(&path, None, &key("first")).unwrap();
        write(&path, Some("shop"), &key("second")).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap().replacen('{', r#"{"future":1,"#, 1)).unwrap();
        write(&path, Some("shop"), &Profile { url: Some("https://shop.example".into()), ..Profile::default() })
            .unwrap();
        assert_eq!(admin_key(&path, None).as_deref(), Some("first"));
        assert_eq!(admin_key(&path, Some("shop")).as_deref(), Some("second"));
        assert_eq!(read(&path, Some("shop")).unwrap().unwrap().url.as_deref(), Some("https://shop.example"));
        assert!(fs::read_to_string(&path).unwrap().contains("future"));
    }

    #[test]
    fn a_profile_that_is_not_in_the_file_is_an_error_with_the_names_of_the_others() {
        let path = path("unknown");
        write(&path, Some("shop"), &Profile::default()).unwrap();
        let error = read(&path, Some("shpo")).err().unwrap();
        assert!(error.to_string().ends_with("has no profile shpo; it has: shop"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_written_file() {
        use std::os::unix::fs::PermissionsExt;
        let path = path("mode");
        write(&path, None, &Profile::default()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
