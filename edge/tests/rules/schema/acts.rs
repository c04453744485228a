//! The statements that change identities, as the Worker sends them: undo an identify, merge two
//! people, undo a merge.

use serde_json::{Value, json};
use trackmate_edge::domain::merge_tree::{Member, descendants};
use trackmate_edge::domain::secret::Scope;
use trackmate_edge::domain::trusted_data::TrustedData;
use trackmate_edge::store::merge::{Group, IdentityChange, PlatformEvent, merge_statements, unmerge_statements};
use trackmate_edge::store::rebuild::{self, Link, Rebuild};
use trackmate_edge::store::undo::{IdentifyLink, undo_statements};
use trackmate_edge::store::{ChangeStamp, sql};

use super::pipe::{COMPANY, Db, NOW};

/// The text in a cell of [`Db::table`].
pub(crate) fn text(cell: &str) -> String {
    cell.trim_start_matches("Text(\"").trim_end_matches("\")").replace("\\\"", "\"")
}

pub(crate) fn act(db: &mut Db) -> IdentityChange<'static> {
    db.request += 1;
    let event = PlatformEvent { id: String::new(), name: "x", data: Value::Null, user: "{}" };
    IdentityChange { stamp: ChangeStamp { marker: db.request + 1_000_000, now_ms: NOW }, event }
}

/// The identity keys of a person with this address and these aliases.
fn keys(email: Option<String>, aliases: &str) -> Vec<String> {
    let mut keys: Vec<String> = serde_json::from_str(aliases).unwrap();
    keys.extend(email);
    keys
}

/// The merged profiles of a person, and the revision of the root.
pub(crate) fn members(db: &Db, root: &str) -> (Vec<Member>, i64) {
    let mut rows = db.connection.prepare_cached(sql::MERGE_GROUP).unwrap();
    let members = rows.query_map([COMPANY, root], |r| {
        let (id, own): (String, Option<String>) = (r.get(0)?, r.get(5)?);
        let own = own.map_or_else(|| trusted_data(db, &id), |own| serde_json::from_str(&own).unwrap());
        Ok(Member { winner: r.get(1)?, addresses: keys(r.get(3)?, &r.get::<_, String>(4)?), trusted_data: own, id })
    });
    let members = members.unwrap().map(Result::unwrap).collect();
    let edit = db.table(&format!("select revision from profiles where id = '{root}'"))[0][0].clone();
    (members, edit.trim_start_matches("Integer(").trim_end_matches(')').parse().unwrap())
}

/// The trusted data of a profile that is not merged.
fn trusted_data(db: &Db, id: &str) -> TrustedData {
    let object = |query: &str| text(&db.table(&query.replace("ID", id))[0][0]);
    TrustedData {
        trusted_traits: serde_json::from_str(&object("select trusted_traits from profiles where id = 'ID'")).unwrap(),
        tags: serde_json::from_str(&object(
            "select json_group_object(name, applied_at) from tags where profile = 'ID'",
        ))
        .unwrap(),
        fields: serde_json::from_str(&object("select json_group_object(name, value) from fields where profile = 'ID'"))
            .unwrap(),
        ..TrustedData::default()
    }
}

impl Db {
    /// Rebuilds all people who need it, slice by slice, those first who have waited longest.
    pub(crate) fn rebuild(&mut self) {
        while let Some(row) = self.rows(sql::REBUILD_OLDEST, &[json!(9)]).pop() {
            self.rebuild_slice(row[1].as_str().unwrap());
        }
    }

    /// Runs one slice of a rebuild, as the Worker does.
    pub(crate) fn rebuild_slice(&mut self, profile: &str) {
        self.request += 1;
        let [find, links] = rebuild::reading(COMPANY, profile, 2);
        let Some(read) = self.find::<Rebuild>(find.sql, &find.params).pop() else { return };
        let links: Vec<Link> = self.find(links.sql, &links.params);
        let now = NOW + self.request;
        let key = |email: &str| Some(email.to_owned());
        let progress = rebuild::Progress { company: COMPANY, profile, read: &read, now_ms: now, key };
        let slice = progress.slice(&links, 2).unwrap();
        self.batch(&slice.statements);
    }

    /// The profile of an address.
    pub(crate) fn owner(&self, address: &str) -> Option<String> {
        let found = self.table(&format!("select profile from identities where key = '{address}'"));
        found.first().map(|row| text(&row[0]))
    }

    /// Undoes an identify if it has a link. → Whether it had one.
    pub(crate) fn undo(&mut self, id: &str) -> bool {
        let Some(fact) = self.find::<IdentifyLink>(sql::UNDO_FIND, &[json!(COMPANY), json!(id)]).pop() else {
            return false;
        };
        let statements = undo_statements(COMPANY, id, &fact, &act(self));
        self.batch(&statements);
        self.rebuild();
        true
    }

    /// Merges the people of two addresses if both exist and differ. → The profile that was merged
    /// into the other.
    pub(crate) fn merge(&mut self, into: &str, from: &str) -> Option<String> {
        let (winner, loser) = (self.owner(into)?, self.owner(from)?);
        if winner == loser {
            return None;
        }
        let (w, l) = (members(self, &winner), members(self, &loser));
        let change = act(self);
        let (w, l) = (Group { members: &w.0, revision: w.1 }, Group { members: &l.0, revision: l.1 });
        let done = self.batch(&merge_statements(COMPANY, w, l, Scope::Admin, &change).unwrap());
        assert_eq!(done[0].len(), 2, "neither person changed after the read");
        self.rebuild();
        Some(loser)
    }

    /// Undoes the merge of a profile.
    pub(crate) fn part(&mut self, loser: &str) {
        let root = text(&self.table(&format!("select merged_into from profiles where id = '{loser}'"))[0][0]);
        let (members, edit) = members(self, &root);
        let parted = descendants(&members, loser);
        let rest: Vec<&Member> = members.iter().filter(|m| !parted.iter().any(|p| p.id == m.id)).collect();
        let change = act(self);
        let done = self.batch(&unmerge_statements(COMPANY, &rest, edit, &parted, &change).unwrap());
        assert_eq!(done[0].len(), 1, "the person did not change after the read");
        self.rebuild();
    }
}
