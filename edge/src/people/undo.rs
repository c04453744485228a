//! Taking back an identify or a merge, as if it had not happened.

use serde::Serialize;
use serde_json::json;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::merged::{Member, below};
use crate::error::Error;
use crate::people::find::find;
use crate::people::merge::{brief, group, rebuild};
use crate::people::turn::Tries;
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::merge::{self, Act, News};
use crate::store::undo;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct UndoAnswer {
    success: bool,
    /// `identify` or `merge`.
    undone: &'static str,
    /// Who has lost what was undone; with `removed`, there is nobody left by this id.
    pub(crate) user_id: String,
    /// Whose it is now; null for nobody.
    to: Option<String>,
    removed: bool,
}

/// Takes back the identify of this message id.
pub(crate) async fn identify(cx: &Context, company: &str, message: &str) -> Result<UndoAnswer, Error> {
    let db = cx.db(Some(company))?;
    let mut tries = Tries::default();
    loop {
        tries.next(cx).await?;
        let nothing = || Problem::field(Code::NotFound, "messageId", "no identify with this messageId stands");
        let fact = undo::find(db, company, message).await?.ok_or_else(nothing)?;
        let user = brief(&fact.profile);
        let to = fact.heir.as_ref().map(|id| json!({ "id": id }));
        let data = json!({ "messageId": message, "sessionId": fact.session, "to": to });
        let news = News { id: random::message_id(), name: "identity.undone", data, user: &user };
        let act = Act { number: random::number(), now_ms: cx.now_ms(), news };
        if let Some(outbox) = undo::undo(db, company, message, &fact, &act).await? {
            cx.emitted(company, outbox);
            let removed = rebuild(cx, company, &[&fact.profile]).await?.removed;
            return Ok(UndoAnswer { success: true, undone: "identify", user_id: fact.profile, to: fact.heir, removed });
        }
    }
}

/// Takes back the merge by which this profile was made another's.
pub(crate) async fn merge(cx: &Context, company: &str, loser: &str) -> Result<UndoAnswer, Error> {
    let db = cx.db(Some(company))?;
    let mut tries = Tries::default();
    loop {
        tries.next(cx).await?;
        let nothing = || Problem::field(Code::NotFound, "profileId", "no merge of this profile stands");
        let root = merge::find(db, company, loser).await?.and_then(|m| m.root).ok_or_else(nothing)?;
        let root = find(cx, company, &root).await?;
        let members = group(cx, company, &root).await?;
        let parted = below(&members, loser);
        let rest: Vec<&Member> = members.iter().filter(|m| !parted.iter().any(|p| p.id == m.id)).collect();
        let user = brief(&root.id);
        let data = json!({ "parted": { "id": loser } });
        let news = News { id: random::message_id(), name: "user.unmerged", data, user: &user };
        let act = Act { number: random::number(), now_ms: cx.now_ms(), news };
        let statements = merge::parting(company, &rest, root.revision, &parted, &act)?;
        if let Some(outbox) = merge::run(db, company, &root.id, &statements, &act).await? {
            cx.emitted(company, outbox);
            rebuild(cx, company, &[&root.id, loser]).await?;
            return Ok(UndoAnswer {
                success: true,
                undone: "merge",
                user_id: root.id,
                to: Some(loser.to_owned()),
                removed: false,
            });
        }
    }
}
