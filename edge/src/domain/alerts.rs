//! Alerts for the operator: which one is due, given what was sent before. An alert is sent when its
//! state changes, and again once a day while it lasts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trackmate_wire::limits::{ALERT_LATE_MS, ALERT_PAUSE_MS, ALERT_REPEAT_MS, ALERT_RETRY_MINUTES_MAX, ALERT_SHOWN_MS};

use super::outage;

const MINUTE_MS: i64 = 60_000;

/// What the alerts are about.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// Bytes of the database, and those that it may have.
    pub bytes: (i64, i64),
    /// When the run of the sweep before this one was, ms; `None` for the first.
    pub last_run: Option<i64>,
    /// Messages of the outage buffer that were ever given up.
    pub lost: u64,
}

/// What was sent of an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Sent {
    /// Its level: 0 if there is nothing to report.
    level: i64,
    /// When it was sent, ms.
    at: i64,
    /// Failed requests since.
    failures: u32,
    /// When the next request may be made, ms.
    next: i64,
}

/// What was sent so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    sent: BTreeMap<String, Sent>,
    /// When a run of the sweep was late, ms.
    late_at: i64,
    /// How late it was, ms.
    late_ms: i64,
}

/// An alert that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its id, the same in every request for it.
    pub id: String,
    /// The name of its event.
    pub name: &'static str,
    /// Its level.
    level: i64,
    /// What the event contains.
    pub data: Value,
}

impl State {
    /// The alerts that are due.
    pub fn due(&mut self, situation: &Situation, now_ms: i64) -> Vec<Alert> {
        let late = situation.last_run.map_or(0, |last| now_ms - last);
        if late >= ALERT_LATE_MS {
            (self.late_at, self.late_ms) = (now_ms, late);
        }
        let (bytes, bytes_max) = situation.bytes;
        let percent = outage::step(bytes, bytes_max);
        let is_late = i64::from(self.late_at > 0 && now_ms - self.late_at < ALERT_SHOWN_MS);
        let lost = i64::try_from(situation.lost).unwrap_or(i64::MAX);
        let new = lost - self.sent.get(LOST).copied().unwrap_or_default().level;
        let all = [
            (FILLING, percent, true, json!({"percent": percent, "bytes": bytes, "bytesMax": bytes_max})),
            (LATE, is_late, true, json!({"lateSeconds": self.late_ms / 1000})),
            (LOST, lost, false, json!({"messages": new})),
        ];
        all.into_iter().filter_map(|alert| self.alert(alert, now_ms)).collect()
    }

    fn alert(&self, (name, level, lasts, mut data): (&'static str, i64, bool, Value), now_ms: i64) -> Option<Alert> {
        let sent = self.sent.get(name).copied().unwrap_or_default();
        let has_changed = if lasts { level != sent.level } else { level > sent.level };
        let waits = now_ms < sent.next || now_ms - sent.at < ALERT_PAUSE_MS;
        let repeats = lasts && level > 0 && now_ms - sent.at >= ALERT_REPEAT_MS;
        if waits || !(has_changed || repeats) {
            return None;
        }
        if lasts && let Value::Object(data) = &mut data {
            data.insert("state".to_owned(), if level > 0 { "firing" } else { "resolved" }.into());
        }
        Some(Alert { id: format!("{name}_{level}_{}", sent.at), name, level, data })
    }

    /// Notes whether an alert was received.
    pub fn note(&mut self, alert: &Alert, is_received: bool, now_ms: i64) {
        let sent = self.sent.entry(alert.name.to_owned()).or_default();
        if is_received {
            *sent = Sent { level: alert.level, at: now_ms, ..Sent::default() };
        } else {
            let minutes = 2_i64.saturating_pow(sent.failures).min(ALERT_RETRY_MINUTES_MAX);
            sent.failures += 1;
            sent.next = now_ms + minutes * MINUTE_MS;
        }
    }
}

/// The database fills up.
const FILLING: &str = "operator.database_filling";
/// A run of the sweep was late.
const LATE: &str = "operator.sweep_late";
/// Messages of the outage buffer were given up.
const LOST: &str = "operator.messages_lost";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_760_788_800_000;
    const HOUR_MS: i64 = 60 * MINUTE_MS;

    fn calm() -> Situation {
        Situation { bytes: (1, 100), last_run: Some(NOW - MINUTE_MS), lost: 0 }
    }

    /// Runs the sweep once a minute for some minutes. → The alerts, each with its minute.
    fn run(state: &mut State, minutes: i64, received: bool, at: impl Fn(i64) -> Situation) -> Vec<(i64, Alert)> {
        let mut all = Vec::new();
        for minute in 0..minutes {
            let now = NOW + minute * MINUTE_MS;
            for alert in state.due(&Situation { last_run: Some(now - MINUTE_MS), ..at(minute) }, now) {
                state.note(&alert, received, now);
                all.push((minute, alert));
            }
        }
        all
    }

    #[test]
    fn a_calm_deployment_sends_nothing() {
        assert_eq!(run(&mut State::default(), 3000, true, |_| calm()), []);
    }

    #[test]
    fn a_filling_database_is_reported_at_each_step_and_when_there_is_room_again() {
        let percent = |minute| [69, 70, 85, 95, 60][usize::try_from(minute / 20).unwrap()];
        let sent =
            run(&mut State::default(), 100, true, |minute| Situation { bytes: (percent(minute), 100), ..calm() });
        let shown: Vec<_> = sent.iter().map(|(minute, a)| (*minute, &a.data["percent"], &a.data["state"])).collect();
        let [firing, resolved] = [json!("firing"), json!("resolved")];
        let [step70, step85, step95, none] = [70, 85, 95, 0].map(|n| json!(n));
        let expected = [(20, &step70, &firing), (40, &step85, &firing), (60, &step95, &firing), (80, &none, &resolved)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_alert_that_lasts_is_repeated_once_a_day() {
        let sent = run(&mut State::default(), 3 * 24 * 60, true, |_| Situation { bytes: (90, 100), ..calm() });
        assert_eq!(sent.iter().map(|(minute, _)| *minute).collect::<Vec<_>>(), [0, 24 * 60, 48 * 60]);
    }

    #[test]
    fn a_size_that_swings_around_a_step_is_reported_at_most_every_ten_minutes() {
        let swings = |minute| Situation { bytes: (84 + minute % 2, 100), ..calm() };
        let sent = run(&mut State::default(), 600, true, swings);
        assert!(sent.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10));
    }

    #[test]
    fn a_late_sweep_is_reported_once_and_resolved_after_a_while() {
        let mut state = State::default();
        let late = Situation { last_run: Some(NOW - HOUR_MS), ..calm() };
        let [alert] = state.due(&late, NOW).try_into().unwrap();
        assert_eq!((alert.name, &alert.data), (LATE, &json!({"lateSeconds": 3600, "state": "firing"})));
        state.note(&alert, true, NOW);
        let sent = run(&mut state, 60, true, |_| calm());
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].1.data["state"], "resolved");
    }

    #[test]
    fn lost_messages_are_reported_with_the_number_of_new_ones_and_never_repeated() {
        let lost = |minute| Situation { lost: if minute < 30 { 2 } else { 5 }, ..calm() };
        let sent = run(&mut State::default(), 3 * 24 * 60, true, lost);
        let shown: Vec<_> = sent.iter().map(|(minute, alert)| (*minute, alert.data["messages"].as_i64())).collect();
        assert_eq!(shown, [(0, Some(2)), (30, Some(3))]);
    }

    #[test]
    fn a_receiver_that_fails_gets_the_same_id_again_ever_less_often_for_as_long_as_it_matters() {
        let mut state = State::default();
        let sent = run(&mut state, 24 * 60, false, |_| Situation { bytes: (90, 100), ..calm() });
        assert!((20..40).contains(&sent.len()), "{} requests", sent.len());
        assert!(sent.iter().all(|(_, alert)| alert.id == sent[0].1.id));
        assert_eq!(run(&mut state, 60, false, |_| calm()), [], "what passed meanwhile is not reported");
    }

    #[test]
    fn a_late_sweep_that_could_not_be_reported_at_once_is_reported_a_minute_later() {
        let mut state = State::default();
        let late = Situation { last_run: Some(NOW - HOUR_MS), ..calm() };
        let [alert] = state.due(&late, NOW).try_into().unwrap();
        state.note(&alert, false, NOW);
        assert_eq!(state.due(&Situation { last_run: Some(NOW), ..calm() }, NOW + MINUTE_MS).len(), 1);
    }

    #[test]
    fn the_state_survives_its_row() {
        let mut state = State::default();
        run(&mut state, 5, false, |_| Situation { bytes: (90, 100), ..calm() });
        let stored = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&stored).unwrap(), state);
    }
}
