//! The metrics of a deployment: what isolates count, what the sweep measures, and how both are
//! written for Prometheus. No metric has the name of a company or a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Counts by family and labels, as isolates collect them and the database adds them up. A key is
/// the family and the values of its labels, joined by `:`.
pub type Counts = BTreeMap<String, u64>;

/// Something that isolates count.
#[derive(Debug)]
pub struct Family {
    /// The first part of its keys.
    key: &'static str,
    /// The name of the metric, without `_total`.
    name: &'static str,
    /// The names of its labels.
    labels: &'static [&'static str],
    /// What it counts.
    help: &'static str,
}

impl Family {
    /// The count of a family without labels.
    #[must_use]
    pub fn count(&self, counts: &Counts) -> u64 {
        counts.get(self.key).copied().unwrap_or_default()
    }
}

/// Events that were stored or known already.
pub const EVENTS: Family = Family {
    key: "events",
    name: "trackmate_events",
    labels: &["source", "outcome"],
    help: "Events that were stored, or that were duplicates.",
};
/// Items and requests that were rejected.
pub const REJECTED: Family = Family {
    key: "rejected",
    name: "trackmate_items_rejected",
    labels: &["source", "code"],
    help: "Events and identifies that were rejected, by problem code.",
};
/// Requests that failed.
pub const PROBLEMS: Family = Family {
    key: "problems",
    name: "trackmate_problems",
    labels: &["code"],
    help: "Answers of all routes that were a problem, by code.",
};
/// Attempts at deliveries.
pub const ATTEMPTS: Family = Family {
    key: "attempts",
    name: "trackmate_delivery_attempts",
    labels: &["state"],
    help: "Attempts at deliveries, by the state that followed; pending is a retry.",
};
/// Messages that were sent to the outage buffer.
pub const BUFFERED: Family = Family {
    key: "buffered",
    name: "trackmate_outage_buffer_messages",
    labels: &[],
    help: "Messages that were put into the outage buffer.",
};
/// Messages of the outage buffer that were stored or rejected.
pub const DRAINED: Family = Family {
    key: "drained",
    name: "trackmate_outage_buffer_drained_messages",
    labels: &[],
    help: "Messages of the outage buffer that were stored or rejected.",
};
/// Messages of the outage buffer that were given up.
pub const LOST: Family = Family {
    key: "lost",
    name: "trackmate_outage_buffer_lost_messages",
    labels: &[],
    help: "Messages of the outage buffer that were given up and sent to the last queue.",
};
/// Round trips to D1.
pub const TRIPS: Family =
    Family { key: "trips", name: "trackmate_d1_round_trips", labels: &[], help: "Round trips to D1." };
/// Rows that D1 read.
pub const ROWS_READ: Family = Family {
    key: "rows_read",
    name: "trackmate_d1_rows_read",
    labels: &[],
    help: "Rows that D1 read; counted only where DEV_SHOW_COST is set.",
};
/// Rows that D1 wrote.
pub const ROWS_WRITTEN: Family = Family {
    key: "rows_written",
    name: "trackmate_d1_rows_written",
    labels: &[],
    help: "Rows that D1 wrote; counted only where DEV_SHOW_COST is set.",
};

/// All families, in the order of the output.
const FAMILIES: [Family; 10] =
    [EVENTS, REJECTED, PROBLEMS, ATTEMPTS, BUFFERED, DRAINED, LOST, TRIPS, ROWS_READ, ROWS_WRITTEN];

/// Adds to a count. `labels` are the values of the family's labels.
pub fn add(counts: &mut Counts, family: &Family, labels: &[&str], n: u64) {
    if n > 0 {
        let key = std::iter::once(&family.key).chain(labels).copied().collect::<Vec<_>>().join(":");
        *counts.entry(key).or_default() += n;
    }
}

/// What one statement measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Deliveries that wait for an attempt.
    pub pending: i64,
    /// Deliveries under way.
    pub leased: i64,
    /// Deliveries whose webhook takes none.
    pub held: i64,
    /// Webhooks with an open circuit.
    pub circuits: i64,
    /// Webhooks with a circuit that is open or with a rate limit, which were examined for it.
    pub paced: i64,
    /// Webhooks with open deliveries.
    pub webhooks: i64,
    /// When the delivery that waits longest was due, ms.
    pub oldest_due: Option<i64>,
}

impl Measured {
    /// The gauges of two cells.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let oldest = [self.oldest_due, other.oldest_due].into_iter().flatten().min();
        Self {
            pending: self.pending + other.pending,
            leased: self.leased + other.leased,
            held: self.held + other.held,
            circuits: self.circuits + other.circuits,
            paced: self.paced + other.paced,
            webhooks: self.webhooks + other.webhooks,
            oldest_due: oldest,
        }
    }
}

/// The gauges of the last run of the sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gauges {
    /// When the run began, ms.
    pub at: i64,
    /// How long it took, ms.
    pub took_ms: i64,
    /// What it measured.
    pub measured: Measured,
    /// Whether the counts are exact. If not, there are at least as many.
    pub exact: bool,
    /// Bytes of the database.
    pub bytes: i64,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// The older text format of Prometheus.
    Text,
}

impl Format {
    /// The form that this `Accept` prefers.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        let wants = accept.is_some_and(|types| types.contains("application/openmetrics-text"));
        if wants { Self::OpenMetrics } else { Self::Text }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The deployment, as its metrics show it.
#[derive(Debug)]
pub struct Deployment<'a> {
    /// The version of the Worker.
    pub version: &'a str,
    /// The schema that it needs.
    pub schema: u32,
    /// Bytes of the database, and those that it may have.
    pub bytes: (i64, i64),
    /// The gauges of the last run of the sweep; `None` before the first one.
    pub gauges: Option<Gauges>,
    /// The sums of what isolates counted.
    pub counts: Counts,
}

impl Deployment<'_> {
    /// All metrics.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        let mut out = Output { text: String::new(), format };
        let build = format!("{{version=\"{}\",schema=\"{}\"}}", self.version, self.schema);
        out.gauge("trackmate_build_info", "The deployed version and the schema that it needs.", [(build, 1.0)]);
        out.gauge("trackmate_database_size_bytes", "Bytes of the database.", [one(self.bytes.0)]);
        out.gauge("trackmate_database_size_limit_bytes", "Bytes that the database may have.", [one(self.bytes.1)]);
        if let Some(gauges) = &self.gauges {
            out.gauges(gauges);
        }
        for family in &FAMILIES {
            out.counter(family, &self.counts);
        }
        if format == Format::OpenMetrics {
            out.text.push_str("# EOF\n");
        }
        out.text
    }
}

/// A sample without labels.
fn one(value: i64) -> (String, f64) {
    #[allow(clippy::cast_precision_loss, reason = "integers here are below 2^53")]
    (String::new(), value as f64)
}

fn seconds(ms: i64) -> (String, f64) {
    let (labels, ms) = one(ms);
    (labels, ms / 1000.0)
}

struct Output {
    text: String,
    format: Format,
}

impl Output {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn gauge<const N: usize>(&mut self, name: &str, help: &str, samples: [(String, f64); N]) {
        self.head(name, "gauge", help);
        for (labels, value) in samples {
            let _ = writeln!(self.text, "{name}{labels} {value}");
        }
    }

    fn gauges(&mut self, gauges: &Gauges) {
        let Measured { pending, leased, held, circuits, oldest_due, .. } = gauges.measured;
        let state = |state: &str, n| (format!("{{state=\"{state}\"}}"), one(n).1);
        self.gauge(
            "trackmate_deliveries",
            "Deliveries that have not ended, by state.",
            [state("pending", pending), state("leased", leased), state("held", held)],
        );
        let age = oldest_due.map_or(0, |due| (gauges.at - due).max(0));
        self.gauge(
            "trackmate_delivery_oldest_due_age_seconds",
            "How long the delivery that waits longest has been due.",
            [seconds(age)],
        );
        self.gauge("trackmate_webhook_circuits_open", "Webhooks with an open circuit.", [one(circuits)]);
        self.gauge(
            "trackmate_gauges_exact",
            "1 if the gauges of the sweep are exact, 0 if there are at least as many.",
            [one(i64::from(gauges.exact))],
        );
        self.gauge(
            "trackmate_sweep_last_run_timestamp_seconds",
            "When the last run of the sweep began; its gauges are of then.",
            [seconds(gauges.at)],
        );
        self.gauge("trackmate_sweep_duration_seconds", "How long that run took.", [seconds(gauges.took_ms)]);
    }

    fn counter(&mut self, family: &Family, counts: &Counts) {
        let values = |key: &str| {
            let values: Vec<String> = key.strip_prefix(family.key)?.split(':').skip(1).map(str::to_owned).collect();
            (key.split(':').next() == Some(family.key) && values.len() == family.labels.len()).then_some(values)
        };
        let mut samples = counts.iter().filter_map(|(key, n)| Some((values(key)?, n))).peekable();
        if samples.peek().is_none() {
            return;
        }
        let total = format!("{}_total", family.name);
        match self.format {
            Format::OpenMetrics => self.head(family.name, "counter", family.help),
            Format::Text => self.head(&total, "counter", family.help),
        }
        for (values, n) in samples {
            let pairs = family.labels.iter().zip(values).map(|(name, value)| format!("{name}=\"{value}\""));
            let pairs = pairs.collect::<Vec<_>>().join(",");
            let labels = if pairs.is_empty() { pairs } else { format!("{{{pairs}}}") };
            let _ = writeln!(self.text, "{total}{labels} {n}");
        }
    }
}

#[cfg(test)]
mod tests;
