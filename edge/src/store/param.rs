//! Statements and their parameters.

use std::borrow::Cow;

use serde_json::Value;
use trackmate_wire::limits::LIST_BYTES_MAX;
use wasm_bindgen::JsValue;
use worker::D1Database;

use crate::domain::source::Source;

/// A bound parameter. D1 takes every number as a float; a column declared as integer stores it as
/// an integer.
#[derive(Debug, Clone, Copy)]
pub enum Param<'a> {
    /// A text.
    Text(&'a str),
    /// An integer below 2⁵³.
    Int(i64),
    /// No value.
    Null,
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Param<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<Source> for Param<'_> {
    fn from(source: Source) -> Self {
        Self::Int(source.number())
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<Param<'_>> for JsValue {
    fn from(param: Param<'_>) -> Self {
        match param {
            Param::Text(text) => Self::from_str(text),
            #[allow(clippy::cast_precision_loss, reason = "integers here are below 2^53")]
            Param::Int(n) => Self::from_f64(n as f64),
            Param::Null => Self::NULL,
        }
    }
}

impl From<Param<'_>> for Value {
    fn from(param: Param<'_>) -> Self {
        match param {
            Param::Text(text) => Self::from(text),
            Param::Int(n) => Self::from(n),
            Param::Null => Self::Null,
        }
    }
}

/// A statement with its parameters that is not bound to a database yet. So a batch can be built and
/// tested without a database.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its text.
    pub sql: &'static str,
    /// Texts, integers and nulls.
    pub params: Vec<Value>,
}

impl Statement {
    /// A statement with its parameters, which are a JSON array.
    #[must_use]
    pub fn new(sql: &'static str, params: Value) -> Self {
        let params = if let Value::Array(params) = params { params } else { vec![params] };
        Self { sql, params }
    }
}

/// A statement with the values of its parameters, which any cell can run.
#[derive(Debug, Clone)]
pub struct Bound {
    sql: Cow<'static, str>,
    values: Vec<JsValue>,
}

impl Bound {
    /// A statement with its parameters. Hundreds of functions call it, so it must not be a part of
    /// each.
    #[inline(never)]
    pub(super) fn new(sql: Cow<'static, str>, params: &[Param<'_>]) -> Self {
        Self { sql, values: params.iter().map(|param| (*param).into()).collect() }
    }

    /// A statement with its parameters: texts, integers and nulls.
    pub(super) fn of_values(sql: impl Into<Cow<'static, str>>, params: &[Value]) -> Self {
        let value = |value: &Value| match value {
            Value::String(text) => JsValue::from_str(text),
            Value::Number(n) => n.as_f64().map_or(JsValue::NULL, JsValue::from_f64),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => JsValue::NULL,
        };
        Self { sql: sql.into(), values: params.iter().map(value).collect() }
    }

    /// Prepares the statement in a database.
    pub(super) fn prepare(&self, d1: &D1Database) -> worker::Result<JsValue> {
        Ok(d1.prepare(&*self.sql).bind(&self.values)?.inner().into())
    }
}

impl From<&Statement> for Bound {
    fn from(statement: &Statement) -> Self {
        Self::of_values(statement.sql, &statement.params)
    }
}

/// The most bytes of a page, as a parameter.
#[must_use]
pub fn list_bytes<'a>() -> Param<'a> {
    i64::try_from(LIST_BYTES_MAX).unwrap_or(i64::MAX).into()
}
