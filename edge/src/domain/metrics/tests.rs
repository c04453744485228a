//! The output for Prometheus, in both forms.

use super::*;

fn deployment() -> Deployment<'static> {
    let mut counts = Counts::new();
    add(&mut counts, &EVENTS, &["browser", "stored"], 40);
    add(&mut counts, &EVENTS, &["browser", "stored"], 2);
    add(&mut counts, &EVENTS, &["server", "duplicate"], 0);
    add(&mut counts, &REJECTED, &["server", "invalid_field"], 3);
    add(&mut counts, &TRIPS, &[], 7);
    let measured = Measured { pending: 5, held: 9, circuits: 1, oldest_due: Some(58_500), ..Measured::default() };
    let gauges = Gauges { at: 60_000, took_ms: 250, measured, exact: true, bytes: 0 };
    Deployment { version: "1.2.3", schema: 14, bytes: (1000, 10_000_000_000), gauges: Some(gauges), counts }
}

#[test]
fn openmetrics_names_a_counter_without_total_and_ends_with_eof() {
    let text = deployment().text(Format::OpenMetrics);
    for line in [
        "trackmate_build_info{version=\"1.2.3\",schema=\"14\"} 1",
        "trackmate_database_size_limit_bytes 10000000000",
        "trackmate_deliveries{state=\"held\"} 9",
        "trackmate_delivery_oldest_due_age_seconds 1.5",
        "trackmate_sweep_last_run_timestamp_seconds 60",
        "trackmate_sweep_duration_seconds 0.25",
        "# TYPE trackmate_events counter",
        "trackmate_events_total{source=\"browser\",outcome=\"stored\"} 42",
        "trackmate_items_rejected_total{source=\"server\",code=\"invalid_field\"} 3",
        "trackmate_d1_round_trips_total 7",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("\n# EOF\n"));
}

#[test]
fn the_text_format_names_a_counter_with_total_and_has_no_end() {
    let text = deployment().text(Format::Text);
    assert!(text.contains("# TYPE trackmate_events_total counter\n"));
    assert!(!text.contains("# EOF"));
}

#[test]
fn a_family_without_counts_and_gauges_that_were_never_measured_are_left_out() {
    let deployment = Deployment { gauges: None, counts: Counts::new(), ..deployment() };
    let text = deployment.text(Format::Text);
    assert!(text.contains("trackmate_database_size_bytes 1000\n"));
    assert!(!text.contains("_total") && !text.contains("sweep") && !text.contains("duplicate"));
}

#[test]
fn a_key_of_another_form_is_no_sample() {
    let keys = ["events", "events:browser", "events:browser:stored:more", "eventsx:browser:stored", "unknown:1"];
    let counts = keys.map(|key| (key.to_owned(), 1)).into();
    let text = Deployment { gauges: None, counts, ..deployment() }.text(Format::Text);
    assert!(!text.contains("_total"), "{text}");
}

#[test]
fn a_delivery_that_is_due_later_has_no_age() {
    let measured = Measured { oldest_due: Some(90_000), ..Measured::default() };
    let gauges = Some(Gauges { at: 60_000, measured, ..Gauges::default() });
    let text = Deployment { gauges, ..deployment() }.text(Format::Text);
    assert!(text.contains("trackmate_delivery_oldest_due_age_seconds 0\n"));
}

#[test]
fn the_form_follows_what_the_client_accepts() {
    let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,*/*";
    assert_eq!(Format::accepted(Some(prometheus)), Format::OpenMetrics);
    assert_eq!([Format::accepted(Some("*/*")), Format::accepted(None)], [Format::Text; 2]);
}
