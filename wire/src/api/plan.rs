//! `/api/admin/plan`: a company's tracking plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanAnswer {
    pub plan: CurrentPlan,
    pub violations: Vec<ViolationCount>,
}

/// A plan as it is shown.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CurrentPlan {
    pub mode: String,
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, Value>"))]
    pub events: BTreeMap<String, PlanSchema>,
    pub additional_events: bool,
    pub updated_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ViolationCount {
    pub event: String,
    pub field: String,
    pub reason: String,
    pub count: i64,
    pub first_at: String,
    pub last_at: String,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InferredPlan {
    pub plan: Plan,
    /// Events that were looked at.
    pub sampled: usize,
}

/// A plan as it is shown.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, Value>"))]
    pub events: BTreeMap<String, PlanSchema>,
    pub additional_events: bool,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanChecked {
    pub checked: usize,
    pub refused: Vec<PlanRefused>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlanRefused {
    pub index: usize,
    pub event_type: String,
    pub violations: Vec<Violation>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Violation {
    pub field: String,
    pub reason: String,
    pub message: String,
}

/// The form of a value. What is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanSchema {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub types: Option<PlanTypes>,
    /// Fields that must be there, and not null.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub required: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PlanSchema>,
    /// Whether there may be fields beside `properties`; true where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<bool>,
}

/// One type or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PlanTypes {
    /// This one.
    One(PlanType),
    /// Any of these.
    Any(BTreeSet<PlanType>),
}

impl PlanTypes {
    #[must_use]
    pub fn has(&self, kind: PlanType) -> bool {
        match self {
            Self::One(one) => *one == kind,
            Self::Any(types) => types.contains(&kind),
        }
    }
}

impl fmt::Display for PlanTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => f.write_str(one.as_str()),
            Self::Any(types) => f.write_str(&types.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" or ")),
        }
    }
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PlanType {
    /// A text.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// An object.
    Object,
    /// A list.
    Array,
}

impl PlanType {
    /// The type of a value. `None` for null.
    #[must_use]
    pub const fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::String(_) => Self::String,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
        })
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}
