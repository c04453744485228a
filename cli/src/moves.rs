//! Moves of companies from one cell to another: begin, watch, abort.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use trackmate_wire::api::Move;

use crate::api::{Answer, Api, encoded};
use crate::cells::binding;
use crate::error::Error;
use crate::output::Output;
use crate::time::ms;

/// Between two looks at a move.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a move may give no answer. It goes on meanwhile.
const SILENT_MAX: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(crate) struct MoveOptions {
    /// The company.
    id: String,
    /// The cell to move it to: `DB`, or a name such as `eu-1` or `CELL_EU_1`.
    #[arg(long, value_name = "CELL", value_parser = binding)]
    to: String,
    /// Also into another jurisdiction.
    #[arg(long)]
    force: bool,
    /// Wait until the company is in the other cell, and show each phase.
    #[arg(long)]
    watch: bool,
}

#[derive(Deserialize)]
struct Moved {
    r#move: Move,
}

fn layout(moved: &Move) -> String {
    let Move { company, source, target, phase, rows, error, .. } = moved;
    let mut text = format!("{company}: {phase}, from {source} to {target}, {rows} rows copied");
    if let Some(ms) = frozen_ms(moved) {
        text.push_str(&format!(", frozen for {ms} ms"));
    }
    if let Some(error) = error {
        text.push_str(&format!(", {error}"));
    }
    text
}

/// How the move ended for the company. After it is switched, only rows of the old cell are deleted.
fn end(moved: &Move) -> Option<Result<(), Error>> {
    match moved.phase.as_str() {
        "switched" | "done" => Some(Ok(())),
        "aborted" => {
            let why = moved.error.as_deref().unwrap_or("an operator aborted it");
            let message = format!("the move was aborted: {why}. The company is in {}", moved.source);
            Some(Err(Error::Failed(message)))
        }
        _ => None,
    }
}

/// How long the company could not be written to.
fn frozen_ms(moved: &Move) -> Option<i64> {
    Some(ms(moved.switched_at.as_deref()?)? - ms(moved.frozen_at.as_deref()?)?)
}

fn path(company: &str) -> String {
    format!("/api/operator/companies/{}/move", encoded(company))
}

/// `POST /api/operator/companies/{id}/move`
pub(crate) fn begin(options: &MoveOptions, api: &Api, output: Output) -> Result<(), Error> {
    let body = if options.force { json!({"to": options.to, "force": true}) } else { json!({"to": options.to}) };
    let answer = api.post(&path(&options.id), &body)?;
    if options.watch {
        return watch(&options.id, &answer, api, output);
    }
    output.answer(&answer, |moved: Moved| {
        format!("{}\nThe move goes on by itself. To watch it, add --watch next time.", layout(&moved.r#move))
    })
}

/// `DELETE /api/operator/companies/{id}/move`
pub(crate) fn abort(company: &str, api: &Api, output: Output) -> Result<(), Error> {
    output.answer(&api.delete(&path(company))?, |moved: Moved| layout(&moved.r#move))
}

/// Looks at a move until the company is in the other cell, or the move is aborted.
fn watch(company: &str, begun: &Answer, api: &Api, output: Output) -> Result<(), Error> {
    let mut answer = Answer { text: begun.text.clone() };
    let mut phase = String::new();
    let mut heard = Instant::now();
    loop {
        let Moved { r#move } = answer.read()?;
        if r#move.phase != phase {
            output.progress_done();
            phase.clone_from(&r#move.phase);
            if !output.json {
                output.text(&layout(&r#move))?;
            }
        }
        match end(&r#move) {
            Some(Ok(())) if output.json => return output.text(answer.text.trim_end()),
            Some(end) => return end,
            None => output.progress(&layout(&r#move)),
        }
        answer = loop {
            sleep(PAUSE);
            match api.get(&path(company), &[]) {
                Ok(answer) => break answer,
                Err(error) if heard.elapsed() > SILENT_MAX => return Err(error),
                // The directory may not answer for a moment.
                Err(Error::Unreachable(_) | Error::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        };
        heard = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(phase: &str, error: Option<&str>) -> Move {
        let moved = json!({
            "id": "1", "company": "TM-1", "source": "DB", "target": "CELL_1", "phase": phase, "rows": 20,
            "beganAt": "2026-01-01T00:00:00.000Z", "frozenAt": "2026-01-01T00:00:01.000Z",
            "switchedAt": "2026-01-01T00:00:01.850Z", "endedAt": null, "error": error,
        });
        serde_json::from_value(moved).unwrap()
    }

    #[test]
    fn a_move_shows_its_phase_its_cells_and_how_long_it_was_frozen() {
        let text = "TM-1: switched, from DB to CELL_1, 20 rows copied, frozen for 850 ms";
        assert_eq!(layout(&moved("switched", None)), text);
    }

    #[test]
    fn a_watch_ends_when_the_company_is_in_the_other_cell_or_fails_when_the_move_is_aborted() {
        let in_phase = |phase: &str, error: Option<&str>| end(&moved(phase, error));
        for phase in ["copying", "frozen", "aborting"] {
            assert!(in_phase(phase, None).is_none(), "{phase}");
        }
        for phase in ["switched", "done"] {
            assert!(in_phase(phase, None).unwrap().is_ok(), "{phase}");
        }
        let error = in_phase("aborted", Some("the target is full")).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the move was aborted: the target is full. The company is in DB");
    }
}
