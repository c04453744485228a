//! `trackmate cells`: the databases of a deployment, and which of them take companies. `add` is in
//! `deploy`: it works on the account, not on the API.

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Answer, encoded};
use crate::config::Flags;
use crate::deploy::{AddOptions, add};
use crate::error::Error;
use crate::operator;
use crate::output::Output;
use crate::webhooks::layout::table;

const PATH: &str = "/api/operator/cells";

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
    /// New ones and moved ones.
    Open,
    /// Only those that are created or moved there by name.
    Full,
    /// None. None of its companies can be moved away.
    Closed,
}

/// The binding of a cell. A person may write its name.
pub(crate) fn binding(name: &str) -> Result<String, String> {
    let upper = name.to_uppercase().replace('-', "_");
    if upper == "DB" || upper.starts_with("CELL_") { Ok(upper) } else { Ok(format!("CELL_{upper}")) }
}

#[derive(Deserialize)]
struct Cells {
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cell {
    cell: String,
    state: String,
    jurisdiction: Option<String>,
    region: Option<String>,
    #[serde(default)]
    companies: u64,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    bytes_max: u64,
    #[serde(default)]
    schema: u64,
    error: Option<String>,
}

pub(crate) fn run(options: Options, flags: &Flags, output: Output) -> Result<(), Error> {
    match options.command {
        None | Some(Command::List) => {
            let api = operator::api(flags)?;
            output.answer(&api.get(PATH, &[])?, |Cells { cells }| layout(&cells))
        }
        Some(Command::Add(options)) => add(options, flags, output),
        Some(Command::Set { cell, state }) => {
            let api = operator::api(flags)?;
            let state = state.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            let answer: Answer = api.patch(&format!("{PATH}/{}", encoded(&cell)), &json!({ "state": state }))?;
            output.answer(&answer, |_: serde_json::Value| format!("{cell} is {state}."))
        }
    }
}

/// One line for each cell, and below it why its last sweep failed.
fn layout(cells: &[Cell]) -> String {
    let heading = ["Cell", "State", "Place", "Companies", "MB", "Full", "Schema"].map(String::from);
    let row = |cell: &Cell| {
        let place = [cell.jurisdiction.as_deref(), cell.region.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        let percent = cell.bytes.saturating_mul(100).checked_div(cell.bytes_max);
        [
            cell.cell.clone(),
            cell.state.clone(),
            if place.is_empty() { "-".into() } else { place.join(", ") },
            cell.companies.to_string(),
            (cell.bytes / 1_000_000).to_string(),
            percent.map_or_else(|| "-".into(), |percent| format!("{percent} %")),
            cell.schema.to_string(),
        ]
    };
    let rows = [heading].into_iter().chain(cells.iter().map(row)).collect::<Vec<_>>();
    let failed = cells.iter().filter_map(|cell| Some(format!("\n{}: {}", cell.cell, cell.error.as_ref()?)));
    table(&rows, &[3, 4, 5, 6]).trim_end().to_owned() + &failed.collect::<String>()
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

    #[test]
    fn a_list_shows_how_full_each_cell_is_and_why_a_sweep_failed() {
        let cells = serde_json::from_value::<Cells>(json!({"cells": [
            {"cell": "DB", "state": "open", "companies": 12, "bytes": 8_600_000_000_u64, "bytesMax": 10_000_000_000_u64,
             "schema": 17},
            {"cell": "CELL_EU_1", "state": "full", "jurisdiction": "eu", "region": "weur", "error": "no answer"},
        ]}));
        let text = layout(&cells.unwrap().cells);
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        assert!(lines.contains(&"DB open - 12 8600 86 % 17".into()), "{text}");
        assert!(lines.contains(&"CELL_EU_1 full eu, weur 0 0 - 0".into()), "{text}");
        assert_eq!(lines.last().unwrap(), "CELL_EU_1: no answer");
    }
}
