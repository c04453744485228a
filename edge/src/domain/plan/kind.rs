//! The types of values in a tracking plan, and the modes of a plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What becomes of an event that violates the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlanMode"))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is looked at.
    Off,
    /// It is stored and counted.
    Report,
    /// It is refused.
    Reject,
}

impl Mode {
    /// The mode's name in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Reject => "reject",
        }
    }
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlanType"))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
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

impl Kind {
    /// The type of a value. `None` for null.
    pub(super) const fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::String(_) => Self::String,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
        })
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}

/// One type or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlanTypes"))]
#[serde(untagged)]
pub enum Kinds {
    /// This one.
    One(Kind),
    /// Any of these.
    Any(BTreeSet<Kind>),
}

impl Kinds {
    pub(super) fn has(&self, kind: Kind) -> bool {
        match self {
            Self::One(one) => *one == kind,
            Self::Any(kinds) => kinds.contains(&kind),
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::One(one) => one.as_str().to_owned(),
            Self::Any(kinds) => kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or "),
        }
    }
}
