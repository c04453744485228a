//! A deployment's own measurements: `GET /metrics` in Prometheus' text format.

use std::time::Duration;

use crate::api::agent;

const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// The metrics of one scrape.
pub(super) struct Metrics(String);

impl Metrics {
    /// Asks for the metrics. `None` if they are not answered.
    pub(super) fn scrape(url: &str, operator_key: &str) -> Option<Self> {
        let request = agent(TIMEOUT).get(format!("{}/metrics", url.trim_end_matches('/')));
        let mut response = request.header("authorization", format!("Bearer {operator_key}")).call().ok()?;
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().ok()?;
        (response.status().as_u16() == 200).then_some(Self(text))
    }

    /// The value of a metric without labels.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        let lines = self.0.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(found, _)| *found == name).find_map(|(_, value)| value.split(' ').next()?.parse().ok())
    }

    /// A number of things that were counted. One that was never counted is 0.
    pub(super) fn count(&self, name: &str) -> f64 {
        self.value(name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let metrics = Metrics("# TYPE a gauge\na_b{state=\"x\"} 1\na 2.5 1700000000\nb_total 3\n# EOF\n".into());
        assert_eq!(metrics.value("a"), Some(2.5));
        assert_eq!(metrics.value("a_b"), None);
        assert!((metrics.count("b_total") - 3.0).abs() < f64::EPSILON && metrics.count("c_total").abs() < f64::EPSILON);
    }
}
