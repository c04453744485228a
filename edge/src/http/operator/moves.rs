//! `/api/operator/…/move`, `/api/operator/moves` and `/api/operator/cells`: the operator moves
//! companies between databases. docs/api.md says what holds.

use trackmate_wire::api::{self, CellList, CellRequest, MoveAnswer, MoveList, MoveRequest};
use trackmate_wire::hex::hex;
use trackmate_wire::limits::MOVES_SHOWN_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::request_body;
use crate::error::Error;
use crate::http::admin::keys;
use crate::http::auth::Operator;
use crate::http::body;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::runtime::move_queue::wake;
use crate::runtime::random;
use crate::store;
use crate::store::moves::{self, Cell, Move};
use crate::store::schema;
use crate::vars::Vars;

const STATES: [&str; 3] = ["open", "full", "closed"];

fn refused(message: impl Into<String>) -> Error {
    Problem::field(Code::Conflict, "to", message).into()
}

fn shown(moved: Move) -> api::Move {
    let Move { id, company, source, target, phase, rows, began_at, frozen_at, switched_at, ended_at, error, .. } =
        moved;
    api::Move {
        id,
        company,
        source,
        target,
        phase: phase.as_str().to_owned(),
        rows,
        began_at: clock::iso(began_at),
        frozen_at: frozen_at.map(clock::iso),
        switched_at: switched_at.map(clock::iso),
        ended_at: ended_at.map(clock::iso),
        error,
    }
}

async fn last(cx: &RequestContext, company: &str) -> HandlerResult {
    response::answer(&MoveAnswer { moved: moves::find(cx.directory()?, company).await?.map(shown) })
}

/// Why no company may move between these cells.
fn check(cx: &RequestContext, cells: &[Cell], [from, to]: [&str; 2], force: bool) -> Result<(), Error> {
    let cell = |name: &str| cells.iter().find(|cell| cell.cell == name);
    let Some(target) = cell(to).filter(|_| store::cell(cx.env(), to).is_ok()) else {
        return Err(refused(
            "no cell has this name, or the sweep has not seen it yet; GET /api/operator/cells shows all",
        ));
    };
    if from == to {
        return Err(refused("the company is in this cell already"));
    }
    if target.state != "open" {
        return Err(refused(format!("the cell is {}", target.state)));
    }
    let source = cell(from);
    if source.is_some_and(|cell| cell.state == "closed") {
        return Err(refused("the company's cell is closed, so no company leaves it"));
    }
    let needed = i64::from(schema::NEEDED);
    if target.schema < needed || source.is_some_and(|cell| cell.schema < needed) {
        return Err(refused("a cell has an older schema than this version needs: apply the migrations first"));
    }
    let stays = source.is_some_and(|source| source.jurisdiction == target.jurisdiction);
    if !stays && !force {
        return Err(refused("the cell is in another jurisdiction; with force the data leave theirs"));
    }
    let wait_ms = target.first_seen_at + Vars::of(cx.env()).move_after_ms - cx.now_ms();
    if wait_ms > 0 {
        let minutes = (wait_ms + 59_999) / 60_000;
        let message =
            format!("the cell is new: older isolates may not know it yet. Companies move there in {minutes} minutes");
        return Err(refused(message));
    }
    Ok(())
}

/// `POST /api/operator/companies/{company}/move` `{to, force?}` → `{success, move}`.
pub(crate) async fn post(cx: &RequestContext, _operator: Operator, company: &str) -> HandlerResult {
    let MoveRequest { to, force } = request_body::change(&body::text(cx).await?)?;
    let to = request_body::required(to, "to")?;
    let db = cx.directory()?;
    let home = moves::home(db, company).await?;
    let from = home.cell.ok_or_else(keys::unknown)?;
    if let Some(moving) = home.moving {
        return Err(Problem::new(Code::Conflict, format!("{moving} moves already; one company moves at a time")).into());
    }
    check(cx, &moves::cells(db).await?, [&from, &to], force)?;
    let id = format!("{:012x}{}", cx.now_ms(), hex(&random::bytes::<8>()));
    if !moves::begin(db, &id, company, [&from, &to], cx.now_ms()).await? {
        return Err(Problem::new(Code::Conflict, "another company moves already; one moves at a time").into());
    }
    wake(cx.env(), company, 0).await;
    last(cx, company).await
}

/// `GET /api/operator/companies/{company}/move` → `{success, move}`, the last one or null.
pub(crate) async fn get(cx: &RequestContext, _operator: Operator, company: &str) -> HandlerResult {
    last(cx, company).await
}

/// `DELETE /api/operator/companies/{company}/move` → `{success, move}`. The company goes on where
/// it was.
pub(crate) async fn delete(cx: &RequestContext, _operator: Operator, company: &str) -> HandlerResult {
    if !moves::abort(cx.directory()?, company, "the operator aborted it").await? {
        return Err(Problem::new(Code::Conflict, "the company has no move that can be aborted any more").into());
    }
    wake(cx.env(), company, 0).await;
    last(cx, company).await
}

/// `GET /api/operator/moves?limit&cursor` → `{success, moves, pagination}`, the last one first.
pub(crate) async fn list(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let limit = pagination::limit(cx, usize::try_from(MOVES_SHOWN_MAX).unwrap_or(usize::MAX))?;
    let before = pagination::cursor(cx, |id| Some(id.to_owned()))?.unwrap_or_else(|| "~".to_owned());
    let mut found = moves::list(cx.directory()?, &before, pagination::rows(limit)).await?;
    let pagination = pagination::cut(&mut found, limit, |moved| pagination::write_cursor(&moved.id));
    response::answer(&MoveList { moves: found.into_iter().map(shown).collect(), pagination })
}

/// `GET /api/operator/cells` → `{success, cells}`.
pub(crate) async fn cells(cx: &RequestContext, _operator: Operator) -> HandlerResult {
    let bytes_max = Vars::of(cx.env()).d1_bytes_max;
    let shown = |cell: Cell| {
        let Cell { cell, state, jurisdiction, region, companies, bytes, schema, first_seen_at, seen_at, error } = cell;
        let (first_seen_at, seen_at) = (clock::iso(first_seen_at), (seen_at > 0).then(|| clock::iso(seen_at)));
        api::Cell {
            cell,
            state,
            jurisdiction,
            region,
            companies,
            bytes,
            bytes_max,
            schema,
            first_seen_at,
            seen_at,
            error,
        }
    };
    let cells = moves::cells(cx.directory()?).await?.into_iter().map(shown).collect();
    response::answer(&CellList { cells })
}

/// `PATCH /api/operator/cells/{cell}` `{state}` → `{success}`.
pub(crate) async fn set_cell(cx: &RequestContext, _operator: Operator, cell: &str) -> HandlerResult {
    let CellRequest { state } = request_body::change(&body::text(cx).await?)?;
    let state = request_body::required(state, "state")?;
    if !STATES.contains(&state.as_str()) {
        return Err(Problem::field(Code::InvalidField, "state", "state is open, full or closed").into());
    }
    if !moves::set_state(cx.directory()?, cell, &state).await? {
        return Err(Problem::new(Code::NotFound, "no cell has this name").into());
    }
    worker::console_log!("the operator set the state of the cell {cell} to {state}");
    response::success()
}
