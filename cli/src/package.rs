//! The npm package that this binary is installed with: the built Worker, its pages and migrations,
//! the pinned wrangler, and the scripts of `trackmate dev`. The package's launcher
//! (`cli/npm/trackmate.mjs`) says where it is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use crate::error::Error;

const FOLDER_VARIABLE: &str = "TRACKMATE_PACKAGE";
const NODE_VARIABLE: &str = "TRACKMATE_NODE";

/// The options of `trackmate dev`.
#[derive(Args)]
pub(crate) struct DevOptions {
    /// The port. The shop server and the start page use the next two.
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// The folder of the local database.
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// The number of databases (docs/cells.md). It can grow from one run to the next.
    #[arg(long, value_name = "N", default_value_t = 1)]
    cells: u8,
}

/// The options of `trackmate serve`.
#[derive(Args)]
pub(crate) struct ServeOptions {
    /// The address to listen on. 0.0.0.0 is every network of the machine.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// The folder of the data and of the keys.
    #[arg(long, value_name = "FOLDER", default_value = ".trackmate/serve")]
    state: PathBuf,
    /// The name of the first company.
    #[arg(long, value_name = "NAME", default_value = "My company")]
    company: String,
    /// The number of databases (docs/cells.md). It can grow from one run to the next.
    #[arg(long, value_name = "N", default_value_t = 1)]
    cells: u8,
    /// A proxy is in front: the visitor's address is the last one of X-Forwarded-For.
    #[arg(long)]
    trust_proxy: bool,
}

/// An installed package.
pub(crate) struct Package {
    folder: PathBuf,
    /// The Node that runs the package's scripts.
    node: OsString,
}

impl Package {
    /// The package of this binary, from the environment.
    pub(crate) fn installed() -> Result<Self, Error> {
        let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from).ok_or_else(|| {
            Error::Usage(
                "this command needs the npm package: run it as `npx trackmate`. In a checkout, see `make help`".into(),
            )
        })?;
        Ok(Self { folder, node: std::env::var_os(NODE_VARIABLE).unwrap_or_else(|| "node".into()) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `wrangler <arguments>`, which asks nothing. npm installs it with the package or beside it.
    pub(crate) fn wrangler(&self, arguments: &[&str]) -> Result<Command, Error> {
        let found = self.folder.ancestors().map(|folder| folder.join("node_modules/wrangler/bin/wrangler.js"));
        let script = found.into_iter().find(|script| script.exists());
        let script =
            script.ok_or_else(|| Error::Failed("wrangler is not installed: install trackmate again".into()))?;
        let mut command = Command::new(&self.node);
        command.arg(script).args(arguments).stdin(Stdio::null());
        command.envs([("CI", "1"), ("WRANGLER_SEND_METRICS", "false"), ("FORCE_COLOR", "0"), ("NO_COLOR", "1")]);
        Ok(command)
    }

    /// `node <script of the package>`
    fn script(&self, path: impl AsRef<Path>) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.folder.join(path));
        command
    }
}

/// Runs the system on this machine until it is stopped.
pub(crate) fn dev(options: DevOptions) -> Result<(), Error> {
    let mut command = Package::installed()?.script("scripts/dev.mjs");
    command.env("PORT", options.port.to_string()).env("CELLS", options.cells.to_string());
    if let Some(state) = options.state {
        command.env("STATE", state);
    }
    replace_process(command)
}

/// Runs TrackMate on this machine, without the demo and without Cloudflare, until it is stopped.
pub(crate) fn serve(options: ServeOptions) -> Result<(), Error> {
    let mut command = Package::installed()?.script("scripts/serve.mjs");
    command.env("HOST", options.host).env("PORT", options.port.to_string()).env("STATE", options.state);
    command.env("CELLS", options.cells.to_string()).env("COMPANY", options.company);
    command.env("TRUST_PROXY", if options.trust_proxy { "1" } else { "" });
    replace_process(command)
}

/// Lets another program take the place of this process, so that signals reach it.
#[cfg(unix)]
fn replace_process(mut command: Command) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    Err(Error::Failed(format!("could not start Node: {}", command.exec())))
}

#[cfg(not(unix))]
fn replace_process(mut command: Command) -> Result<(), Error> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Failed(format!("the system ended: {status}"))),
        Err(error) => Err(Error::Failed(format!("could not start Node: {error}"))),
    }
}
