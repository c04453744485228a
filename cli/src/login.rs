//! `trackmate login` and `whoami`: a company's address and admin key in the configuration file.

use std::io::{self, IsTerminal, Read};

use serde_json::json;
use trackmate_wire::api::SettingsAnswer;

use crate::api::Api;
use crate::config::{self, Flags};
use crate::error::Error;
use crate::output::Output;
use crate::profile::{self, Profile};

/// Checks the key with `GET /api/admin/settings`, and stores it with its address.
pub(crate) fn login(flags: Flags, output: Output) -> Result<(), Error> {
    let path = config::user_file()?;
    let name = flags.profile();
    let flags = if flags.has_key() { flags } else { flags.with_key(typed_key(output)?) };
    let connection = config::given(flags)?;
    let mut profile =
        Profile { url: Some(connection.url.clone()), admin_key: Some(connection.key.clone()), ..Profile::default() };
    let settings = Api::new(connection).get("/api/admin/settings", &[])?.read::<SettingsAnswer>()?.settings;
    profile.company_id = Some(settings.company_id.clone());
    profile::write(&path, name.as_deref(), &profile)?;
    let shown = json!({"success": true, "companyId": settings.company_id, "name": settings.name, "file": path});
    let text = format!("Signed in to {} ({}). The key is in {}", settings.name, settings.company_id, path.display());
    output.either(&shown, &text)
}

/// `GET /api/admin/settings`: the company of the key, and where the key is from.
pub(crate) fn whoami(flags: Flags, output: Output) -> Result<(), Error> {
    let connection = config::connection(flags)?;
    let (url, sources) = (connection.url.clone(), connection.sources());
    let settings = Api::new(connection).get("/api/admin/settings", &[])?.read::<SettingsAnswer>()?.settings;
    let shown = json!({"success": true, "companyId": settings.company_id, "name": settings.name, "url": url});
    output.either(&shown, &format!("{} ({}) at {url}\n{sources}", settings.name, settings.company_id))
}

/// The key from standard input.
fn typed_key(output: Output) -> Result<String, Error> {
    let mut text = String::new();
    let read = if io::stdin().is_terminal() {
        output.note("Paste an admin key and press Enter:");
        io::stdin().read_line(&mut text)
    } else {
        io::stdin().take(1024).read_to_string(&mut text)
    };
    read.map_err(|error| Error::Usage(format!("could not read the key: {error}")))?;
    Ok(text.trim().to_owned())
}
