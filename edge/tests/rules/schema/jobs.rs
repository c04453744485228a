//! The statements that erase a person and delete old events, slice by slice, as the Worker sends
//! them.

use serde_json::json;
use trackmate_edge::store::erasures::{Identity, Searched, erasing, forgetting, releasing};
use trackmate_edge::store::people::Profile;
use trackmate_edge::store::{ChangeStamp, retention, sql};

use super::pipe::{COMPANY, Db, text};

impl Db {
    /// Starts an erasure with the statements of `store::erasures`. → The message id of the notice.
    pub(crate) fn erase(&mut self, profile: &str) -> String {
        self.request += 1;
        let who = [json!(COMPANY), json!(profile)];
        let read: Vec<Profile> = self.find(sql::PROFILE_FIND, &[&who[..], &[json!(100)]].concat());
        let identities: Vec<Identity> = self.find(sql::IDENTITIES_OF, &who);
        let (n, now, notice) = (self.request, self.now(), format!("n{}", self.request));
        let mut batch =
            erasing(COMPANY, &read[0], &identities, ChangeStamp { marker: n, now_ms: now }, &notice).unwrap();
        batch.push(self.emitted(&notice));
        let done = self.batch(&batch);
        assert_eq!(done[0].len(), 1, "the person did not change after the read");
        notice
    }

    /// Runs one slice of an erasure, limited in links and events. → Whether there is more.
    pub(crate) fn slice(&self, profile: &str, links: i64, events: i64) -> bool {
        let next = self.rows(sql::ERASURE_NEXT, &[json!(COMPANY), json!(profile), json!(links), json!(events)]);
        if let Some(ids) = next[0][0].as_str() {
            self.batch(&releasing(COMPANY, profile, ids, links, events));
            return true;
        }
        let about: Vec<Searched> = self.find(sql::ERASURE_ABOUT, &[json!(COMPANY), json!(profile), json!(events)]);
        self.batch(&forgetting(COMPANY, profile, &about[0], self.now()));
        about[0].place.is_some()
    }

    /// Runs the statements of `store::retention` from the start to the end.
    pub(crate) fn retain(&self, now: i64, events: i64) {
        loop {
            let old = self.rows(sql::EVENTS_OLD, &[json!(""), json!(now), json!(events)]);
            let Some(row) = old.first() else { return };
            self.batch(&retention::slices(COMPANY, &text(&row[1]), row[2].as_str()).unwrap());
            if row[2].is_null() {
                return;
            }
        }
    }
}
