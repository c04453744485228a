//! The keys of a deployment in the user's configuration file.

use std::path::PathBuf;

use super::plan::Plan;
use crate::config::{self, Flags};
use crate::error::Error;
use crate::profile::{self, Profile};

/// Where the keys of a deployment are stored.
pub(crate) struct Keys {
    pub(super) file: PathBuf,
    name: Option<String>,
    pub(super) profile: Profile,
}

impl Keys {
    pub(super) fn open(flags: &Flags) -> Result<Self, Error> {
        let (file, name) = (config::user_file()?, flags.profile());
        let profile = profile::find(&file, name.as_deref())?.unwrap_or_default();
        Ok(Self { file, name, profile })
    }

    /// A new deployment does not take the profile of another one.
    pub(super) fn belong_to(&self, plan: &Plan) -> Result<(), Error> {
        if plan.version.is_some() || self.profile.admin_key.is_none() {
            return Ok(());
        }
        let url = self.profile.url.as_deref().unwrap_or("another deployment");
        let fix = "choose another name with --profile";
        Err(Error::Usage(format!(
            "the profile in {} is of {url}, and nothing is deployed yet: {fix}",
            self.file.display()
        )))
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        profile::write(&self.file, self.name.as_deref(), &self.profile)
    }
}
