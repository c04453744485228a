//! The visit: what its id looks like, when it ends, how it is written down. It is kept by the browser, not here: every call
//! reads it afresh, so that all tabs of a site agree.

use crate::encode::hex;
use crate::limits::{SESSION_AGE_MAX_MS, SESSION_IDLE_MS};

/// The localStorage key of the current visit.
pub(crate) const STORAGE_KEY: &str = "trackmate.session";

/// One visit of one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// `session_<unix s>_<128 random bits in hex>`
    pub(crate) id: String,
    started_ms: u64,
    last_ms: u64,
}

impl Session {
    /// A new visit.
    pub(crate) fn start(now_ms: u64, random: [u8; 16]) -> Self {
        let id = format!("session_{}_{}", now_ms / 1_000, hex(&random));
        Self { id, started_ms: now_ms / 1_000 * 1_000, last_ms: now_ms }
    }

    /// Reads `<id> <ms of the last call>`; whatever else is stored there is not ours.
    pub(crate) fn parse(stored: &str) -> Option<Self> {
        let (id, last_ms) = stored.split_once(' ')?;
        let (started_s, random) = id.strip_prefix("session_")?.split_once('_')?;
        let well_formed = random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit());
        let started_ms = started_s.parse::<u64>().ok()?.checked_mul(1_000)?;
        well_formed.then_some(Self { id: id.to_owned(), started_ms, last_ms: last_ms.parse().ok()? })
    }

    /// What `parse` reads.
    pub(crate) fn to_stored(&self) -> String {
        format!("{} {}", self.id, self.last_ms)
    }

    /// The stored visit if it still goes on, else a new one.
    pub(crate) fn resume(stored: Option<&str>, now_ms: u64, random: [u8; 16]) -> Self {
        stored
            .and_then(Self::parse)
            .filter(|session| session.goes_on(now_ms))
            .unwrap_or_else(|| Self::start(now_ms, random))
    }

    /// The same visit, in use now.
    pub(crate) fn touched(self, now_ms: u64) -> Self {
        Self { last_ms: self.last_ms.max(now_ms), ..self }
    }

    /// Distances, not differences: a clock that was set back must not keep a visit alive until it catches up.
    fn goes_on(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.last_ms) < SESSION_IDLE_MS && now_ms.abs_diff(self.started_ms) < SESSION_AGE_MAX_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_760_781_600_123;

    #[test]
    fn the_id_has_the_form_of_the_contract() {
        assert_eq!(Session::start(NOW, [0xab; 16]).id, format!("session_1760781600_{}", "ab".repeat(16)));
    }

    #[test]
    fn a_visit_ends_after_half_an_hour_of_silence() {
        let stored = Session::start(NOW, [1; 16]).to_stored();
        let resume = |now| Session::resume(Some(&stored), now, [2; 16]).id.ends_with(&"01".repeat(16));
        assert!(resume(NOW + SESSION_IDLE_MS - 1));
        assert!(!resume(NOW + SESSION_IDLE_MS));
        assert!(!resume(NOW - SESSION_IDLE_MS), "the clock was set back");
    }

    #[test]
    fn a_visit_in_constant_use_ends_after_a_day() {
        let mut session = Session::start(NOW, [1; 16]);
        let first = session.id.clone();
        let mut now = NOW;
        while session.id == first {
            now += 60_000;
            session = Session::resume(Some(&session.to_stored()), now, [2; 16]).touched(now);
        }
        assert!((SESSION_AGE_MAX_MS - 1_000..=SESSION_AGE_MAX_MS + 60_000).contains(&(now - NOW)));
    }

    #[test]
    fn what_is_not_a_session_is_replaced() {
        for stored in ["", "session_1_ab 5", "session_x_00000000000000000000000000000000 5", "null"] {
            assert_eq!(Session::parse(stored), None, "{stored}");
        }
    }

    proptest! {
        #[test]
        fn a_stored_visit_reads_back(now in 0u64..1 << 50, random in any::<[u8; 16]>()) {
            let session = Session::start(now, random);
            prop_assert_eq!(Session::parse(&session.to_stored()), Some(session));
        }

        #[test]
        fn any_stored_text_is_survived(stored in "\\PC*", now in 0u64..1 << 50) {
            let _ = Session::resume(Some(&stored), now, [0; 16]);
        }
    }
}
