//! Formats webhooks and deliveries for the terminal, in the layout of the project's first manager,
//! which people know. Pure: the time zone is an argument.

use std::fmt::{Display, Write};

use chrono::{DateTime, TimeZone};
use trackmate_wire::api::{DeliveryList, Pagination, TestAnswer, Webhook, WebhookStats};

const RULE_CHARS: usize = 60;
const ALL_OFF: &str = "All webhooks are switched off (to switch on: trackmate webhooks enable)\n\n";

/// A webhook with its new secret.
pub(super) fn with_secret(done: &str, webhook: &Webhook) -> String {
    let mut text = format!("{done} {}\n", webhook.name);
    field(&mut text, "ID", &webhook.id);
    field(&mut text, "URL", &webhook.url);
    field(&mut text, "Events", webhook.events.join(", "));
    if let Some(secret) = &webhook.secret {
        field(&mut text, "Secret", secret);
        text.push_str("\nStore the secret: it is not shown again.");
    }
    text
}

pub(super) fn list<Z: TimeZone>(webhooks: &[Webhook], all_on: bool, zone: &Z) -> String
where
    Z::Offset: Display,
{
    let mut text = heading("Configured Webhooks:", all_on);
    if webhooks.is_empty() {
        text.push_str("None yet. Add one: trackmate webhooks add URL NAME");
    }
    for (number, webhook) in (1..).zip(webhooks) {
        let WebhookStats { success, failed, held, last_status, last_error, last_delivery_at } = &webhook.stats;
        let _ = writeln!(text, "{number}. {} {}", webhook.name, mark(webhook.active));
        field(&mut text, "ID", &webhook.id);
        field(&mut text, "URL", &webhook.url);
        field(&mut text, "Events", webhook.events.join(", "));
        optional(&mut text, "Description", webhook.description.as_ref());
        optional(&mut text, "Preset", webhook.preset.as_ref());
        optional(&mut text, "Rate Limit", webhook.rate_limit.map(|n| format!("{n} per second")));
        let headers = webhook.headers.iter().map(|(name, mask)| format!("{name}: {mask}")).collect::<Vec<_>>();
        optional(&mut text, "Headers", (!headers.is_empty()).then(|| headers.join(", ")));
        field(&mut text, "Success", success);
        field(&mut text, "Failures", failed);
        optional(&mut text, "Held", (*held > 0).then_some(held));
        let probe = webhook.circuit.next_probe_at.as_deref();
        optional(&mut text, "Circuit", probe.map(|at| format!("open, next probe {}", time(Some(at), zone))));
        optional(&mut text, "Last Status", last_status.as_ref());
        optional(&mut text, "Last Error", last_error.as_ref());
        optional(&mut text, "Disabled", webhook.disabled_reason.as_ref());
        field(&mut text, "Last Triggered", time(last_delivery_at.as_deref(), zone));
        text.push('\n');
    }
    text.trim_end().to_owned()
}

pub(super) fn stats<Z: TimeZone>(webhooks: &[Webhook], all_on: bool, zone: &Z) -> String
where
    Z::Offset: Display,
{
    let titles = ["Name", "", "Success", "Failures", "Held", "Rate", "Last Status", "Last Triggered"];
    let mut rows = vec![titles.map(String::from)];
    let mut total = WebhookStats::default();
    for Webhook { name, active, stats, .. } in webhooks {
        total.success += stats.success;
        total.failed += stats.failed;
        total.held += stats.held;
        let last_status = stats.last_status.map_or_else(|| "-".into(), |status| status.to_string());
        let triggered = time(stats.last_delivery_at.as_deref(), zone);
        rows.push(counts(name, mark(*active), stats, last_status, triggered));
    }
    rows.push(counts("Total", "", &total, String::new(), String::new()));
    heading("Webhook Statistics:", all_on) + &table(&rows, &[2, 3, 4, 5, 6])
}

fn counts(name: &str, mark: &str, stats: &WebhookStats, last_status: String, triggered: String) -> [String; 8] {
    let [success, failed, held] = [stats.success, stats.failed, stats.held].map(|count| count.to_string());
    [name.into(), mark.into(), success, failed, held, rate(stats), last_status, triggered]
}

/// The share of successes in percent, with one decimal, rounded down: 100 only if nothing failed.
fn rate(stats: &WebhookStats) -> String {
    match (stats.success.saturating_mul(1000)).checked_div(stats.success.saturating_add(stats.failed)) {
        Some(permille) => format!("{}.{} %", permille / 10, permille % 10),
        None => "-".into(),
    }
}

pub(super) fn tested(tested: &TestAnswer) -> String {
    let TestAnswer { delivered, status_code, error, response_body, duration_ms, .. } = tested;
    let mut text = format!("Test delivery {}\n", if *delivered { "accepted ✓" } else { "not accepted ✗" });
    optional(&mut text, "Status", status_code.as_ref());
    optional(&mut text, "Error", error.as_ref());
    field(&mut text, "Duration", format!("{duration_ms} ms"));
    optional(&mut text, "Response", response_body.as_ref().filter(|body| !body.is_empty()));
    text.trim_end().to_owned()
}

pub(super) fn deliveries<Z: TimeZone>(page: &DeliveryList, zone: &Z) -> String
where
    Z::Offset: Display,
{
    if page.deliveries.is_empty() {
        return "No deliveries.".into();
    }
    let mut rows = vec![["ID", "Created", "Event", "Status", "Attempts", "Last response"].map(String::from)];
    for delivery in &page.deliveries {
        let last = delivery.attempts.last().map_or_else(
            || "-".into(),
            |last| match (last.status_code, &last.error) {
                (Some(status), _) => status.to_string(),
                (None, Some(error)) => error.clone(),
                (None, None) => "-".into(),
            },
        );
        let created = time(Some(&delivery.created_at), zone);
        let (id, event, status) = (delivery.id.clone(), delivery.event.clone(), delivery.status.clone());
        rows.push([id, created, event, status, delivery.attempts_made.to_string(), last]);
    }
    table(&rows, &[4]) + &more(&page.pagination)
}

/// The option that shows the next page, if there is one.
pub(crate) fn more(pagination: &Pagination) -> String {
    pagination.next_cursor.as_ref().map_or_else(String::new, |cursor| format!("\n\nMore: --cursor {cursor}"))
}

fn heading(title: &str, all_on: bool) -> String {
    format!("{title}\n{}\n\n{}", "━".repeat(RULE_CHARS), if all_on { "" } else { ALL_OFF })
}

fn mark(active: bool) -> &'static str {
    if active { "✓" } else { "✗" }
}

/// Appends `   Name:           value`, with the values aligned.
pub(crate) fn field(text: &mut String, name: &str, value: impl Display) {
    let _ = writeln!(text, "   {:<15} {value}", format!("{name}:"));
}

pub(crate) fn optional(text: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        field(text, name, value);
    }
}

/// `11/30/2025, 2:15:22 PM`. A text that is not a time is shown unchanged.
pub(crate) fn time<Z: TimeZone>(iso: Option<&str>, zone: &Z) -> String
where
    Z::Offset: Display,
{
    let Some(iso) = iso else { return "Never".into() };
    DateTime::parse_from_rfc3339(iso)
        .map_or_else(|_| iso.into(), |time| time.with_timezone(zone).format("%-m/%-d/%Y, %-I:%M:%S %p").to_string())
}

/// Formats rows as a table, with two spaces between columns. The columns in `right` are
/// right-aligned.
pub(crate) fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn webhook(name: &str, active: bool, stats: WebhookStats) -> Webhook {
        Webhook {
            id: "1701234567890".into(),
            name: name.into(),
            url: "https://api.example.com/webhook".into(),
            events: vec!["match".into(), "upload".into()],
            active,
            stats,
            ..Webhook::default()
        }
    }

    fn some() -> WebhookStats {
        let last_delivery_at = Some("2025-11-30T14:15:22.000Z".into());
        WebhookStats { success: 127, failed: 3, last_delivery_at, ..WebhookStats::default() }
    }

    #[test]
    fn the_list_has_the_layout_of_the_first_manager() {
        let rule = "━".repeat(60);
        let webhooks = [webhook("My App", true, some()), webhook("Backup App", false, WebhookStats::default())];
        assert_eq!(
            list(&webhooks, true, &Utc),
            format!(
                "Configured Webhooks:
{rule}

1. My App ✓
   ID:             1701234567890
   URL:            https://api.example.com/webhook
   Events:         match, upload
   Success:        127
   Failures:       3
   Last Triggered: 11/30/2025, 2:15:22 PM

2. Backup App ✗
   ID:             1701234567890
   URL:            https://api.example.com/webhook
   Events:         match, upload
   Success:        0
   Failures:       0
   Last Triggered: Never"
            )
        );
    }

    #[test]
    fn the_list_shows_optional_fields_that_are_set() {
        let mut odd = webhook("Odd", false, WebhookStats { held: 4, last_error: Some("timeout".into()), ..some() });
        odd.headers.insert("Authorization".into(), "***".into());
        odd.disabled_reason = Some("the receiver answered 410".into());
        let text = list(&[odd], false, &Utc);
        assert!(text.contains("All webhooks are switched off"), "{text}");
        for line in ["Headers:        Authorization: ***", "Held:           4", "Last Error:     timeout"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.contains("Disabled:       the receiver answered 410"), "{text}");
        assert!(list(&[], true, &Utc).ends_with("Add one: trackmate webhooks add URL NAME"));
    }

    #[test]
    fn statistics_are_a_table_with_totals() {
        let webhooks = [
            webhook("My App", true, some()),
            webhook("é", false, WebhookStats { failed: 2, ..WebhookStats::default() }),
        ];
        let text = stats(&webhooks, true, &Utc);
        let lines: Vec<&str> = text.lines().skip(3).collect();
        assert_eq!(
            lines,
            [
                "Name       Success  Failures  Held    Rate  Last Status  Last Triggered",
                "My App  ✓      127         3     0  97.6 %            -  11/30/2025, 2:15:22 PM",
                "é       ✗        0         2     0   0.0 %            -  Never",
                "Total          127         5     0  96.2 %",
            ]
        );
    }

    #[test]
    fn a_rate_is_100_percent_only_if_nothing_failed() {
        let rate_of = |success, failed| rate(&WebhookStats { success, failed, ..WebhookStats::default() });
        assert_eq!([rate_of(0, 0), rate_of(5, 0), rate_of(9999, 1)], ["-", "100.0 %", "99.9 %"]);
    }
}
