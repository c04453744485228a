//! The visit: what its stored form looks like, when it ends. It is kept by the browser, not here: every call reads it afresh, so
//! that all tabs of a site agree.

use crate::limits::{SESSION_AGE_MAX_S, SESSION_IDLE_S, SESSION_NOTE_S};
use trackmate_wire::ids::{SESSION_PREFIX, spell_number, spell_session_id};

/// Why there is a new visit.
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

/// What a stored visit says: `session_<unix s>_<32 hex> <unix s of the last call> <campaign>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    started_s: u32,
    random: [u8; 16],
    last_s: u32,
    campaign: u32,
}

/// Says what has become of the stored visit by now, and spells what is to be stored from now on. `campaign` names how the
/// visitor came (0: no campaign, or none that would begin another visit).
pub(crate) fn resume(
    stored: impl Iterator<Item = u8>,
    now_s: u32,
    campaign: u32,
    random: impl FnOnce() -> [u8; 16],
    put: impl FnMut(u8),
) -> Visit {
    let (visit, kept) = match parse(stored) {
        None => (Visit::First, None),
        Some(old) if !old.goes_on(now_s) => (Visit::Ended, None),
        Some(old) if campaign != 0 && campaign != old.campaign => (Visit::Campaign, None),
        Some(old) if now_s.abs_diff(old.last_s) < SESSION_NOTE_S => (Visit::Same, Some(old)),
        Some(old) => (Visit::Touched, Some(Stored { last_s: now_s, ..old })),
    };
    kept.unwrap_or_else(|| Stored { started_s: now_s, random: random(), last_s: now_s, campaign }).spell(put);
    visit
}

impl Stored {
    /// Distances, not differences: a clock that was set back must not keep a visit alive until it catches up.
    fn goes_on(&self, now_s: u32) -> bool {
        now_s.abs_diff(self.last_s) < SESSION_IDLE_S && now_s.abs_diff(self.started_s) < SESSION_AGE_MAX_S
    }

    fn spell(&self, mut put: impl FnMut(u8)) {
        spell_session_id(self.started_s, self.random, &mut put);
        put(b' ');
        spell_number(self.last_s, &mut put);
        put(b' ');
        spell_number(self.campaign, put);
    }
}

/// Whatever else is stored there is not ours.
fn parse(mut stored: impl Iterator<Item = u8>) -> Option<Stored> {
    for expected in SESSION_PREFIX.bytes() {
        stored.next().filter(|byte| *byte == expected)?;
    }
    let started_s = number(&mut stored, b'_')?;
    let mut random = [0; 16];
    for byte in &mut random {
        *byte = digit(stored.next()?, 16)? << 4 | digit(stored.next()?, 16)?;
    }
    stored.next().filter(|byte| *byte == b' ')?;
    let last_s = number(&mut stored, b' ')?;
    let campaign = number(&mut stored, 0)?;
    Some(Stored { started_s, random, last_s, campaign })
}

/// Reads a number and the byte behind it; the end of the text counts as 0.
fn number(stored: &mut impl Iterator<Item = u8>, end: u8) -> Option<u32> {
    let mut number = digit(stored.next()?, 10)?.into();
    loop {
        match stored.next().unwrap_or_default() {
            byte if byte == end => return Some(number),
            byte => number = u32::checked_mul(number, 10)?.checked_add(digit(byte, 10)?.into())?,
        }
    }
}

/// The value of a lower-case digit.
fn digit(byte: u8, base: u8) -> Option<u8> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => return None,
    };
    (value < base).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trackmate_wire::ids::is_public_session;

    const NOW: u32 = 1_760_781_600;

    fn after(stored: &str, now_s: u32, campaign: u32, random: u8) -> (Visit, String) {
        let mut text = String::new();
        let visit = resume(stored.bytes(), now_s, campaign, || [random; 16], |byte| text.push(char::from(byte)));
        (visit, text)
    }

    #[test]
    fn the_id_has_the_form_of_the_contract() {
        let (visit, text) = after("", NOW, 0, 0xab);
        assert_eq!(visit, Visit::First);
        let (id, rest) = text.split_once(' ').unwrap();
        assert_eq!((id, rest), (format!("session_{NOW}_{}", "ab".repeat(16)).as_str(), "1760781600 0"));
        assert!(is_public_session(id));
    }

    #[test]
    fn a_visit_ends_after_half_an_hour_of_silence() {
        let (_, stored) = after("", NOW, 0, 1);
        let visit = |now| after(&stored, now, 0, 2).0;
        assert_eq!(visit(NOW + SESSION_IDLE_S - 1), Visit::Touched);
        assert_eq!(visit(NOW + SESSION_IDLE_S), Visit::Ended);
        assert_eq!(visit(NOW - SESSION_IDLE_S), Visit::Ended, "the clock was set back");
    }

    #[test]
    fn a_visit_in_constant_use_ends_after_a_day() {
        let (mut visit, mut stored) = after("", NOW, 0, 1);
        let mut now = NOW;
        while visit != Visit::Ended {
            now += 61;
            (visit, stored) = after(&stored, now, 0, 2);
        }
        assert!((SESSION_AGE_MAX_S..=SESSION_AGE_MAX_S + 61).contains(&(now - NOW)));
    }

    #[test]
    fn another_campaign_is_another_visit_and_no_campaign_is_not() {
        let (_, stored) = after("", NOW, 7, 1);
        assert_eq!(after(&stored, NOW, 7, 2).0, Visit::Same);
        assert_eq!(after(&stored, NOW, 0, 2).0, Visit::Same);
        assert_eq!(after(&stored, NOW, 8, 2).0, Visit::Campaign);
    }

    #[test]
    fn what_is_not_a_session_is_replaced() {
        let hex = "ab".repeat(16);
        let strange = [
            "null".to_owned(),
            "session_1_ab 5 0".to_owned(),
            format!("session_x_{hex} 5 0"),
            format!("session_{NOW}_{hex} 5"),
            format!("session_{NOW}_{} {NOW} 0", "AB".repeat(16)),
            format!("session_{NOW}_{} {NOW} 0", "zz".repeat(16)),
            format!("session_{NOW}_{} {NOW} 0", ":;".repeat(16)),
            format!("session_99999999999_{hex} {NOW} 0"),
            format!("session_{NOW}_{hex} {NOW} 0 1"),
        ];
        for stored in strange {
            assert_eq!(after(&stored, NOW, 0, 1).0, Visit::First, "{stored}");
        }
    }

    proptest! {
        #[test]
        fn a_stored_visit_reads_back(now: u32, campaign: u32, random: u8) {
            let (_, stored) = after("", now, campaign, random);
            prop_assert_eq!(after(&stored, now, campaign, !random), (Visit::Same, stored));
        }

        #[test]
        fn any_stored_text_is_survived_and_replaced_by_one_that_is_accepted(stored in "(session_)?[0-9]{0,12}_?[0-9a-f]{30,33} ?\\PC*", now: u32) {
            let (_, text) = after(&stored, now, 0, 3);
            prop_assert!(is_public_session(text.split(' ').next().unwrap()));
            prop_assert_eq!(after(&text, now, 0, 4).0, Visit::Same);
        }
    }
}
