//! What a backup has: every table that cannot be made again from the others, in an order in which a
//! row is read before the rows that it names. So a row that was read names nothing that is missing,
//! because both were written in one transaction. Pure: the statements are in `store/backup.rs`.

use serde::{Deserialize, Serialize};
use trackmate_wire::signature::sha256_hex;

/// A table of a backup.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns by which its rows are ordered; the first one is the company.
    pub key: &'static str,
    /// The columns of a row in a backup, with the key.
    pub columns: &'static str,
}

/// A table by its name, key and columns; names are separated by blanks.
const fn table(name: &'static str, key: &'static str, columns: &'static str) -> Table {
    Table { name, key, columns }
}

/// The tables in the order of a backup. Left out is what the Worker makes again: the words of the
/// search (`profiles.searched` with them), the counted hours, and the places of jobs. Idempotency
/// keys are left out too: they are of one day.
pub const TABLES: &[Table] = &[
    table(
        "attempts",
        "company delivery attempt",
        "company delivery attempt at url status_code success error response_body duration_ms",
    ),
    table(
        "deliveries",
        "company subscription id",
        "company subscription id source message_id event state attempts tries generation due_at \
         created_at finished_at profile settle_marker interrupted attempt_at attempt_status_code \
         attempt_success attempt_duration_ms attempt_url attempt_error attempt_response_body body",
    ),
    table(
        "events",
        "company source message_id",
        "company source message_id session ts type data context revenue request original_at sent_at \
         received_at bot identify_hash sent_by_server",
    ),
    table(
        "incoming",
        "company ring place",
        "company ring place seq at source outcome message_id type code message field data session \
         happened_at sent_by_server",
    ),
    table("memberships", "company session group_id ts", "company session group_id ts"),
    table("records", "company kind id", "company kind id session placed_ts placed_id first_ts last_ts scans fields"),
    table(
        "links",
        "company session at id",
        "company session at id profile events server_events revenue first_ts last_ts origin \
         has_records identifies sent_by_server",
    ),
    table("identities", "company kind key", "company kind key profile created_at origin ended_at public_id"),
    table("merges", "company loser", "company loser winner at source"),
    table("merge_blocks", "company one other", "company one other at"),
    table(
        "rebuilds",
        "company profile",
        "company profile began_at touched_at step last_ts session at id found vanish waits_for \
         notice",
    ),
    table("tags", "company profile name", "company profile name applied_at"),
    table("fields", "company profile name", "company profile name value"),
    table("groups", "company id", "company id kind key first_ts claimed_traits trusted_traits of_pages"),
    table("catalog", "company name", "company name seen last_at source"),
    table("violations", "company event field reason", "company event field reason seen first_at last_at"),
    table("plans", "company", "company mode plan version updated_at"),
    table(
        "exports",
        "company id",
        "company id key_id key_prefix kind format filters fields snapshot after state rows bytes \
         sha256 changed last marks request started_at touched_at ended_at",
    ),
    table(
        "profiles",
        "company id",
        "company id email name traits server_session created_at registered_at registered_id last_ts \
         max_link_span events server_events sessions revenue erased_at trusted_traits opt_ins \
         consent consent_at consent_source trusted_at updated_at revision created_by_identify \
         merged_into trusted_data aliases later_claims",
    ),
    table(
        "subscriptions",
        "company id",
        "company id name url events description headers secret old_secret old_secret_until active \
         disabled_reason releasing preset retry_attempts retry_delay_s timeout_ms created_at \
         success failed failures failing_since last_status last_error last_at sealed rate_limit \
         rate_at trouble open_until probe disable_failures disable_ms released_at settle_marker \
         transition",
    ),
    table("erasures", "company profile", "company profile erased_at completed_at notice place counts"),
    table("tombstones", "company hash", "company hash profile created_at public_id"),
    table("audit", "company id", "company id at actor key_id key_prefix action target request outcome"),
    table(
        "companies",
        "id",
        "id name allowed_origins revenue_events webhooks_enabled created_at log_days verification \
         identity_secret event_days watched_until plan groups_of_pages",
    ),
    table("keys", "company id", "hash company id scope prefix name created_at last_used_at revoked_at plan"),
];

/// The other tables with a company's rows. The Worker makes them again, or can do without them.
pub const DERIVED: &[Table] = &[
    table("search_docs", "company profile", "company profile text"),
    table("search_words", "company word profile", "company word profile"),
    table("event_hours", "company hour", "company hour number counts"),
    table("hour_counts", "company", "company since due_at begun_at round"),
    table("idempotency_keys", "company key", "company key request marker at status answer"),
];

/// The tables whose rows wait for the end of a restore. Nobody can use a company before it has
/// them.
pub const LAST: [&str; 2] = ["companies", "keys"];

/// The tables that the end of a restore walks, in this order: first what people erased during the
/// backup left, then the companies and their keys, with which everybody sees what was restored.
pub const END: [&str; 8] = ["erasures", "profiles", "identities", "tags", "fields", "tombstones", LAST[0], LAST[1]];

/// How far the end of a restore is: the table that it walks, and the key of the last row that is
/// done, a JSON array; for the tables of [`LAST`] the last batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndPlace(pub String, pub Option<String>);

impl EndPlace {
    /// The beginning of a table.
    #[must_use]
    pub fn of(table: &str) -> Self {
        Self(table.to_owned(), None)
    }

    /// The place that a text says; the beginning if it is empty. `None` if the restore is given up.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.is_empty() { END.first().map(|table| Self::of(table)) } else { serde_json::from_str(text).ok() }
    }

    /// The table at this place.
    #[must_use]
    pub fn table(&self) -> Option<&'static Table> {
        END.contains(&self.0.as_str()).then(|| Table::named(&self.0)).flatten()
    }

    /// The beginning of the table after this one; `None` after the last.
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        END.iter().skip_while(|table| **table != self.0).nth(1).map(|table| Self::of(table))
    }

    /// Whether companies may be there already.
    #[must_use]
    pub fn is_public(&self) -> bool {
        LAST.contains(&self.0.as_str())
    }
}

impl Table {
    /// Finds a table by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The table after this one.
    #[must_use]
    pub fn next(&self) -> Option<&'static Self> {
        TABLES.iter().skip_while(|table| table.name != self.name).nth(1)
    }

    /// Whether its rows wait for the end of a restore.
    #[must_use]
    pub fn is_last(&self) -> bool {
        LAST.contains(&self.name)
    }

    /// The place of the company in a row.
    #[must_use]
    pub fn company_column(&self) -> usize {
        self.columns.split(' ').position(|column| column == self.company()).unwrap_or_default()
    }

    /// The name of the company's column.
    #[must_use]
    pub fn company(&self) -> &'static str {
        self.key.split(' ').next().unwrap_or_default()
    }

    /// The number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.split(' ').count()
    }
}

/// A hash of all tables and columns. Two deployments with the same hash can read each other's
/// backups.
#[must_use]
pub fn schema() -> String {
    let texts = TABLES.iter().map(|table| format!("{} {}\n", table.name, table.columns));
    sha256_hex(texts.collect::<String>().as_bytes())
}

/// The companies of a backup: those after the first text, up to the second.
#[must_use]
pub fn range(company: Option<&str>) -> (String, String) {
    let Some(company) = company else { return (String::new(), char::MAX.to_string()) };
    let mut before = company.to_owned();
    // A company's id is of capitals and digits. Before it come its shorter form and what begins
    // with a smaller last letter.
    let last = before.pop().map_or(0, u32::from);
    before.extend(char::from_u32(last.saturating_sub(1)));
    before.push(char::MAX);
    (before, company.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_company_has_no_other_company() {
        let (after, to) = range(Some("TM-SHOP1"));
        for (id, is_in) in [
            ("TM-SHOP1", true),
            ("TM-SHOP", false),
            ("TM-SHOP0", false),
            ("TM-SHOP0Z", false),
            ("TM-SHOP10", false),
            ("TM-SHOP2", false),
        ] {
            assert_eq!(id > after.as_str() && id <= to.as_str(), is_in, "{id}");
        }
        let (after, to) = range(None);
        assert!("TM-A" > after.as_str() && "TM-ZZZZ" <= to.as_str());
    }

    #[test]
    fn every_table_begins_with_its_company_and_is_followed_by_the_next() {
        for (table, next) in TABLES.iter().zip(TABLES.iter().skip(1)) {
            assert!(
                table.key.split(' ').all(|column| table.columns.split(' ').any(|one| one == column)),
                "{}",
                table.name
            );
            assert_eq!(table.next().map(|table| table.name), Some(next.name));
        }
        assert!(Table::named("keys").unwrap().next().is_none());
        assert_eq!(Table::named("keys").unwrap().company_column(), 1);
        assert_eq!(schema().len(), 64);
    }
}
