//! `trackmate backup` and `trackmate restore`: all tables of a deployment, or of one company, in a
//! file, and from the file into another deployment. docs/backup.md says what holds.

mod file;
mod options;
mod restore;
mod write;

pub(crate) use options::{BackupOptions, RestoreOptions};
pub(crate) use restore::restore;
pub(crate) use write::backup;
