//! One operation: its parameters, body, answer and problems, and how `OpenAPI` describes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use trackmate_wire::limits::IDEMPOTENCY_KEY_CHARS_MAX;
use trackmate_wire::problem::Code;

use crate::domain::export::Format;
use crate::http::route::{Path, Route};
use crate::http::{problem, routes};
use crate::openapi::json::reference;
use crate::openapi::schemas::Schemas;

/// Whose key an operation needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// None.
    Anyone,
    /// A key of scope `server`.
    Server,
    /// A key of scope `admin`.
    Admin,
    /// The operator key of the deployment.
    Operator,
}

/// The operations of one audience.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) who: Who,
    pub(crate) operations: Vec<Operation>,
}

/// The headers of an export's answer, and their names in the document.
const EXPORT_HEADERS: [(&str, &str); 3] = [
    ("x-export-id", "ExportId"),
    ("x-export-snapshot", "ExportSnapshot"),
    ("content-disposition", "ContentDisposition"),
];

type Schema = Box<dyn Fn(&mut Schemas) -> Value>;

/// One method of one path.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    summary: &'static str,
    text: &'static str,
    query: Vec<Value>,
    takes: Option<(Schema, Value)>,
    optional: bool,
    gives: Option<(Schema, Value)>,
    makes: Option<(&'static str, &'static str)>,
    is_export: bool,
    files: &'static [(&'static str, &'static str)],
    fails: Vec<Code>,
}

impl Operation {
    /// An operation without parameters. `id` is its name in generated clients.
    pub(crate) fn new(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        let (query, fails) = (Vec::new(), Vec::new());
        Self {
            method,
            path,
            id,
            summary,
            text: "",
            query,
            takes: None,
            optional: false,
            gives: None,
            makes: None,
            is_export: false,
            files: &[],
            fails,
        }
    }

    /// Adds a description, in Markdown.
    pub(crate) fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// Adds a parameter of the query.
    pub(crate) fn query(mut self, name: &str, schema: Value, text: &str) -> Self {
        self.query.push(json!({"name": name, "in": "query", "description": text, "schema": schema}));
        self
    }

    /// Adds a parameter of the query that is not written as `name=value`.
    pub(crate) fn query_as(mut self, parameter: Value) -> Self {
        self.query.push(parameter);
        self
    }

    /// Adds `limit` and `cursor` of a list.
    pub(crate) fn paged(self, most: usize) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": most, "default": 50});
        self.query("limit", limit, "Items of a page.")
            .query("cursor", json!({"type": "string"}), "The `nextCursor` of the page before.")
            .fails(&[Code::InvalidField, Code::InvalidCursor])
    }

    /// Sets the type of the body, with an example that the Worker accepts.
    pub(crate) fn takes<T: JsonSchema + 'static>(self, example: Value) -> Self {
        Self { takes: Some((Box::new(Schemas::request::<T>), example)), ..self }
    }

    /// Sets the schema of a body that has no single type, by its name in
    /// [`crate::openapi::components`].
    pub(crate) fn takes_named(self, name: &'static str, example: Value) -> Self {
        Self { takes: Some((Box::new(move |_| reference(name)), example)), ..self }
    }

    /// Makes the body optional.
    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Sets the type of the answer, with an example.
    pub(crate) fn gives<T: JsonSchema + 'static>(self, example: Value) -> Self {
        Self { gives: Some((Box::new(Schemas::answer::<T>), example)), ..self }
    }

    /// Sets the schema of an answer that has no single type, by its name in
    /// [`crate::openapi::components`].
    pub(crate) fn gives_named(self, name: &'static str, example: Value) -> Self {
        Self { gives: Some((Box::new(move |_| reference(name)), example)), ..self }
    }

    /// Makes the answer an export: JSON or one of these media types, each with an example.
    pub(crate) fn exports(self, files: &'static [(&'static str, &'static str)]) -> Self {
        Self { is_export: true, files, ..self }
    }

    /// Sets the media type of an answer that is not JSON, with an example.
    pub(crate) fn streams(self, media: &'static [(&'static str, &'static str)]) -> Self {
        Self { files: media, ..self }
    }

    /// Names the JSON pointer of an id in the answer. Paths have this id behind `/<things>/`.
    pub(crate) fn makes(self, things: &'static str, pointer: &'static str) -> Self {
        Self { makes: Some((things, pointer)), ..self }
    }

    /// Adds codes of problems. The codes that follow from the credentials and from a body are added
    /// anyway.
    pub(crate) fn fails(mut self, codes: &[Code]) -> Self {
        self.fails.extend(codes);
        self
    }

    pub(crate) fn render(&self, group: &Group, all: &[Group], schemas: &mut Schemas) -> Value {
        let mut rendered = json!({
            "operationId": self.id,
            "tags": [group.name],
            "summary": self.summary,
            "security": security(group.who),
            "responses": self.responses(group.who, all, schemas),
        });
        let mut put = |name: &str, value: Value| rendered[name] = value;
        if !self.text.is_empty() {
            put("description", self.text.into());
        }
        let key = self.takes_idempotency_key().then(idempotency_key);
        let own = self.segments().map(path_parameter).chain(self.query.iter().cloned());
        let parameters: Vec<Value> = own.chain(key).collect();
        if !parameters.is_empty() {
            put("parameters", parameters.into());
        }
        if let Some((schema, example)) = &self.takes {
            let content = json!({"application/json": {"schema": schema(schemas), "example": example}});
            put("requestBody", json!({"required": !self.optional, "content": content}));
        }
        rendered
    }

    /// The parameters of the path, each with the segment before it. That segment says what kind of
    /// thing has the id. Formats and kinds are no ids.
    fn segments(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let parts: Vec<&str> = self.path.split('/').collect();
        let pairs: Vec<_> = parts.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let variable = pairs.into_iter().filter(|(_, part)| part.starts_with('{'));
        let choices = [("{format}", "formats"), ("{kind}", "kinds")];
        variable.map(move |(things, part)| {
            let choice = choices.iter().find(|(name, _)| *name == part);
            (choice.map_or(things, |(_, choices)| choices), part)
        })
    }

    fn responses(&self, who: Who, all: &[Group], schemas: &mut Schemas) -> Value {
        let headers = json!({"x-request-id": {"$ref": "#/components/headers/RequestId"}});
        let content = self.gives.as_ref().map_or_else(
            || json!({}),
            |(schema, example)| json!({"application/json": {"schema": schema(schemas), "example": example}}),
        );
        let mut responses = json!({"200": {"description": "Done.", "headers": headers, "content": content}});
        for (media, example) in self.files {
            responses["200"]["content"][media] = json!({"schema": {"type": "string"}, "example": example});
        }
        for (header, name) in EXPORT_HEADERS.into_iter().filter(|_| self.is_export) {
            responses["200"]["headers"][header] = json!({"$ref": format!("#/components/headers/{name}")});
        }
        if self.takes_idempotency_key() {
            responses["200"]["headers"]["idempotency-replayed"] =
                json!({"$ref": "#/components/headers/IdempotencyReplayed"});
        }
        let links = self.links(all);
        if !links.is_empty() {
            responses["200"]["links"] = links.into();
        }
        for (status, codes) in self.problems(who) {
            responses[status.to_string()] = self.refusal(&codes, &headers, schemas);
        }
        responses
    }

    /// The codes of each status, in the order of the closed list.
    fn problems(&self, who: Who) -> BTreeMap<u16, Vec<Code>> {
        let mut codes = self.fails.clone();
        codes.push(Code::Internal);
        if self.takes.is_some() {
            codes.extend([Code::InvalidJson, Code::InvalidEncoding, Code::BodyTooLarge]);
        }
        if self.takes.is_some() || who != Who::Anyone {
            codes.extend([Code::RateLimited, Code::Unavailable, Code::StorageFull]);
        }
        if self.takes_idempotency_key() {
            codes.extend([Code::Conflict, Code::LimitReached, Code::IdempotencyKeyInUse, Code::IdempotencyKeyReused]);
            // The body is read for the key, whether the operation takes one or not.
            codes.push(Code::BodyTooLarge);
        }
        codes.extend(match who {
            Who::Anyone => [].as_slice(),
            Who::Server => &[Code::MissingKey, Code::InvalidKey, Code::WrongScope],
            // Every route with a key refuses unknown parameters.
            Who::Admin => &[Code::MissingKey, Code::InvalidKey, Code::WrongScope, Code::InvalidField],
            Who::Operator => &[Code::MissingKey, Code::InvalidKey, Code::InvalidField],
        });
        let mut by_status = BTreeMap::new();
        for code in trackmate_wire::problem::ALL.into_iter().filter(|code| codes.contains(code)) {
            by_status.entry(problem::status(code)).or_insert_with(Vec::new).push(code);
        }
        by_status
    }

    /// Links to the operations that take the id in this operation's answer. Their paths end with
    /// that id, and begin with the parameters of this operation's path.
    fn links(&self, all: &[Group]) -> Map<String, Value> {
        let Some((things, pointer)) = self.makes else { return Map::new() };
        let name = |part: &'static str| part.trim_matches(['{', '}']);
        let known: Vec<_> = self.segments().collect();
        let expected: Vec<&str> = known.iter().map(|(things, _)| *things).chain([things]).collect();
        let others = all.iter().flat_map(|group| &group.operations);
        let targets = others.filter(|o| o.segments().map(|(things, _)| things).eq(expected.iter().copied()));
        let link = |o: &Operation| {
            let values = known.iter().map(|(_, part)| format!("$request.path.{}", name(part)));
            let values = values.chain([format!("$response.body#{pointer}")]);
            let names = o.segments().map(|(_, part)| format!("path.{}", name(part)));
            let parameters: Map<_, _> = names.zip(values.map(Value::from)).collect();
            (o.id.to_owned(), json!({"operationId": o.id, "parameters": parameters}))
        };
        targets.map(link).collect()
    }

    /// Whether clients of another vendor call it.
    fn is_vendors(&self) -> bool {
        self.route_path().is_vendors()
    }

    /// Whether it takes an `Idempotency-Key`.
    fn takes_idempotency_key(&self) -> bool {
        let routes = self.route_path().routes.iter();
        routes.filter(|route| route.method.eq_ignore_ascii_case(self.method)).any(Route::takes_idempotency_key)
    }

    /// The path in the table of routes.
    fn route_path(&self) -> &'static Path {
        // By the template: `{kind}` is no kind that a route takes. Parameters may have other names.
        let parts = |path: &'static str| path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        let found = routes::PATHS.iter().find(|path| parts(path.template).eq(parts(self.path)));
        found.unwrap_or_else(|| panic!("no route has the path {}", self.path))
    }

    /// The response with one of these codes. A response with at most three codes is written once,
    /// under their names, and shared.
    fn refusal(&self, codes: &[Code], headers: &Value, schemas: &mut Schemas) -> Value {
        let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let narrowed = json!({"type": "object", "properties": {"code": {"type": "string", "enum": names}}});
        let is_vendors = self.is_vendors();
        let media_type = problem::media_type(is_vendors);
        let content = json!({media_type: {"schema": {"allOf": [reference("Problem"), narrowed]}}});
        let mut response = json!({"description": names.join(", "), "headers": headers, "content": content});
        let passing = codes.iter().filter(|code| problem::retry_after_s(**code).is_some()).count();
        if passing == codes.len() {
            response["headers"]["retry-after"] = json!({"$ref": "#/components/headers/RetryAfter"});
        } else if passing > 0 {
            response["headers"]["retry-after"] = json!({"$ref": "#/components/headers/RetryAfterIfPassing"});
        }
        if codes.contains(&Code::RateLimited) {
            response["headers"]["ratelimit"] = json!({"$ref": "#/components/headers/RateLimit"});
        }
        if codes.len() > 3 {
            return response;
        }
        let names = codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join("Or");
        let name = if is_vendors { format!("Vendor{names}") } else { names };
        schemas.responses.insert(name.clone(), response);
        json!({"$ref": format!("#/components/responses/{name}")})
    }
}

pub(crate) fn security(who: Who) -> Value {
    match who {
        Who::Anyone => json!([]),
        Who::Server => json!([{"serverKey": []}, {"bearerKey": []}]),
        Who::Admin => json!([{"adminKey": []}, {"bearerKey": []}]),
        Who::Operator => json!([{"operatorKey": []}]),
    }
}

/// The parameter of operations that run once for each key.
fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header",
        "description": "Makes it safe to send the request again: for 24 hours a request with the same key, path and \
            body gets the first answer. A new one for each thing that you do, such as a UUID.",
        "schema": {
            "type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_CHARS_MAX, "pattern": "^[!-~]+$",
        },
    })
}

/// A parameter of a path. Its description follows from the segment before it.
fn path_parameter((things, part): (&str, &str)) -> Value {
    let name = part.trim_matches(['{', '}']);
    if things == "formats" {
        let formats = [Format::Csv, Format::Json, Format::Ndjson].map(Format::as_str);
        return json!({
            "name": name, "in": "path", "required": true, "description": "The file's format.",
            "schema": {"type": "string", "enum": formats},
        });
    }
    if things == "kinds" {
        let kinds =
            ["track", "identify", "page", "screen", "group", "alias", "batch", "t", "i", "p", "s", "g", "a", "b"];
        return json!({
            "name": name, "in": "path", "required": true,
            "description": "What the message says; browsers send the first letter.",
            "schema": {"type": "string", "enum": kinds},
        });
    }
    let text = match things {
        "users" => "A user's id: the `profileId` of an identify.",
        "webhooks" => "A webhook's id; `wh_funnel` is the funnel's.",
        "deliveries" => "A delivery's id.",
        "companies" => "A company's id.",
        "cells" => "The name of a cell.",
        "keys" => "A key's id, which is not the key.",
        "projects" | "array" => "A write key: the company id.",
        "groups" => "A group's id: the `id` that a list shows, not the company's own `groupId`.",
        "exports" => "An export's id: the `x-export-id` of its answer.",
        "events" => "A message id.",
        other => panic!("no description for the parameter behind /{other}/: add it here"),
    };
    json!({
        "name": name, "in": "path", "required": true, "description": text, "schema": {"type": "string", "minLength": 1},
    })
}
