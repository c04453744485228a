//! `trackmate deploy`, `upgrade` and `doctor`: TrackMate in a Cloudflare account. Each run looks at
//! what exists and makes only what is missing, so a run that broke off is run again.

mod cells;
mod cloudflare;
mod company;
mod doctor;
mod edit;
mod folder;
mod install;
mod keys;
mod metrics;
mod parallel;
mod plan;
mod resources;
mod upgrade;
mod upload;

pub(crate) use self::cells::{AddOptions, add};
pub(crate) use self::doctor::doctor;
pub(crate) use self::folder::FolderOption;
pub(crate) use self::install::{DeployOptions, deploy};
pub(crate) use self::upgrade::{UpgradeOptions, upgrade};
