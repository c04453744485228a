//! When a session ends. The browser stores the session, and every call reads it again, so that all
//! tabs of a site have the same one.

use crate::limits::{SESSION_AGE_MAX_S, SESSION_IDLE_S, SESSION_SAVE_INTERVAL_S};

/// What a call does to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionChange {
    /// The stored session continues.
    Unchanged,
    /// The stored session continues, and the time of its last call must be stored again.
    Updated,
    /// No session was stored, or the stored text is not one.
    First,
    /// The stored session was idle for too long, or too old.
    Ended,
    /// The visitor arrived by another campaign.
    Campaign,
}

/// A stored session, in seconds of the visitor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredSession {
    /// 0 when nothing is stored.
    pub(crate) started_s: u32,
    /// About when the last call was made.
    pub(crate) last_s: u32,
    /// The campaign by which the visitor arrived, as a hash. 0: none, or campaigns do not start
    /// sessions.
    pub(crate) campaign: u32,
}

impl StoredSession {
    /// What a call at `now_s` does to it, on a page that the visitor entered by `campaign`.
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

    /// Absolute differences: a clock that was set back must not keep a session alive until it
    /// catches up.
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
    fn the_first_session_starts_when_none_is_stored() {
        assert_eq!(StoredSession { started_s: 0, last_s: 0, campaign: 0 }.change_at(NOW, 0), SessionChange::First);
        assert_eq!(STARTED.change_at(NOW, 0), SessionChange::Unchanged);
    }

    #[test]
    fn a_session_ends_after_half_an_hour_without_a_call() {
        assert_eq!(STARTED.change_at(NOW + SESSION_IDLE_S - 1, 0), SessionChange::Updated);
        assert_eq!(STARTED.change_at(NOW + SESSION_IDLE_S, 0), SessionChange::Ended);
        assert_eq!(STARTED.change_at(NOW - SESSION_IDLE_S, 0), SessionChange::Ended, "the clock was set back");
    }

    #[test]
    fn a_session_in_constant_use_ends_after_a_day() {
        let (mut stored, mut now) = (STARTED, NOW);
        while stored.change_at(now, 0) != SessionChange::Ended {
            stored.last_s = now;
            now += 61;
        }
        assert!((SESSION_AGE_MAX_S..=SESSION_AGE_MAX_S + 61).contains(&(now - NOW)));
    }

    #[test]
    fn another_campaign_starts_a_session_and_no_campaign_does_not() {
        let stored = StoredSession { campaign: 7, ..STARTED };
        assert_eq!(stored.change_at(NOW, 7), SessionChange::Unchanged);
        assert_eq!(stored.change_at(NOW, 0), SessionChange::Unchanged);
        assert_eq!(stored.change_at(NOW, 8), SessionChange::Campaign);
    }
}
