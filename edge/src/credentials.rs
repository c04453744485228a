//! Keys that were found in D1: whether one is good for what it is shown for, and that it was used.

use trackmate_wire::limits::KEY_USE_MS;
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::constant_time_eq;

use crate::runtime::context::Context;
use crate::store;
use crate::store::companies::{self, Key, Scope};

/// Takes a key that was found if it is live and of this scope, and notes its use.
pub(crate) fn accept(cx: &Context, key: Option<Key>, hash: &str, scope: Scope) -> Result<Key, Problem> {
    let live = key.filter(|k| k.revoked_at.is_none() && constant_time_eq(&k.hash, hash));
    let key = live.ok_or_else(|| Problem::new(Code::InvalidKey, "the key is unknown or revoked"))?;
    if key.scope != scope {
        return Err(Problem::new(
            Code::WrongScope,
            format!("this route takes a key of scope {}, not {}", scope.as_str(), key.scope.as_str()),
        ));
    }
    if key.last_used_at.is_none_or(|at| cx.now_ms() - at >= KEY_USE_MS) && cx.is_key_to_note() {
        let (env, hash, now) = (cx.env().clone(), hash.to_owned(), cx.now_ms());
        cx.after_answer(async move {
            if let Ok(db) = store::database(&env, None)
                && let Err(error) = companies::note_use(&db, &hash, now, KEY_USE_MS).await
            {
                worker::console_error!(
                    "a key's use was not noted: {}",
                    error.to_string().lines().next().unwrap_or_default()
                );
            }
        });
    }
    Ok(key)
}
