//! The circuit of a subscription pauses deliveries to a failing receiver. The rules are pure;
//! `store/sql/subscription.note.sql` applies the same rules.
//!
//! While the circuit is closed, attempts are made. It opens after [`OPENS_AFTER`] attempts in a row
//! without a final answer; new deliveries are then held. After its pause, one held delivery is the
//! probe. If the probe succeeds, or the receiver gives any final answer, the circuit closes. If the
//! probe fails, the pause doubles.

/// Failed attempts in a row that open a circuit.
pub const OPENS_AFTER: i64 = 10;
/// Milliseconds of the first pause.
pub const PAUSE_MS_MIN: i64 = 30_000;
/// Milliseconds of the longest pause.
pub const PAUSE_MS_MAX: i64 = 600_000;

/// A subscription's circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circuit {
    /// Failed attempts in a row. While the circuit is open, failed probes count too.
    pub trouble: i64,
    /// While the circuit is open: the time before which no probe is made, ms.
    pub open_until: Option<i64>,
    /// The delivery that serves as the probe.
    pub probe: Option<u32>,
}

/// The results of one subscription's attempts that are settled together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Attempts with a final answer of the receiver, positive or negative.
    pub alive: i64,
    /// Attempts that ask for a retry, whether or not one is left.
    pub bad: i64,
    /// Whether the probe is among these attempts.
    pub probed: bool,
}

impl Circuit {
    /// Makes this delivery the probe, if a probe is due. The next probe is due at `probe_ends_ms`,
    /// when this one's lease must have ended.
    pub const fn begin_probe(&mut self, probe: u32, now_ms: i64, probe_ends_ms: i64) -> bool {
        match self.open_until {
            Some(until) if until <= now_ms => {
                self.open_until = Some(probe_ends_ms);
                self.probe = Some(probe);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Applies the results of attempts.
    pub fn note(&mut self, seen: Seen, now_ms: i64) {
        if seen.alive > 0 {
            *self = Self::default();
            return;
        }
        match self.open_until {
            None => {
                self.trouble += seen.bad;
                if self.trouble >= OPENS_AFTER {
                    self.open_until = Some(now_ms + PAUSE_MS_MIN);
                }
            }
            Some(_) if seen.probed => {
                self.trouble += 1;
                let doublings = (self.trouble - OPENS_AFTER).clamp(0, 20);
                self.open_until = Some(now_ms + (PAUSE_MS_MIN << doublings).min(PAUSE_MS_MAX));
            }
            Some(_) => {}
        }
        if seen.probed {
            self.probe = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_in_a_row_open_a_circuit_and_a_success_closes_it() {
        let mut circuit = Circuit::default();
        circuit.note(Seen { bad: 9, ..Seen::default() }, 0);
        assert_eq!(circuit.open_until, None);
        circuit.note(Seen { alive: 1, bad: 5, probed: false }, 0);
        circuit.note(Seen { bad: 9, ..Seen::default() }, 0);
        assert_eq!(circuit.open_until, None, "a success in between resets the count");
        circuit.note(Seen { bad: 1, ..Seen::default() }, 1000);
        assert_eq!(circuit.open_until, Some(31_000));
        circuit.note(Seen { bad: 50, ..Seen::default() }, 2000);
        assert_eq!(
            circuit.open_until,
            Some(31_000),
            "attempts that started before the circuit opened do not prolong the pause"
        );
        circuit.note(Seen { alive: 1, ..Seen::default() }, 3000);
        assert_eq!(circuit, Circuit::default());
    }

    #[test]
    fn a_circuit_has_one_probe_at_a_time_and_each_failed_probe_doubles_the_pause_up_to_ten_minutes() {
        let mut circuit = Circuit { trouble: OPENS_AFTER, open_until: Some(30_000), probe: None };
        assert!(!circuit.begin_probe(7, 29_999, 50_000));
        let mut now = 30_000;
        for pause_s in [60, 120, 240, 480, 600, 600] {
            assert!(circuit.begin_probe(7, now, now + 20_000));
            assert!(!circuit.begin_probe(8, now + 1, now + 20_001), "another delivery is the probe");
            circuit.note(Seen { bad: 1, probed: true, alive: 0 }, now + 10);
            assert_eq!(circuit.open_until, Some(now + 10 + pause_s * 1000));
            now += 10 + pause_s * 1000;
        }
    }
}
