//! The cells of a deployment, as the last sweep saw them.

use serde::Deserialize;
use serde_json::Value;

use crate::time::ms;
use crate::webhooks::layout::table;

pub(crate) const PATH: &str = "/api/operator/cells";
/// After which a sweep of a cell is late. It runs every minute.
const LATE_MS: i64 = 300_000;

/// `GET /api/operator/cells`
#[derive(Deserialize)]
pub(crate) struct Cells {
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
    seen_at: Option<Value>,
    error: Option<String>,
}

impl Cells {
    /// One line for each cell, and below it why its last sweep failed.
    pub(crate) fn layout(&self) -> String {
        let heading = ["Cell", "State", "Place", "Companies", "MB", "Full", "Schema"].map(String::from);
        let row = |cell: &Cell| {
            let place =
                [cell.jurisdiction.as_deref(), cell.region.as_deref()].into_iter().flatten().collect::<Vec<_>>();
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
        let rows = [heading].into_iter().chain(self.cells.iter().map(row)).collect::<Vec<_>>();
        let failed = self.cells.iter().filter_map(|cell| Some(format!("\n{}: {}", cell.cell, cell.error.as_ref()?)));
        table(&rows, &[3, 4, 5, 6]).trim_end().to_owned() + &failed.collect::<String>()
    }

    /// The cells that have companies.
    pub(crate) fn with_companies(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().filter(|cell| cell.companies > 0).map(|cell| cell.cell.as_str())
    }

    /// What is wrong, for people: with cells that are bound and do not work, and with cells that
    /// have companies and are not bound.
    pub(crate) fn problems(&self, bound: &[&str], schema: u64, now: i64) -> Vec<String> {
        let is_listed = |name: &&&str| !self.cells.iter().any(|cell| cell.cell == **name);
        let unlisted = bound.iter().filter(is_listed).map(|name| format!("{name} was never swept"));
        let of_cell = |cell: &Cell| {
            let Cell { cell: name, companies, error, seen_at, .. } = cell;
            if !bound.contains(&name.as_str()) {
                return (*companies > 0).then(|| format!("{name} has {companies} companies and is not bound"));
            }
            if let Some(error) = error {
                return Some(format!("{name}: {error}"));
            }
            if cell.schema != schema {
                return Some(format!("{name} has schema {}", cell.schema));
            }
            let Some(seen) = seen_at.as_ref().and_then(ms) else { return Some(format!("{name} was never swept")) };
            (now - seen > LATE_MS).then(|| format!("{name} was swept {} s ago", (now - seen) / 1000))
        };
        unlisted.chain(self.cells.iter().filter_map(of_cell)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_shows_how_full_each_cell_is_and_why_a_sweep_failed() {
        let cells = serde_json::from_value::<Cells>(json!({"cells": [
            {"cell": "DB", "state": "open", "companies": 12, "bytes": 8_600_000_000_u64, "bytesMax": 10_000_000_000_u64,
             "schema": 17},
            {"cell": "CELL_EU_1", "state": "full", "jurisdiction": "eu", "region": "weur", "error": "no answer"},
        ]}));
        let text = cells.unwrap().layout();
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        assert!(lines.contains(&"DB open - 12 8600 86 % 17".into()), "{text}");
        assert!(lines.contains(&"CELL_EU_1 full eu, weur 0 0 - 0".into()), "{text}");
        assert_eq!(lines.last().unwrap(), "CELL_EU_1: no answer");
    }

    #[test]
    fn a_backup_of_all_companies_needs_to_know_the_cells_that_have_some() {
        let cells = serde_json::from_value::<Cells>(json!({"cells": [
            {"cell": "DB", "state": "open", "companies": 2},
            {"cell": "CELL_1", "state": "open", "companies": 0},
            {"cell": "CELL_2", "state": "closed", "companies": 1},
        ]}));
        assert_eq!(cells.unwrap().with_companies().collect::<Vec<_>>(), ["DB", "CELL_2"]);
    }

    #[test]
    fn a_cell_that_is_late_or_behind_or_failed_or_not_bound_is_a_problem() {
        let now = 1_000_000_000;
        let cell = |name: &str, more: Value| {
            let mut cell = json!({"cell": name, "state": "open", "schema": 17, "companies": 1, "seenAt": now - 60_000});
            let Value::Object(more) = more else { return cell };
            cell.as_object_mut().unwrap().extend(more);
            cell
        };
        let cells = serde_json::from_value::<Cells>(json!({"cells": [
            cell("DB", json!({})),
            cell("CELL_1", json!({"schema": 16})),
            cell("CELL_2", json!({"error": "no answer", "seenAt": 0})),
            cell("CELL_3", json!({"seenAt": now - 301_000})),
            cell("CELL_4", json!({})),
            cell("CELL_7", json!({"seenAt": null})),
            cell("CELL_5", json!({"companies": 0})),
        ]}));
        let problems = cells.unwrap().problems(&["DB", "CELL_1", "CELL_2", "CELL_3", "CELL_6", "CELL_7"], 17, now);
        let expected = [
            "CELL_6 was never swept",
            "CELL_1 has schema 16",
            "CELL_2: no answer",
            "CELL_3 was swept 301 s ago",
            "CELL_4 has 1 companies and is not bound",
            "CELL_7 was never swept",
        ];
        assert_eq!(problems, expected);
    }
}
