//! The options of `trackmate backup` and `trackmate restore`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub(crate) struct BackupOptions {
    /// The file to write. `FILE.part` has what there is of it until it is complete.
    pub(super) file: PathBuf,
    /// Only this company.
    #[arg(long, value_name = "ID")]
    pub(super) company: Option<String>,
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(crate) struct RestoreOptions {
    /// The file of a backup.
    #[arg(group = "what")]
    pub(super) file: Option<PathBuf>,
    /// Delete what an unfinished restore has stored.
    #[arg(long, group = "what")]
    pub(super) abort: bool,
    /// Restore though the deployment has another SECRETS_KEY: webhooks then need new secrets.
    #[arg(long, requires = "file")]
    pub(super) other_secrets_key: bool,
}
