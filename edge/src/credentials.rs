//! Checks secret keys that were read from D1, and records their use.

use trackmate_wire::limits::KEY_USE_MS;
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::constant_time_eq;

use crate::domain::secret::Scope;
use crate::runtime::context::Context;
use crate::store;
use crate::store::companies::{self, Key};

/// Accepts a key if it is not revoked and has this scope, and records its use.
///
/// # Errors
/// `invalid_key`, `wrong_scope`.
pub(crate) fn accept(cx: &Context, key: Option<Key>, hash: &str, scope: Scope) -> Result<Key, Problem> {
    let live = key.filter(|k| k.revoked_at.is_none() && constant_time_eq(&k.hash, hash));
    let key = live.ok_or_else(|| Problem::new(Code::InvalidKey, "the key is unknown or revoked"))?;
    if key.scope != scope {
        return Err(Problem::new(
            Code::WrongScope,
            format!("this route takes a key of scope {}, not {}", scope.as_str(), key.scope.as_str()),
        ));
    }
    if key.last_used_at.is_none_or(|at| cx.now_ms() - at >= KEY_USE_MS) && cx.must_record_key_use() {
        let (env, hash, now) = (cx.env().clone(), hash.to_owned(), cx.now_ms());
        cx.after_answer(async move {
            if let Ok(db) = store::database_of_key(&env, &hash)
                && let Err(error) = companies::note_use(&db, &hash, now, KEY_USE_MS).await
            {
                worker::console_error!(
                    "the use of a key was not recorded: {}",
                    error.to_string().lines().next().unwrap_or_default()
                );
            }
        });
    }
    Ok(key)
}
