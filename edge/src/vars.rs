//! The deployment's variables (`[vars]` in wrangler.toml, and those for development). They are read
//! once per isolate: each is a call into the runtime, and they never change in an isolate's life.

use std::cell::OnceCell;
use std::str::FromStr;

use trackmate_wire::limits::{
    ATTEMPTS_MAX, COUNT_SLICES_MAX, D1_BYTES_MAX, EXPORT_PAGES_MAX, METRICS_S, METRICS_S_MAX, MOVE_AFTER_MS,
    MOVE_PURGE_AFTER_MS,
};
use worker::Env;

/// The variables. One that is missing or unreadable has its default.
#[derive(Debug, Clone, Copy)]
pub struct Vars {
    /// `ATTEMPTS_MAX`: most attempts of one invocation.
    pub attempts_max: usize,
    /// `EXPORT_PAGES_MAX`: most pages that one export reads.
    pub export_pages_max: usize,
    /// `COUNT_SLICES_MAX`: most slices that statistics and counts read in one request.
    pub count_slices_max: usize,
    /// `D1_BYTES_MAX`: bytes that the database may have.
    pub d1_bytes_max: i64,
    /// `METRICS_S`: seconds after which an isolate writes what it counted; 0 for never.
    pub metrics_s: u64,
    /// `D1_READ_REPLICAS`: whether statistics may be read from a replica of the database.
    pub reads_replicas: bool,
    /// `MOVE_AFTER_MS`: how long a cell must be known before a company moves there.
    pub move_after_ms: i64,
    /// `MOVE_PURGE_AFTER_MS`: how long the rows of a company that moved stay at the source.
    pub move_purge_after_ms: i64,
    /// `DEV_ALLOW_LOOPBACK`: whether deliveries may go to the deployment's own machine.
    pub allows_loopback: bool,
    /// `DEV_SHOW_COST`: whether answers show what a request cost in D1.
    pub shows_cost: bool,
}

thread_local! {
    static VARS: OnceCell<Vars> = const { OnceCell::new() };
}

impl Vars {
    /// The variables of this deployment.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        VARS.with(|vars| *vars.get_or_init(|| Self::read(env)))
    }

    fn read(env: &Env) -> Self {
        Self {
            attempts_max: number(env, "ATTEMPTS_MAX").unwrap_or(ATTEMPTS_MAX),
            export_pages_max: number(env, "EXPORT_PAGES_MAX").unwrap_or(EXPORT_PAGES_MAX),
            count_slices_max: number(env, "COUNT_SLICES_MAX").unwrap_or(COUNT_SLICES_MAX),
            d1_bytes_max: number(env, "D1_BYTES_MAX").unwrap_or(D1_BYTES_MAX),
            metrics_s: number(env, "METRICS_S").unwrap_or(METRICS_S).min(METRICS_S_MAX),
            reads_replicas: text(env, "D1_READ_REPLICAS").is_some_and(|value| value == "1"),
            move_after_ms: number(env, "MOVE_AFTER_MS").unwrap_or(MOVE_AFTER_MS),
            move_purge_after_ms: number(env, "MOVE_PURGE_AFTER_MS").unwrap_or(MOVE_PURGE_AFTER_MS),
            allows_loopback: text(env, "DEV_ALLOW_LOOPBACK").is_some_and(|value| value == "1"),
            shows_cost: text(env, "DEV_SHOW_COST").is_some(),
        }
    }
}

/// A variable or secret by its name.
pub(crate) fn text(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string())
}

fn number<T: FromStr>(env: &Env, name: &str) -> Option<T> {
    text(env, name)?.parse().ok()
}
