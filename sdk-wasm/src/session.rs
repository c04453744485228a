//! The visit: when it ends. It is kept by the browser, not here: every call reads it afresh, so that all tabs of a site agree.

use crate::limits::{SESSION_AGE_MAX_S, SESSION_IDLE_S, SESSION_SAVE_INTERVAL_S};

/// What becomes of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionChange {
    /// The stored one goes on.
    Unchanged,
    /// The stored one goes on, and its note of the last call has become old.
    Updated,
    /// There was none, or what was stored is not one.
    First,
    /// It had been idle, or was too old.
    Ended,
    /// The visitor came by another campaign.
    Campaign,
}

/// What is stored of a visit, in seconds of the visitor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredSession {
    /// 0 when nothing is stored.
    pub(crate) started_s: u32,
    /// About when the last call was made.
    pub(crate) last_s: u32,
    /// How the visitor came, as a hash; 0: by no campaign, or by one that would begin no other visit.
    pub(crate) campaign: u32,
}

impl StoredSession {
    /// What becomes of it at a call at `now_s`, on a page to which the visitor came by `campaign`.
    pub(crate) const fn change_at(&self, now_s: u32, campaign: u32) -> SessionChange {
        if self.started_s == 0 {
            SessionChange::First
        } else if !self.is_alive(now_s) {
            SessionChange::Ended
        } else if campaign != 0 && campaign != self.campaign {
            SessionChange::Campaign
        } else if now_s.abs_diff(self.last_s) < SESSION_SAVE_INTERVAL_S {
            SessionChange::Unchanged
        } else {
            SessionChange::Updated
        }
    }

    /// Distances, not differences: a clock that was set back must not keep a visit alive until it catches up.
    const fn is_alive(&self, now_s: u32) -> bool {
        now_s.abs_diff(self.last_s) < SESSION_IDLE_S && now_s.abs_diff(self.started_s) < SESSION_AGE_MAX_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_760_781_600;
    const STARTED: StoredSession = StoredSession { started_s: NOW, last_s: NOW, campaign: 0 };

    #[test]
    fn a_visit_begins_where_none_is_stored() {
        assert_eq!(StoredSession { started_s: 0, last_s: 0, campaign: 0 }.change_at(NOW, 0), SessionChange::First);
        assert_eq!(STARTED.change_at(NOW, 0), SessionChange::Unchanged);
    }

    #[test]
    fn a_visit_ends_after_half_an_hour_of_silence() {
        assert_eq!(STARTED.change_at(NOW + SESSION_IDLE_S - 1, 0), SessionChange::Updated);
        assert_eq!(STARTED.change_at(NOW + SESSION_IDLE_S, 0), SessionChange::Ended);
        assert_eq!(STARTED.change_at(NOW - SESSION_IDLE_S, 0), SessionChange::Ended, "the clock was set back");
    }

    #[test]
    fn a_visit_in_constant_use_ends_after_a_day() {
        let (mut stored, mut now) = (STARTED, NOW);
        while stored.change_at(now, 0) != SessionChange::Ended {
            stored.last_s = now;
            now += 61;
        }
        assert!((SESSION_AGE_MAX_S..=SESSION_AGE_MAX_S + 61).contains(&(now - NOW)));
    }

    #[test]
    fn another_campaign_is_another_visit_and_no_campaign_is_not() {
        let stored = StoredSession { campaign: 7, ..STARTED };
        assert_eq!(stored.change_at(NOW, 7), SessionChange::Unchanged);
        assert_eq!(stored.change_at(NOW, 0), SessionChange::Unchanged);
        assert_eq!(stored.change_at(NOW, 8), SessionChange::Campaign);
    }
}
