//! The API as an `OpenAPI` 3.1 document, `docs/openapi.json`. The tests make it from the types that
//! the handlers read and write. The file is committed, so the Worker does not contain it, and a
//! review shows each change of the API. `www/` serves it as `/openapi.json` and as the page
//! `/docs/http/`.
//!
//! CONTRIBUTING.md says how to add a route. The parts of its description:
//!
//! - Its types have the names of their schemas, derive the schema beside their serde derive
//!   (`#[cfg_attr(test, derive(schemars::JsonSchema))]`), and are `pub(crate)`. Those that the CLI
//!   uses too are in `wire/src/api`, where the feature `schema` takes the place of `test`.
//! - Each method has an [`Operation`] in the file of its group here: what it takes, what it gives
//!   and how it fails.
//! - [`refine`] adds what serde does not know of the types: required fields and bounds.
//!
//! A test here fails for a route without an operation, for an operation without a route, and for a
//! stale document. The black-box test `tests/api/openapi.mjs` sends every example to the Worker and
//! checks the answers against the schemas.

mod company;
mod compat;
mod components;
mod delivery;
mod exports;
mod groups;
mod identity;
mod json;
mod operation;
mod operator;
mod public;
mod receipts;
mod refine;
mod schemas;
mod server;
mod users;
mod webhooks;

use serde_json::{Map, Value, json};
use trackmate_wire::catalogue::{self, Explanation};
use trackmate_wire::limits::RATE_PERIOD_S;
use trackmate_wire::problem::ALL;

use crate::http::problem;
use crate::openapi::operation::{Group, Operation};
use crate::openapi::schemas::Schemas;

/// The introduction of the document.
const INTRODUCTION: &str = "TrackMate takes events from browsers and servers, puts them on one timeline per person, \
    and sends each on, signed, to every webhook that wants it.\n\nBodies are JSON of at most 500 KB, read whatever \
    the `Content-Type` says; gzip is read. A success is status 200 with `\"success\": true`. Anything else is a \
    `Problem`: match on its `code`, which is one of a closed list. Every answer carries `x-request-id`. Times are \
    ISO 8601 in UTC with milliseconds; callers may also send offsets, dates alone, and epoch milliseconds or \
    seconds. In a request, null is as good as a field left out, but in a change it takes away what may be nothing. \
    Of what admins and the operator send, fields and parameters that are not listed are refused; of what pages and \
    servers send they are ignored. Where there is GET there is HEAD, but for exports; OPTIONS tells the methods.";

/// All operations by audience, in the order of the page `/docs/http/`.
fn groups() -> Vec<Group> {
    vec![
        public::group(),
        server::group(),
        compat::group(),
        users::group(),
        identity::group(),
        groups::group(),
        exports::group(),
        webhooks::group(),
        receipts::group(),
        company::group(),
        operator::group(),
    ]
}

/// The whole document.
fn document() -> Value {
    let groups = groups();
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for group in &groups {
        for operation in &group.operations {
            let rendered = operation.render(group, &groups, &mut schemas);
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            let previous = path.as_object_mut().unwrap().insert(operation.method.to_owned(), rendered);
            assert!(previous.is_none(), "{} {} is described twice", operation.method, operation.path);
        }
    }
    let webhooks = delivery::render(&mut schemas);
    let ids = |group: &Group| group.operations.iter().map(|operation| operation.id).collect::<Vec<_>>();
    let tag = |group: &Group| json!({"name": group.name, "description": group.text, "x-operations": ids(group)});
    let tags: Vec<Value> = groups.iter().map(tag).chain([delivery::tag()]).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "TrackMate", "version": env!("CARGO_PKG_VERSION"),
            "summary": "Events, people and signed webhooks at the edge.", "description": INTRODUCTION,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "/"}], "tags": tags, "paths": paths, "webhooks": webhooks,
        "components": {
            "responses": std::mem::take(&mut schemas.responses), "schemas": schemas.components(),
            "securitySchemes": security_schemes(), "headers": headers(),
        },
    })
}

/// The ways to send a key.
fn security_schemes() -> Value {
    json!({
        "serverKey": {
            "type": "apiKey", "in": "header", "name": "X-TrackMate-API-Key",
            "description": "A company's key of scope `server`.",
        },
        "adminKey": {
            "type": "apiKey", "in": "header", "name": "X-Admin-ID",
            "description": "A company's key of scope `admin`.",
        },
        "bearerKey": {
            "type": "http", "scheme": "bearer", "description": "The same key as `Authorization: Bearer`.",
        },
        "operatorKey": {"type": "http", "scheme": "bearer", "description": "The deployment's `OPERATOR_KEY`."},
    })
}

/// The headers of answers.
fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Names this request in the logs.", "required": true, "schema": {"type": "string"},
        },
        "RetryAfter": {
            "description": "Seconds after which to try again.", "required": true, "schema": {"type": "integer"},
        },
        "RetryAfterIfPassing": {
            "description": "Seconds after which to try again, if the code is one that passes.",
            "schema": {"type": "integer"},
        },
        "IdempotencyReplayed": {
            "description": "That this is the answer to an earlier request with the same `Idempotency-Key`.",
            "schema": {"type": "string", "const": "true"},
        },
        "RateLimit": {
            "description": "That no request remains, and the seconds until one does.",
            "schema": {"type": "string", "example": format!(r#""default";r=0;t={RATE_PERIOD_S}"#)},
        },
        "ExportId": {
            "description": "The export, as `GET /api/admin/exports` lists it.", "required": true,
            "schema": {"type": "string"},
        },
        "ExportSnapshot": {
            "description": "The instant whose state was asked for.", "required": true,
            "schema": {"type": "string", "format": "date-time"},
        },
        "ContentDisposition": {
            "description": "`attachment` with the file's name.", "required": true, "schema": {"type": "string"},
        },
    })
}

/// Writes JSON in lines: a value that fits into a line has no line ends.
fn written(value: &Value, indent: usize) -> String {
    let flat = value.to_string();
    let lines: Vec<String> = match value {
        _ if indent + flat.len() <= 150 => return flat,
        Value::Array(items) => items.iter().map(|item| written(item, indent + 2)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| format!("\"{name}\": {}", written(member, indent + 2))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return flat,
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    format!("{open}\n{inner}{}\n{outer}{close}", lines.join(&format!(",\n{inner}")))
}

/// The text of `docs/problems.md`.
fn problems() -> String {
    let opening = "Every problem code. Each deployment serves this list at `/docs/problems/`. Clients match on \
        `code`; texts may change. The list is closed: `wire/src/problem.rs`. `make openapi` makes this file from \
        `wire/src/catalogue.rs`.";
    let mut text =
        format!("# Problem codes\n\n{}\n\n| code | status | problem |\n|---|---|---|\n", wrapped(opening, ""));
    for code in ALL {
        text +=
            &format!("| [`{0}`](#{0}) | {1} | {2} |\n", code.as_str(), problem::status(code), catalogue::title(code));
    }
    for code in ALL {
        let (title, Explanation { cause, fix }) = (catalogue::title(code), catalogue::of(code));
        text += &format!(
            "\n## `{}`\n\n{title} (status {}).\n\n{}\n{}\n",
            code.as_str(),
            problem::status(code),
            wrapped(&format!("- Cause: {cause}"), "  "),
            wrapped(&format!("- Fix: {fix}"), "  "),
        );
    }
    text
}

/// A paragraph of Markdown in lines of at most 100 characters, all but the first indented.
fn wrapped(paragraph: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in paragraph.split(' ') {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= 100 {
            *line += &format!(" {word}");
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes::PATHS;

    fn blank(path: &str) -> String {
        path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
    }

    #[test]
    fn the_document_has_every_method_of_every_route_and_no_other() {
        let groups = groups();
        let operations: Vec<&Operation> = groups.iter().flat_map(|group| &group.operations).collect();
        let of = |path: String| operations.iter().filter(move |o| blank(o.path) == path);
        let described: BTreeSet<String> = operations.iter().map(|o| blank(o.path)).collect();
        assert_eq!(described, PATHS.iter().map(|path| blank(path.template)).collect());
        for path in PATHS {
            let methods: BTreeSet<String> = path.routes.iter().map(|route| route.method.to_lowercase()).collect();
            let described = of(blank(path.template)).map(|o| o.method.to_owned()).collect::<BTreeSet<_>>();
            assert_eq!(described, methods, "{}", path.template);
        }
        let ids: BTreeSet<&str> = operations.iter().map(|o| o.id).collect();
        assert_eq!(ids.len(), operations.len(), "two operations have the same id");
    }

    /// All schemas of the document, each with its path.
    fn schemas_of<'a>(value: &'a Value, path: &str, is_schema: bool, found: &mut Vec<(String, &'a Value)>) {
        if is_schema {
            found.push((path.to_owned(), value));
        }
        let Some(members) = value.as_object() else { return };
        for (name, member) in members {
            let path = format!("{path}/{name}");
            match (name.as_str(), member) {
                ("example" | "examples" | "x-codes" | "enum" | "const", _) => {}
                ("schemas" | "properties", Value::Object(named)) => {
                    for (name, one) in named {
                        schemas_of(one, &format!("{path}/{name}"), true, found);
                    }
                }
                (_, Value::Array(all)) => {
                    let are_schemas = ["allOf", "anyOf", "oneOf"].contains(&name.as_str());
                    for (index, one) in all.iter().enumerate() {
                        schemas_of(one, &format!("{path}/{index}"), are_schemas, found);
                    }
                }
                ("schema" | "items" | "additionalProperties", _) => schemas_of(member, &path, true, found),
                _ => schemas_of(member, &path, false, found),
            }
        }
    }

    /// Each rule names a generator of clients that fails if the document breaks the rule.
    #[test]
    fn the_document_has_nothing_that_generators_of_clients_do_not_support() {
        let document = document();
        let mut found = Vec::new();
        schemas_of(&document, "", false, &mut found);
        assert!(found.len() > 500, "{}", found.len());
        for (path, schema) in found {
            let is = |kind: &str| {
                schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.contains(&json!(kind)))
            };
            if !path.ends_with("/additionalProperties") {
                assert!(schema.is_object(), "openapi-python-client: {path} is no object");
            }
            assert!(!is("array") || schema["items"].is_object(), "openapi-python-client: {path} is a list of what?");
            let is_choice = path.contains("anyOf/") || path.contains("oneOf/");
            assert!(is_choice || schema["type"] != "null", "openapi-generator for Rust: {path} is nothing but null");
            for word in ["enum", "const"] {
                assert!(
                    schema.get(word).is_none() || !schema["type"].is_null(),
                    "all: {path} has a {word} and no type"
                );
            }
            for word in ["oneOf", "anyOf"] {
                let either = schema[word].as_array().map(Vec::as_slice).unwrap_or_default();
                let are_values = either.iter().all(|one| one.get("const").is_some());
                assert!(either.is_empty() || !are_values, "openapi-generator for Rust: {path} is no enum");
            }
        }
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let fields = schema["properties"].as_object().into_iter().flatten();
            for (field, one) in fields.filter(|(_, one)| one.get("enum").or_else(|| one.get("const")).is_some()) {
                assert!(!same(name, field), "openapi-generator for Rust: two types are named {name}: {one}");
            }
        }
        let tags = |of: &str| -> BTreeSet<String> {
            let paths =
                document[of].as_object().unwrap().values().flat_map(|methods| methods.as_object().unwrap().values());
            paths.map(|operation| operation["tags"][0].to_string()).collect()
        };
        assert!(tags("paths").is_disjoint(&tags("webhooks")), "openapi-generator: one file is written over the other");
    }

    #[test]
    fn the_documents_in_docs_are_up_to_date_with_the_types() {
        for (name, made) in [("openapi.json", format!("{}\n", written(&document(), 0))), ("problems.md", problems())] {
            let file = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("OPENAPI_WRITE").is_some() {
                std::fs::write(&file, &made).unwrap();
            }
            let committed = std::fs::read_to_string(&file).unwrap_or_default();
            let differs = made.lines().zip(committed.lines()).find(|(new, old)| new != old);
            assert!(
                made == committed,
                "docs/{name} is stale: run make openapi and commit it. It differs first at {differs:?}"
            );
        }
    }
}
