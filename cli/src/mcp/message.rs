//! JSON-RPC 2.0, as the Model Context Protocol uses it: one message a line. Knows no method.

use serde_json::{Map, Value, json};

/// Bytes of one message. Requests of clients have a few hundred.
pub(super) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// A message that needs an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    /// A text or an integer.
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

/// The error of a request, with the codes of JSON-RPC and of the protocol.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Failure {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    fn not_json(error: &serde_json::Error) -> Self {
        Self::new(-32700, format!("the message is not JSON: {error}"))
    }

    fn invalid(message: &str) -> Self {
        Self::new(-32600, message)
    }

    pub(super) fn too_long() -> Self {
        Self::new(-32600, format!("the message is longer than {MESSAGE_BYTES_MAX} bytes"))
    }

    pub(super) fn unknown_method() -> Self {
        Self::new(-32601, "there is no such method")
    }

    pub(super) fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    pub(super) fn unsupported_version(requested: &str, supported: &[&str]) -> Self {
        let data = json!({"supported": supported, "requested": requested});
        Self { data: Some(data), ..Self::new(-32022, "this version of the protocol is not supported") }
    }

    /// The answer. Without an id if the message had none that could be read.
    pub(super) fn reply(self, id: Option<&Value>) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let (Some(data), Some(fields)) = (self.data, error.as_object_mut()) {
            fields.insert("data".into(), data);
        }
        match id {
            Some(id) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
            None => json!({"jsonrpc": "2.0", "error": error}),
        }
    }
}

/// Reads a message. `None`: a notification or a response, which nobody answers. An error comes with
/// the answer's id, if there is one.
pub(super) fn read(line: &[u8]) -> Result<Option<Request>, (Option<Value>, Failure)> {
    let message = serde_json::from_slice(line).map_err(|error| (None, Failure::not_json(&error)))?;
    let Value::Object(mut message) = message else {
        return Err((None, Failure::invalid("a message is one object: there are no batches")));
    };
    let id = message.remove("id");
    let id = match id {
        Some(Value::String(_)) | None => id,
        Some(Value::Number(ref number)) if !number.is_f64() => id,
        Some(_) => return Err((None, Failure::invalid("the id must be a text or an integer"))),
    };
    if message.get("jsonrpc").is_none_or(|version| version != "2.0") {
        return Err((id, Failure::invalid("the field jsonrpc must be \"2.0\"")));
    }
    let method = match message.remove("method") {
        Some(Value::String(method)) => method,
        None if message.contains_key("result") || message.contains_key("error") => return Ok(None),
        _ => return Err((id, Failure::invalid("the method is missing"))),
    };
    let Some(id) = id else { return Ok(None) };
    match message.remove("params") {
        None => Ok(Some(Request { id, method, params: Map::new() })),
        Some(Value::Object(params)) => Ok(Some(Request { id, method, params })),
        Some(_) => Err((Some(id), Failure::params("params must be an object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> (Value, Value) {
        let (id, failure) = read(line.as_bytes()).unwrap_err();
        let reply = failure.reply(id.as_ref());
        (reply["id"].clone(), reply["error"]["code"].clone())
    }

    #[test]
    fn a_message_that_is_no_request_is_an_error_with_its_code() {
        let deep = "[".repeat(100_000);
        for line in ["", "{", "nul", "{\"a\":\u{1}}", deep.as_str()] {
            assert_eq!(code(line), (Value::Null, json!(-32700)));
        }
        for line in [
            "1",
            "[]",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        ] {
            assert_eq!(code(line), (Value::Null, json!(-32600)), "{line}");
        }
        for line in [
            r#"{"id":7,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":7}"#,
        ] {
            assert_eq!(code(line), (json!(7), json!(-32600)), "{line}");
        }
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":[]}"#), (json!("a"), json!(-32602)));
        assert!(read(&[b'"', 0xff, b'"']).is_err());
    }

    #[test]
    fn notifications_and_responses_have_no_answer() {
        for line in [
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#,
        ] {
            assert_eq!(read(line.as_bytes()), Ok(None), "{line}");
        }
    }
}
