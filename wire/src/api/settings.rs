//! `/api/admin/settings`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::present::present;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingsAnswer {
    pub settings: Settings,
    /// How full the deployment's database is, in percent: 85 or 95. Absent below. A full database
    /// refuses events of every company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_full_percent: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    #[serde(rename = "company_id")]
    pub company_id: String,
    pub name: String,
    pub allowed_origins: Option<Box<RawValue>>,
    pub revenue_events: Box<RawValue>,
    pub webhooks_enabled: bool,
    pub log_retention_days: i64,
    pub event_retention_days: Option<i64>,
    pub identity_verification: String,
    /// Whether there is an identity secret.
    pub identity_secret_set: bool,
    /// The identity secret, if this request created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_secret: Option<String>,
    /// Whether the funnel's webhook is on. Its fields have the names that funnels use.
    #[serde(rename = "webhook_enabled")]
    pub funnel_enabled: bool,
    #[serde(rename = "crm_webhook_url")]
    pub funnel_url: Option<String>,
    /// Whether there is a secret; what it is, is not shown again.
    #[serde(rename = "webhook_secret_set")]
    pub funnel_signed: bool,
}

#[derive(Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub event_retention_days: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue_events: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_verification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_identity_secret: Option<bool>,
    #[serde(rename = "webhook_enabled", skip_serializing_if = "Option::is_none")]
    pub funnel_enabled: Option<bool>,
    #[serde(rename = "crm_webhook_url", skip_serializing_if = "Option::is_none")]
    pub funnel_url: Option<String>,
    #[serde(rename = "webhook_secret", default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub funnel_secret: Option<Option<String>>,
}
