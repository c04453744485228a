//! `trackmate cells`: the databases of a deployment, and which of them take companies. `add` is in
//! `deploy`: it works on the account, not on the API.

pub(crate) mod list;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use self::list::{Cells, PATH};
use crate::api::{Answer, Api, encoded};
use crate::config::{self, Flags};
use crate::deploy::{AddOptions, add};
use crate::error::Error;
use crate::output::Output;

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List all cells. The default.
    List,
    /// Create a database in the Cloudflare account, migrate it, and deploy it as a cell. Safe to
    /// repeat.
    Add(AddOptions),
    /// Say whether a cell takes companies.
    Set {
        /// `DB`, or the name of a cell, such as `eu-1` or `CELL_EU_1`.
        #[arg(value_parser = binding)]
        cell: String,
        state: State,
    },
}

/// Whether a cell takes companies.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// New ones, and those that move there.
    Open,
    /// None. Its companies can move away.
    Full,
    /// None. Its companies stay.
    Closed,
}

/// The binding of a cell. A person may write its name.
pub(crate) fn binding(name: &str) -> Result<String, String> {
    let upper = name.to_uppercase().replace('-', "_");
    if upper == "DB" || upper.starts_with("CELL_") { Ok(upper) } else { Ok(format!("CELL_{upper}")) }
}

pub(crate) fn run(options: Options, flags: &Flags, output: Output) -> Result<(), Error> {
    match options.command {
        None | Some(Command::List) => {
            let api = Api::operator(config::operator(flags)?);
            output.answer(&api.get(PATH, &[])?, |cells: Cells| cells.layout())
        }
        Some(Command::Add(options)) => add(options, flags, output),
        Some(Command::Set { cell, state }) => {
            let api = Api::operator(config::operator(flags)?);
            let state = state.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            let answer: Answer = api.patch(&format!("{PATH}/{}", encoded(&cell)), &json!({ "state": state }))?;
            output.answer(&answer, |_: serde_json::Value| format!("{cell} is {state}."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_can_be_named_as_it_was_added_or_by_its_binding() {
        for (name, expected) in [("eu-1", "CELL_EU_1"), ("CELL_EU_1", "CELL_EU_1"), ("db", "DB"), ("DB", "DB")] {
            assert_eq!(binding(name).unwrap(), expected);
        }
    }
}
