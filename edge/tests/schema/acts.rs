//! What the Worker sends to change who is who: taking an identify back, merging two people, parting them again.

use serde_json::{Value, json};
use trackmate_edge::domain::merged::{Member, below};
use trackmate_edge::domain::own::Own;
use trackmate_edge::store::merge::{Act, Group, News, merging, parting};
use trackmate_edge::store::undo::{Fact, undoing};
use trackmate_edge::store::{Statement, sql};

use super::pipe::{COMPANY, Db, NOW};

/// The text of a cell of [`Db::table`].
pub(crate) fn text(cell: &str) -> String {
    cell.trim_start_matches("Text(\"").trim_end_matches("\")").replace("\\\"", "\"")
}

pub(crate) fn act(db: &mut Db) -> Act<'static> {
    db.request += 1;
    let news = News { id: String::new(), name: "x", data: Value::Null, user: "{}" };
    Act { number: db.request + 1_000_000, now_ms: NOW, news }
}

/// The lookup keys of whoever has this address and these aliases.
fn keys(email: Option<String>, aliases: &str) -> Vec<String> {
    let mut keys: Vec<String> = serde_json::from_str(aliases).unwrap();
    keys.extend(email);
    keys
}

/// The statements that take back the link that was read.
pub(crate) fn undoings(id: &str, fact: &Fact, act: &Act<'_>) -> Vec<Statement> {
    let keys = keys(fact.email.clone(), &fact.aliases);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (undo, tidy) = undoing(COMPANY, id, fact, &keys, act);
    [undo, tidy].concat()
}

/// The members of the person that a profile stands for, and its edit.
pub(crate) fn members(db: &Db, root: &str) -> (Vec<Member>, i64) {
    let mut rows = db.connection.prepare_cached(sql::MERGE_GROUP).unwrap();
    let members = rows.query_map([COMPANY, root], |r| {
        let (id, own): (String, Option<String>) = (r.get(0)?, r.get(5)?);
        let own = own.map_or_else(|| said(db, &id), |own| serde_json::from_str(&own).unwrap());
        Ok(Member { winner: r.get(1)?, addresses: keys(r.get(3)?, &r.get::<_, String>(4)?), own, id })
    });
    let members = members.unwrap().map(Result::unwrap).collect();
    let edit = db.table(&format!("select edit from profiles where id = '{root}'"))[0][0].clone();
    (members, edit.trim_start_matches("Integer(").trim_end_matches(')').parse().unwrap())
}

/// What was said of a profile that is not merged.
fn said(db: &Db, id: &str) -> Own {
    let object = |query: &str| text(&db.table(&query.replace("ID", id))[0][0]);
    Own {
        said: serde_json::from_str(&object("select said from profiles where id = 'ID'")).unwrap(),
        tags: serde_json::from_str(&object(
            "select json_group_object(name, applied_at) from tags where profile = 'ID'",
        ))
        .unwrap(),
        fields: serde_json::from_str(&object("select json_group_object(name, value) from fields where profile = 'ID'"))
            .unwrap(),
        ..Own::default()
    }
}

impl Db {
    /// The profile that an address leads to.
    pub(crate) fn owner(&self, address: &str) -> Option<String> {
        let found = self.table(&format!("select profile from identities where key = '{address}'"));
        found.first().map(|row| text(&row[0]))
    }

    /// Takes an identify back if it stands, and says whether.
    pub(crate) fn undo(&mut self, id: &str) -> bool {
        let Some(fact) = self.find::<Fact>(sql::UNDO_FIND, &[json!(COMPANY), json!(id)]).pop() else { return false };
        let statements = undoings(id, &fact, &act(self));
        self.batch(&statements);
        true
    }

    /// Merges the people behind two addresses if both are there and are two, and says who was merged.
    pub(crate) fn merge(&mut self, into: &str, from: &str) -> Option<String> {
        let (winner, loser) = (self.owner(into)?, self.owner(from)?);
        if winner == loser {
            return None;
        }
        let (w, l) = (members(self, &winner), members(self, &loser));
        let act = act(self);
        let (w, l) = (Group { members: &w.0, edit: w.1 }, Group { members: &l.0, edit: l.1 });
        let done = self.batch(&merging(COMPANY, w, l, "admin", &act).unwrap());
        assert_eq!(done[0].len(), 2, "both are as they were read");
        Some(loser)
    }

    /// Parts a merged profile again.
    pub(crate) fn part(&mut self, loser: &str) {
        let root = text(&self.table(&format!("select merged_into from profiles where id = '{loser}'"))[0][0]);
        let (members, edit) = members(self, &root);
        let parted = below(&members, loser);
        let rest: Vec<&Member> = members.iter().filter(|m| !parted.iter().any(|p| p.id == m.id)).collect();
        let act = act(self);
        let (change, tidy) = parting(COMPANY, &rest, edit, &parted, &act).unwrap();
        let done = self.batch(&[change, tidy].concat());
        assert_eq!(done[0].len(), 1, "the person is as read");
    }
}
