//! The address of TrackMate and the admin key: from flags, environment or a file, in this order.
//! Error texts say which source was used.
//!
//! Only the first existing file is read, and it only supplies what flags and environment did not.
//! So the address in a checked-out folder (`.trackmate/dev.json`) is never combined with the key of
//! the user's own file.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::error::Error;

const URL_VARIABLE: &str = "TRACKMATE_URL";
const KEY_VARIABLE: &str = "TRACKMATE_ADMIN_KEY";

/// The flags that every command takes.
#[derive(Args, Default)]
pub(crate) struct Flags {
    /// The URL of TrackMate.
    #[arg(long = "url", global = true, value_name = "URL", help_heading = "Connection")]
    api_url: Option<String>,
    /// An admin key of the company.
    #[arg(long = "key", global = true, value_name = "KEY", help_heading = "Connection")]
    admin_key: Option<String>,
}

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// This flag.
    Flag(&'static str),
    /// This environment variable.
    Variable(&'static str),
    /// This file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The address and the key to use.
pub(crate) struct Connection {
    /// Without a trailing slash.
    pub(crate) url: String,
    /// Sent as `X-Admin-ID`; never printed.
    pub(crate) key: String,
    url_source: Source,
    key_source: Source,
}

impl Connection {
    /// The sources of address and key, for error texts. Never the key itself.
    pub(crate) fn sources(&self) -> String {
        format!("the key is from {}, the address {} is from {}", self.key_source, self.url, self.url_source)
    }

    /// The address and its source, for error texts.
    pub(crate) fn address(&self) -> String {
        format!("{} (from {})", self.url, self.url_source)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigFile {
    url: Option<String>,
    admin_key: Option<String>,
}

/// The connection from flags, environment and files.
pub(crate) fn connection(flags: Flags) -> Result<Connection, Error> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let files = user_file(variable("XDG_CONFIG_HOME"), variable("HOME"))
        .into_iter()
        .chain([PathBuf::from(".trackmate/dev.json")])
        .collect::<Vec<_>>();
    choose(flags, variable, &files)
}

/// `$XDG_CONFIG_HOME/trackmate/config.json`, by default in `~/.config`.
fn user_file(config_home: Option<String>, home: Option<String>) -> Option<PathBuf> {
    let folder = config_home.map(PathBuf::from).or_else(|| home.map(|home| Path::new(&home).join(".config")))?;
    Some(folder.join("trackmate/config.json"))
}

fn choose(
    flags: Flags,
    variable: impl Fn(&'static str) -> Option<String>,
    files: &[PathBuf],
) -> Result<Connection, Error> {
    let given = |flag: Option<String>, flag_name, variable_name| {
        flag.map(|value| (value, Source::Flag(flag_name)))
            .or_else(|| variable(variable_name).map(|value| (value, Source::Variable(variable_name))))
    };
    let mut url = given(flags.api_url, "--url", URL_VARIABLE);
    let mut key = given(flags.admin_key, "--key", KEY_VARIABLE);
    if (url.is_none() || key.is_none())
        && let Some((file, path)) = first_file(files)?
    {
        url = url.or_else(|| file.url.map(|value| (value, Source::File(path.clone()))));
        key = key.or_else(|| file.admin_key.map(|value| (value, Source::File(path))));
    }
    let missing = |what, flag, variable| {
        let paths = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ");
        Error::Usage(format!("{what} is missing: pass {flag}, set {variable}, or put it in {paths}"))
    };
    let (url, url_source) = url.ok_or_else(|| missing("the address of TrackMate", "--url", URL_VARIABLE))?;
    let (key, key_source) = key.ok_or_else(|| missing("the admin key", "--key", KEY_VARIABLE))?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Error::Usage(format!("the address from {url_source} must begin with https:// (or http://)")));
    }
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Usage(format!("the value of {key_source} is not a key")));
    }
    Ok(Connection { url: url.trim_end_matches('/').to_owned(), key, url_source, key_source })
}

fn first_file(files: &[PathBuf]) -> Result<Option<(ConfigFile, PathBuf)>, Error> {
    for path in files {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::Usage(format!("could not read {}: {error}", path.display()))),
        };
        warn_if_open(path);
        // The parser's own message could quote the file, which contains a key.
        let file = serde_json::from_str(&text)
            .map_err(|_| Error::Usage(format!("{} is not {{\"url\":\"…\",\"adminKey\":\"…\"}}", path.display())))?;
        return Ok(Some((file, path.clone())));
    }
    Ok(None)
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

    fn flags(url: Option<&str>, key: Option<&str>) -> Flags {
        Flags { api_url: url.map(Into::into), admin_key: key.map(Into::into) }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("trackmate-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn flags_override_the_environment_which_overrides_files() {
        let folder = folder("order");
        let config = file(&folder, "config.json", r#"{"url":"https://file.example/","adminKey":"file-key"}"#);
        let environment = |name: &'static str| (name == URL_VARIABLE).then(|| "https://variable.example".to_owned());

        let c = choose(flags(Some("https://flag.example/"), None), environment, std::slice::from_ref(&config)).unwrap();
        assert_eq!((c.url.as_str(), c.url_source), ("https://flag.example", Source::Flag("--url")));
        assert_eq!((c.key.as_str(), c.key_source), ("file-key", Source::File(config.clone())));

        let c = choose(flags(None, Some("flag-key")), environment, &[config]).unwrap();
        assert_eq!((c.url.as_str(), c.url_source), ("https://variable.example", Source::Variable(URL_VARIABLE)));
        assert_eq!((c.key.as_str(), c.key_source), ("flag-key", Source::Flag("--key")));
    }

    #[test]
    fn the_address_of_one_file_is_never_combined_with_the_key_of_another() {
        let folder = folder("mixed");
        let first = file(&folder, "first.json", r#"{"adminKey":"first-key"}"#);
        let second = file(&folder, "second.json", r#"{"url":"https://second.example","adminKey":"x"}"#);
        let error = choose(flags(None, None), |_| None, &[first, second]).err().unwrap();
        assert!(error.to_string().starts_with("the address of TrackMate is missing"), "{error}");
    }

    #[test]
    fn neither_errors_nor_sources_show_the_key() {
        let folder = folder("secret");
        let broken = file(&folder, "broken.json", r#"{"url":1,"adminKey":"tm_admin_secret"}"#);
        let error = choose(flags(None, None), |_| None, &[broken]).err().unwrap();
        assert!(!error.to_string().contains("tm_admin_secret"), "{error}");
        let c = choose(flags(Some("https://a.example"), Some("tm_admin_secret")), |_| None, &[]).unwrap();
        assert!(!c.sources().contains("tm_admin_secret"));
        let error = choose(flags(Some("https://a.example"), Some("tm_admin secret")), |_| None, &[]).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn the_users_file_is_in_the_config_folder_of_the_system() {
        let path = |xdg: Option<&str>, home: Option<&str>| user_file(xdg.map(Into::into), home.map(Into::into));
        assert_eq!(path(None, Some("/home/a")), Some("/home/a/.config/trackmate/config.json".into()));
        assert_eq!(path(Some("/x"), Some("/home/a")), Some("/x/trackmate/config.json".into()));
        assert_eq!(path(None, None), None);
    }
}
