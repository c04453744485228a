//! The tools: the API's reads, as `build.rs` took them from the OpenAPI document. Makes the path
//! and the query of a call, and does no I/O.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::encoded;
use crate::error::Error;

/// All tools.
#[derive(Deserialize)]
pub(super) struct Tools {
    /// The paths of all reads, the ones that are no tools too.
    paths: Vec<String>,
    operations: Vec<Operation>,
}

/// One read of the API.
#[derive(Deserialize)]
pub(super) struct Operation {
    /// With `{parameters}`.
    path: String,
    /// As `tools/list` shows it.
    tool: Value,
}

/// What a call requests from the API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ApiRequest {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
}

impl Tools {
    pub(super) fn load() -> Result<Self, Error> {
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/tools.json")))
            .map_err(|error| Error::Failed(format!("could not read the list of tools: {error}")))
    }

    /// The tools as `tools/list` shows them.
    pub(super) fn list(&self) -> Vec<&Value> {
        self.operations.iter().map(|operation| &operation.tool).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.tool.get("name").is_some_and(|own| own == name))
    }

    /// The request of a call with these arguments, or why there is none. The API checks the values.
    pub(super) fn call(&self, operation: &Operation, arguments: &Map<String, Value>) -> Result<ApiRequest, String> {
        let properties = operation.tool.pointer("/inputSchema/properties").and_then(Value::as_object);
        let known = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect::<Vec<_>>();
        if let Some(name) = arguments.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("there is no argument {name:?}. Known arguments: {}", known.join(", ")));
        }
        let path = self.path(&operation.path, arguments)?;
        let mut query = Vec::new();
        for (name, value) in arguments.iter().filter(|(name, _)| !operation.path.contains(&format!("{{{name}}}"))) {
            add(&mut query, name, value)?;
        }
        Ok(ApiRequest { path, query })
    }

    /// The path with the values of its parameters. It is never the path of another operation.
    fn path(&self, template: &str, arguments: &Map<String, Value>) -> Result<String, String> {
        let segments = template.split('/').map(|segment| match parameter(segment) {
            None => Ok(segment.to_owned()),
            Some(name) => match arguments.get(name) {
                None | Some(Value::Null) => Err(format!("the argument {name} is missing")),
                // An URL's parser removes segments of dots, encoded or not.
                Some(Value::String(value)) if !matches!(value.as_str(), "" | "." | "..") => Ok(encoded(value)),
                Some(_) => Err(format!("the argument {name} must be an id")),
            },
        });
        let path = segments.collect::<Result<Vec<_>, _>>()?.join("/");
        match self.paths.iter().find(|other| is_shadowed(&path, template, other)) {
            Some(_) => Err(format!("{path} is not the path of such an id")),
            None => Ok(path),
        }
    }
}

/// The name of a `{parameter}`.
fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Whether the filled template is the path of another operation, one with a fixed word in the place
/// of a parameter: `/events/stream` is no event's path.
fn is_shadowed(path: &str, template: &str, other: &str) -> bool {
    let matches = |(segment, other): (&str, &str)| segment == other || parameter(other).is_some();
    let is_fixed = |(own, other): (&str, &str)| parameter(own).is_some() && parameter(other).is_none();
    path.split('/').count() == other.split('/').count()
        && path.split('/').zip(other.split('/')).all(matches)
        && template.split('/').zip(other.split('/')).any(is_fixed)
}

/// Adds an argument to the query: the values of a list under one name, those of an object as
/// `name[key]`.
fn add(query: &mut Vec<(String, String)>, name: &str, value: &Value) -> Result<(), String> {
    let mut add_one = |name: String, value: &Value| {
        let value = match value {
            Value::Null => return Ok(()),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(format!("the argument {name} has a value of a wrong type"));
            }
        };
        query.push((name, value));
        Ok(())
    };
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| add_one(name.to_owned(), value)),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| add_one(format!("{name}[{key}]"), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => add_one(name.to_owned(), value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, arguments: Value) -> Result<ApiRequest, String> {
        let tools = Tools::load().unwrap();
        tools.call(tools.find(name).unwrap(), arguments.as_object().unwrap())
    }

    #[test]
    fn there_is_a_tool_for_each_read_except_exports_and_the_stream() {
        let tools = Tools::load().unwrap();
        let all = ["listUsers", "getUser", "getTimeline", "listWebhooks", "listDeliveries", "getStats", "listExports"];
        assert!(all.iter().all(|name| tools.find(name).is_some()));
        let none =
            ["exportUsers", "exportEvents", "exportUser", "streamIncoming", "eraseUser", "listCompanies", "health"];
        assert!(none.iter().all(|name| tools.find(name).is_none()));
        assert!(!tools.list().iter().any(|tool| tool.to_string().contains("$ref")));
    }

    #[test]
    fn arguments_go_into_the_path_and_the_query() {
        let arguments = json!({"id": "a/b?c=d#e%", "include": "booking,order", "includeBookings": true});
        let ApiRequest { path, query } = call("getUser", arguments).unwrap();
        assert_eq!(path, "/api/admin/users/a%2Fb%3Fc%3Dd%23e%25");
        assert_eq!(
            query,
            [("include", "booking,order"), ("includeBookings", "true")].map(|(n, v)| (n.into(), v.into()))
        );
        let arguments = json!({"hasTag": ["a", "b"], "customField": {"plan": "x&y"}, "limit": 5, "cursor": null});
        let expected = [("customField[plan]", "x&y"), ("hasTag", "a"), ("hasTag", "b"), ("limit", "5")];
        assert_eq!(call("listUsers", arguments).unwrap().query, expected.map(|(n, v)| (n.into(), v.into())));
    }

    #[test]
    fn no_argument_reaches_the_path_of_another_operation() {
        for id in ["", ".", ".."] {
            assert!(call("getUser", json!({"id": id})).is_err(), "{id:?}");
        }
        for word in ["stream", "rejected", "catalog"] {
            assert!(call("getReceipt", json!({"messageId": word})).is_err(), "{word:?}");
        }
        assert!(call("getReceipt", json!({"messageId": "order-77"})).is_ok());
        assert!(call("listRejected", json!({})).is_ok());
        for id in ["../webhooks", "x/../../operator/companies", "..%2f..", "http://evil.example/", "@evil.example"] {
            let path = call("getUser", json!({"id": id})).unwrap().path;
            assert_eq!(path.strip_prefix("/api/admin/users/").map(|id| id.contains(['/', '?', '#', '@'])), Some(false));
        }
    }

    #[test]
    fn unknown_missing_and_nested_arguments_are_errors() {
        assert!(call("listUsers", json!({"limmit": 5})).unwrap_err().contains("limit"));
        assert!(call("getUser", json!({})).unwrap_err().contains("id is missing"));
        assert!(call("getUser", json!({"id": {"a": 1}})).is_err());
        assert!(call("listUsers", json!({"search": {"a": {"b": 1}}})).is_err());
        assert!(call("listUsers", json!({"hasTag": [["a"]]})).is_err());
    }
}
