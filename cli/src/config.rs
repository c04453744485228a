//! The address of TrackMate and the key, a company's or the operator's: from flags, environment or
//! a file, in this order.
//! Error texts say which source was used.
//!
//! Only the first existing file is read, and it only supplies what flags and environment did not.
//! So the address in a checked-out folder (`.trackmate/dev.json`) is never combined with the key of
//! the user's own file.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

use crate::error::Error;
use crate::profile::{self, Profile};

const URL_VARIABLE: &str = "TRACKMATE_URL";
const KEY_VARIABLE: &str = "TRACKMATE_ADMIN_KEY";
const OPERATOR_KEY_VARIABLE: &str = "TRACKMATE_OPERATOR_KEY";
const PROFILE_VARIABLE: &str = "TRACKMATE_PROFILE";

/// The flags that every command takes.
#[derive(Args, Default)]
pub(crate) struct Flags {
    /// The URL of TrackMate.
    #[arg(long = "url", global = true, value_name = "URL", help_heading = "Connection")]
    api_url: Option<String>,
    /// An admin key of the company.
    #[arg(long = "key", global = true, value_name = "KEY", help_heading = "Connection")]
    admin_key: Option<String>,
    /// A profile of the configuration file.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    profile: Option<String>,
}

impl Flags {
    /// The name of the profile to use, if it is not the default.
    pub(crate) fn profile(&self) -> Option<String> {
        self.profile_from(variable)
    }

    fn profile_from(&self, variable: impl Fn(&'static str) -> Option<String>) -> Option<String> {
        self.profile.clone().or_else(|| variable(PROFILE_VARIABLE))
    }

    /// The address of a flag or the environment.
    pub(crate) fn url(&self) -> Option<String> {
        self.api_url.clone().or_else(|| variable(URL_VARIABLE))
    }

    /// Whether a flag or the environment has a key.
    pub(crate) fn has_key(&self) -> bool {
        self.admin_key.is_some() || variable(KEY_VARIABLE).is_some()
    }

    pub(crate) fn with_key(self, key: String) -> Self {
        Self { admin_key: Some(key), ..self }
    }
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
    /// Never printed.
    pub(crate) key: String,
    url_source: Source,
    key_source: Source,
}

impl Connection {
    /// The sources of address and key, for error texts. Never the key itself.
    pub(crate) fn sources(&self) -> String {
        let url = without_credentials(&self.url);
        format!("the key is from {}, the address {url} is from {}", self.key_source, self.url_source)
    }

    /// The address and its source, for error texts.
    pub(crate) fn address(&self) -> String {
        format!("{} (from {})", without_credentials(&self.url), self.url_source)
    }
}

/// The URL without a user's name and password, which no text may show.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The user's own configuration file.
pub(crate) fn user_file() -> Result<PathBuf, Error> {
    profile::user_file().ok_or_else(|| Error::Usage("this user has no folder for configuration: set HOME".into()))
}

/// A connection whose address and key are both from one profile, or from the deployment itself.
pub(crate) fn stored(url: &str, key: &str, file: PathBuf) -> Connection {
    let source = Source::File(file);
    Connection {
        url: url.trim_end_matches('/').into(),
        key: key.into(),
        url_source: source.clone(),
        key_source: source,
    }
}

/// The connection from flags and environment alone.
pub(crate) fn given(flags: Flags) -> Result<Connection, Error> {
    let flags = Flags { profile: None, ..flags };
    choose(Who::Admin, flags, |name| variable(name).filter(|_| name != PROFILE_VARIABLE), &[])
}

/// The connection from flags, environment and files.
pub(crate) fn connection(flags: Flags) -> Result<Connection, Error> {
    choose(Who::Admin, flags, variable, &files())
}

/// The connection with the operator key, from the environment and files. There is no flag for this
/// key, because other users of a machine can read a command line. The key of a file is sent only to
/// the address of that file.
pub(crate) fn operator(flags: &Flags) -> Result<Connection, Error> {
    let files = if flags.url().is_none() { files() } else { Vec::new() };
    let flags = Flags { api_url: flags.api_url.clone(), admin_key: None, profile: flags.profile.clone() };
    choose(Who::Operator, flags, variable, &files)
}

/// The files that may have a connection, in their order.
fn files() -> Vec<PathBuf> {
    profile::user_file().into_iter().chain([PathBuf::from(".trackmate/dev.json")]).collect()
}

/// The owner of the key.
#[derive(Clone, Copy)]
enum Who {
    /// An admin of a company.
    Admin,
    /// The operator of the deployment.
    Operator,
}

impl Who {
    /// The name of the key, how to pass it, and its variable.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Admin => ("the admin key", "pass --key, set", KEY_VARIABLE),
            Self::Operator => ("the operator key", "set", OPERATOR_KEY_VARIABLE),
        }
    }

    fn key(self, profile: &Profile) -> Option<String> {
        match self {
            Self::Admin => profile.admin_key.clone(),
            Self::Operator => profile.operator_key.clone(),
        }
    }
}

fn variable(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn choose(
    who: Who,
    flags: Flags,
    variable: impl Fn(&'static str) -> Option<String>,
    files: &[PathBuf],
) -> Result<Connection, Error> {
    let given = |flag: Option<String>, flag_name, variable_name| {
        flag.map(|value| (value, Source::Flag(flag_name)))
            .or_else(|| variable(variable_name).map(|value| (value, Source::Variable(variable_name))))
    };
    let profile = flags.profile_from(&variable);
    let mut url = given(flags.api_url, "--url", URL_VARIABLE);
    let (key_name, key_how, key_variable) = who.names();
    let mut key = given(flags.admin_key, "--key", key_variable);
    if (url.is_none() || key.is_none())
        && let Some((file, path)) = first_file(files, profile.as_deref())?
    {
        key = key.or_else(|| who.key(&file).map(|value| (value, Source::File(path.clone()))));
        url = url.or_else(|| file.url.map(|value| (value, Source::File(path))));
    }
    let missing = |what, how, variable| {
        let paths = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ");
        let file = if paths.is_empty() { paths } else { format!(", or put it in {paths}") };
        Error::Usage(format!("{what} is missing: {how} {variable}{file}"))
    };
    let (url, url_source) = url.ok_or_else(|| missing("the address of TrackMate", "pass --url, set", URL_VARIABLE))?;
    let (key, key_source) = key.ok_or_else(|| missing(key_name, key_how, key_variable))?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Error::Usage(format!("the address from {url_source} must begin with https:// (or http://)")));
    }
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Usage(format!("the value of {key_source} is not a key")));
    }
    Ok(Connection { url: url.trim_end_matches('/').to_owned(), key, url_source, key_source })
}

/// A profile of the first file that exists. Only the user's own file, which is the first, has
/// profiles with a name.
fn first_file(files: &[PathBuf], name: Option<&str>) -> Result<Option<(Profile, PathBuf)>, Error> {
    for path in if name.is_some() { files.get(..1).unwrap_or_default() } else { files } {
        if let Some(profile) = profile::read(path, name)? {
            return Ok(Some((profile, path.clone())));
        }
    }
    match name {
        Some(name) => Err(Error::Usage(format!("there is no profile {name}, since there is no configuration file"))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn flags(url: Option<&str>, key: Option<&str>) -> Flags {
        Flags { api_url: url.map(Into::into), admin_key: key.map(Into::into), profile: None }
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

        let c =
            choose(Who::Admin, flags(Some("https://flag.example/"), None), environment, std::slice::from_ref(&config))
                .unwrap();
        assert_eq!((c.url.as_str(), c.url_source), ("https://flag.example", Source::Flag("--url")));
        assert_eq!((c.key.as_str(), c.key_source), ("file-key", Source::File(config.clone())));

        let c = choose(Who::Admin, flags(None, Some("flag-key")), environment, &[config]).unwrap();
        assert_eq!((c.url.as_str(), c.url_source), ("https://variable.example", Source::Variable(URL_VARIABLE)));
        assert_eq!((c.key.as_str(), c.key_source), ("flag-key", Source::Flag("--key")));
    }

    #[test]
    fn the_address_of_one_file_is_never_combined_with_the_key_of_another() {
        let folder = folder("mixed");
        let first = file(&folder, "first.json", r#"{"adminKey":"first-key"}"#);
        let second = file(&folder, "second.json", r#"{"url":"https://second.example","adminKey":"x"}"#);
        let error = choose(Who::Admin, flags(None, None), |_| None, &[first, second]).err().unwrap();
        assert!(error.to_string().starts_with("the address of TrackMate is missing"), "{error}");
    }

    #[test]
    fn neither_errors_nor_sources_show_the_key() {
        let folder = folder("secret");
        let broken = file(&folder, "broken.json", r#"{"url":1,"adminKey":"tm_admin_secret"}"#);
        let error = choose(Who::Admin, flags(None, None), |_| None, &[broken]).err().unwrap();
        assert!(!error.to_string().contains("tm_admin_secret"), "{error}");
        let c = choose(Who::Admin, flags(Some("https://a.example"), Some("tm_admin_secret")), |_| None, &[]).unwrap();
        assert!(!c.sources().contains("tm_admin_secret"));
        let c = choose(Who::Admin, flags(Some("https://me:p@ss@a.example/x@y"), Some("k")), |_| None, &[]).unwrap();
        assert_eq!(c.address(), "https://a.example/x@y (from --url)");
        assert!(!c.sources().contains("p@ss"), "{}", c.sources());
        let error =
            choose(Who::Admin, flags(Some("https://a.example"), Some("tm_admin secret")), |_| None, &[]).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn the_operator_key_is_from_the_environment_or_a_file_and_never_an_admin_key() {
        let folder = folder("operator");
        let text = r#"{"url":"https://a.example","adminKey":"admin","operatorKey":"operator"}"#;
        let files = [file(&folder, "config.json", text)];
        let by_variable = |name: &'static str| (name == OPERATOR_KEY_VARIABLE).then(|| "variable".to_owned());
        assert_eq!(choose(Who::Operator, flags(None, None), |_| None, &files).unwrap().key, "operator");
        let c = choose(Who::Operator, flags(None, None), by_variable, &files).unwrap();
        assert_eq!((c.key.as_str(), c.key_source), ("variable", Source::Variable(OPERATOR_KEY_VARIABLE)));
        let error = choose(Who::Operator, flags(Some("https://b.example"), None), |_| None, &[]).err().unwrap();
        assert_eq!(error.to_string(), "the operator key is missing: set TRACKMATE_OPERATOR_KEY");
    }

    #[test]
    fn a_profile_supplies_address_and_key_and_is_never_taken_from_a_folder() {
        let folder = folder("profile");
        let text =
            r#"{"url":"https://a.example","adminKey":"a","profiles":{"b":{"url":"https://b.example","adminKey":"b"}}}"#;
        let own = file(&folder, "own.json", text);
        let files = [own, file(&folder, "dev.json", text)];
        let b = || Flags { profile: Some("b".into()), ..flags(None, None) };
        assert_eq!(choose(Who::Admin, b(), |_| None, &files).unwrap().url, "https://b.example");
        let by_variable = |name: &'static str| (name == PROFILE_VARIABLE).then(|| "b".to_owned());
        assert_eq!(choose(Who::Admin, flags(None, None), by_variable, &files).unwrap().key, "b");
        assert_eq!(choose(Who::Admin, flags(None, None), |_| None, &files).unwrap().key, "a");
        fs::remove_file(&files[0]).unwrap();
        assert!(choose(Who::Admin, b(), |_| None, &files).is_err());
    }
}
