//! The cells of a deployment, as the last sweep saw them.

use serde::Deserialize;
use trackmate_wire::api::Cell;

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
            if u64::try_from(cell.schema) != Ok(schema) {
                return Some(format!("{name} has schema {}", cell.schema));
            }
            let Some(seen) = seen_at.as_deref().and_then(ms) else { return Some(format!("{name} was never swept")) };
            (now - seen > LATE_MS).then(|| format!("{name} was swept {} s ago", (now - seen) / 1000))
        };
        unlisted.chain(self.cells.iter().filter_map(of_cell)).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;

    /// An open cell with these fields.
    fn cell(name: &str, more: Value) -> Cell {
        let mut cell = json!({
            "cell": name, "state": "open", "jurisdiction": null, "region": null, "companies": 1, "bytes": 0,
            "bytesMax": 10_000_000_000_u64, "schema": 17, "firstSeenAt": at(0), "seenAt": at(999_940_000),
            "error": null,
        });
        if let Value::Object(more) = more {
            cell.as_object_mut().unwrap().extend(more);
        }
        serde_json::from_value(cell).unwrap()
    }

    fn at(ms: i64) -> String {
        DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339()
    }

    #[test]
    fn a_list_shows_how_full_each_cell_is_and_why_a_sweep_failed() {
        let eu = json!({"state": "full", "jurisdiction": "eu", "region": "weur", "companies": 0, "error": "no answer"});
        let full = cell("DB", json!({"companies": 12, "bytes": 8_600_000_000_u64}));
        let text = Cells { cells: vec![full, cell("CELL_EU_1", eu)] }.layout();
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        assert!(lines.contains(&"DB open - 12 8600 86 % 17".into()), "{text}");
        assert!(lines.contains(&"CELL_EU_1 full eu, weur 0 0 0 % 17".into()), "{text}");
        assert_eq!(lines.last().unwrap(), "CELL_EU_1: no answer");
    }

    #[test]
    fn a_backup_of_all_companies_needs_to_know_the_cells_that_have_some() {
        let empty = cell("CELL_1", json!({"companies": 0}));
        let cells = Cells { cells: vec![cell("DB", json!({})), empty, cell("CELL_2", json!({"state": "closed"}))] };
        assert_eq!(cells.with_companies().collect::<Vec<_>>(), ["DB", "CELL_2"]);
    }

    #[test]
    fn a_cell_that_is_late_or_behind_or_failed_or_not_bound_is_a_problem() {
        let now = 1_000_000_000;
        let cells = vec![
            cell("DB", json!({})),
            cell("CELL_1", json!({"schema": 16})),
            cell("CELL_2", json!({"error": "no answer", "seenAt": at(0)})),
            cell("CELL_3", json!({"seenAt": at(now - 301_000)})),
            cell("CELL_4", json!({})),
            cell("CELL_7", json!({"seenAt": null})),
            cell("CELL_5", json!({"companies": 0})),
        ];
        let problems = Cells { cells }.problems(&["DB", "CELL_1", "CELL_2", "CELL_3", "CELL_6", "CELL_7"], 17, now);
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
