//! The errors of a command, each with its exit code. Messages never contain a secret.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line is wrong. Nothing was sent.
    Usage(String),
    /// The API rejected the key. `sources` says which key was used.
    NotAuthorised { problem: Problem, sources: String },
    /// The API answered 404.
    NotFound(Problem),
    /// The API rejected the request for another reason.
    Rejected(Problem),
    /// No answer, or not an answer of TrackMate.
    Unreachable(String),
    /// The command ran, and its result is a failure.
    Failed(String),
}

/// A problem that the API returned (`docs/problems.md`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    code: String,
    message: String,
    field: Option<String>,
    request_id: Option<String>,
}

impl Problem {
    /// A problem that this tool found itself.
    pub(crate) fn local(code: &str, message: String) -> Self {
        Self { code: code.to_owned(), message, field: None, request_id: None }
    }
}

impl Error {
    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Rejected(_) => 1,
            Self::Usage(_) => 2,
            Self::NotAuthorised { .. } => 3,
            Self::NotFound(_) => 4,
            Self::Unreachable(_) => 5,
        }
    }

    /// The error as JSON, in the format of the API's problems.
    pub(crate) fn to_json(&self) -> Value {
        let (code, field, request_id) = match self {
            Self::Usage(_) => ("usage", None, None),
            Self::Unreachable(_) => ("unreachable", None, None),
            Self::Failed(_) => ("failed", None, None),
            Self::NotAuthorised { problem: p, .. } | Self::NotFound(p) | Self::Rejected(p) => {
                (p.code.as_str(), p.field.as_ref(), p.request_id.as_ref())
            }
        };
        json!({"success": false, "code": code, "message": self.to_string(), "field": field, "requestId": request_id})
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Unreachable(text) | Self::Failed(text) => f.write_str(text),
            Self::NotAuthorised { problem, sources } => write!(f, "{problem}\n{sources}"),
            Self::NotFound(problem) | Self::Rejected(problem) => problem.fmt(f),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, field, request_id } = self;
        write!(f, "{message} ({code}")?;
        if let Some(field) = field {
            write!(f, ", field {field}")?;
        }
        if let Some(id) = request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}
