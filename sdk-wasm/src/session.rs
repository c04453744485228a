//! The visit: when it ends. It is kept by the browser, not here: every call reads it afresh, so that all tabs of a site agree.

use crate::limits::{SESSION_AGE_MAX_S, SESSION_IDLE_S, SESSION_NOTE_S};

/// What becomes of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// The stored one goes on.
    Same,
    /// The stored one goes on, and its note of the last call has become old.
    Touched,
    /// There was none, or what was stored is not one.
    First,
    /// It had been idle, or was too old.
    Ended,
    /// The visitor came by another campaign.
    Campaign,
}

/// What is stored of a visit, in seconds of the visitor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// 0 when nothing is stored.
    pub(crate) started_s: u32,
    /// About when the last call was made.
    pub(crate) last_s: u32,
    /// How the visitor came, as a hash; 0: by no campaign, or by one that would begin no other visit.
    pub(crate) campaign: u32,
}

impl Stored {
    /// What becomes of it at a call at `now_s`, on a page to which the visitor came by `campaign`.
    pub(crate) const fn at(&self, now_s: u32, campaign: u32) -> Visit {
        if self.started_s == 0 {
            Visit::First
        } else if !self.goes_on(now_s) {
            Visit::Ended
        } else if campaign != 0 && campaign != self.campaign {
            Visit::Campaign
        } else if now_s.abs_diff(self.last_s) < SESSION_NOTE_S {
            Visit::Same
        } else {
            Visit::Touched
        }
    }

    /// Distances, not differences: a clock that was set back must not keep a visit alive until it catches up.
    const fn goes_on(&self, now_s: u32) -> bool {
        now_s.abs_diff(self.last_s) < SESSION_IDLE_S && now_s.abs_diff(self.started_s) < SESSION_AGE_MAX_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_760_781_600;
    const BEGUN: Stored = Stored { started_s: NOW, last_s: NOW, campaign: 0 };

    #[test]
    fn a_visit_begins_where_none_is_stored() {
        assert_eq!(Stored { started_s: 0, last_s: 0, campaign: 0 }.at(NOW, 0), Visit::First);
        assert_eq!(BEGUN.at(NOW, 0), Visit::Same);
    }

    #[test]
    fn a_visit_ends_after_half_an_hour_of_silence() {
        assert_eq!(BEGUN.at(NOW + SESSION_IDLE_S - 1, 0), Visit::Touched);
        assert_eq!(BEGUN.at(NOW + SESSION_IDLE_S, 0), Visit::Ended);
        assert_eq!(BEGUN.at(NOW - SESSION_IDLE_S, 0), Visit::Ended, "the clock was set back");
    }

    #[test]
    fn a_visit_in_constant_use_ends_after_a_day() {
        let (mut stored, mut now) = (BEGUN, NOW);
        while stored.at(now, 0) != Visit::Ended {
            stored.last_s = now;
            now += 61;
        }
        assert!((SESSION_AGE_MAX_S..=SESSION_AGE_MAX_S + 61).contains(&(now - NOW)));
    }

    #[test]
    fn another_campaign_is_another_visit_and_no_campaign_is_not() {
        let stored = Stored { campaign: 7, ..BEGUN };
        assert_eq!(stored.at(NOW, 7), Visit::Same);
        assert_eq!(stored.at(NOW, 0), Visit::Same);
        assert_eq!(stored.at(NOW, 8), Visit::Campaign);
    }
}
