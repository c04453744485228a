//! Reduces `docs/openapi.json` to the tools of `trackmate mcp`, so that the binary has neither the
//! whole document nor its answers' schemas. Writes `tools.json`, which `src/mcp/tools.rs` includes.
#![allow(clippy::print_stdout, reason = "a build script tells cargo by its output")]
#![allow(clippy::indexing_slicing, reason = "a missing field of a serde_json::Value is null")]

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use serde_json::{Map, Value, json};

/// What the company's admin may read.
const PREFIX: &str = "/api/admin/";

fn main() -> Result<(), Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    println!("cargo::rerun-if-changed={}", file.display());
    println!("cargo::rerun-if-changed=build.rs");
    let document = serde_json::from_slice(&fs::read(file)?)?;
    let output = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&output).join("tools.json"), table(&document).to_string())?;
    Ok(())
}

/// The paths of all reads, and the operations that are tools.
fn table(document: &Value) -> Value {
    let paths = document["paths"].as_object().into_iter().flatten();
    let reads = paths.filter(|(path, methods)| path.starts_with(PREFIX) && methods["get"].is_object());
    let reads = reads.map(|(path, methods)| (path, &methods["get"])).collect::<Vec<_>>();
    let paths = reads.iter().map(|(path, _)| path).collect::<Vec<_>>();
    let tools = reads.iter().filter(|(_, operation)| is_tool(operation));
    let operations = tools.map(|(path, operation)| json!({"path": path, "tool": tool(document, operation)}));
    json!({"paths": paths, "operations": operations.collect::<Vec<_>>()})
}

/// An export is a file of any size, and it is recorded. A stream has no end of its own.
fn is_tool(operation: &Value) -> bool {
    let answer = &operation["responses"]["200"];
    answer["content"]["application/json"].is_object() && answer["headers"]["x-export-id"].is_null()
}

/// The operation as `tools/list` shows it.
fn tool(document: &Value, operation: &Value) -> Value {
    let summary = operation["summary"].as_str().unwrap_or_default();
    let description = match operation["description"].as_str() {
        Some(description) => format!("{summary}. {description}"),
        None => format!("{summary}."),
    };
    json!({
        "name": operation["operationId"],
        "title": summary,
        "description": description,
        "inputSchema": input_schema(document, operation),
        "annotations": {"readOnlyHint": true, "openWorldHint": false},
    })
}

/// The parameters of path and query as the properties of one object.
fn input_schema(document: &Value, operation: &Value) -> Value {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let mut schema = resolved(document, &parameter["schema"]);
        let notes = [&parameter["description"], &schema["description"]].map(Value::as_str);
        let notes = notes.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".into(), notes.into());
        }
        properties.insert(name.to_owned(), schema);
        if parameter["required"] == true {
            required.push(name);
        }
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// The schema with each reference replaced by what it names.
fn resolved(document: &Value, schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => match fields.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let named = document.pointer(reference.trim_start_matches('#'));
                named.map_or(Value::Null, |named| resolved(document, named))
            }
            None => fields.iter().map(|(name, value)| (name.clone(), resolved(document, value))).collect(),
        },
        Value::Array(values) => values.iter().map(|value| resolved(document, value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}
