//! The schemas of the document. schemars makes them from the types: for a request what serde reads,
//! and for an answer what it writes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::domain::event::Item;
use crate::export::run;
use crate::http::admin::{plan, user_list};
use crate::openapi::json::merge;
use crate::openapi::{components, refine};

/// Collects the schemas of the types that operations name.
pub(crate) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
    /// The names of the answers to requests.
    succeeding: BTreeSet<String>,
    /// The responses that several operations share.
    pub(crate) responses: Map<String, Value>,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
        let mut requests = settings().for_deserialize().into_generator();
        requests.subschema_for::<Item>();
        requests.subschema_for::<plan::PlannedEvent>();
        let mut answers = settings().for_serialize().into_generator();
        answers.subschema_for::<run::Event<'_>>();
        Self { requests, answers, succeeding: BTreeSet::new(), responses: Map::new() }
    }

    pub(crate) fn request<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().to_value()
    }

    /// The schema of the answer to a request. [`crate::http::response::answer`] adds `success` to it.
    pub(crate) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.succeeding.insert(T::schema_name().into_owned());
        self.written::<T>()
    }

    /// The schema of what the Worker writes.
    pub(crate) fn written<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().to_value()
    }

    /// Writes all schemas, by their names.
    pub(crate) fn components(mut self) -> Map<String, Value> {
        let mut components = Map::new();
        for (name, mut schema) in self.answers.take_definitions(true) {
            tidy(&mut schema, true);
            components.insert(name, schema);
        }
        for name in &self.succeeding {
            add_success(&mut components, name);
        }
        for (name, mut schema) in self.requests.take_definitions(true) {
            tidy(&mut schema, false);
            let previous = components.insert(name.clone(), schema);
            assert!(previous.is_none(), "{name} is a request and an answer: give one of them another name");
        }
        for (name, patch) in refine::refinements() {
            let schema = components.get_mut(name).unwrap_or_else(|| panic!("there is no {name} to refine"));
            let none = json!({});
            let fields = patch.get("properties").unwrap_or(&none).as_object().unwrap().keys().map(String::as_str);
            let required = patch.get("required").and_then(Value::as_array).into_iter().flatten();
            for field in fields.chain(required.filter_map(Value::as_str)) {
                assert!(schema["properties"].get(field).is_some(), "{name} has no {field} to refine");
            }
            merge(schema, &patch);
            require(schema, &patch);
        }
        components.extend(components::components().into_iter().map(|(name, schema)| (name.to_owned(), schema)));
        let (change, required) =
            (components.get("WebhookChange").unwrap(), json!({"required": ["name", "url", "events"]}));
        let mut webhook = change.clone();
        merge(&mut webhook, &required);
        require(&mut webhook, &required);
        components.insert("WebhookRequest".to_owned(), webhook);
        components
    }
}

/// The answer where there is nothing to say.
#[derive(JsonSchema)]
pub(crate) struct SuccessAnswer {}

// The answer to the deletion of a group. Not a documentation comment, which would be a description.
#[derive(JsonSchema)]
pub(crate) struct GroupDeleted {}

/// A list of users, or the one with an address.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "for its schema")]
pub(crate) enum Users {
    List(user_list::UserList),
    Found(user_list::UserFound),
}

/// The fields of answers that are times and whose names do not end in `At`.
const TIMES: [&str; 8] =
    ["at", "since", "snapshot", "timestamp", "lastActive", "lastBooking", "lastSynced", "lastUpdated"];

/// Removes what is specific to Rust, and adds what is true of all answers.
fn tidy(schema: &mut Value, is_answer: bool) {
    if let Some(members) = schema.as_object_mut() {
        list_choices(members);
        if let Some(fields) = members.get_mut("properties").and_then(Value::as_object_mut) {
            // The schema `true` allows any value. Generators of clients do not support it, but
            // support an empty one.
            fields.values_mut().filter(|field| **field == json!(true)).for_each(|field| *field = json!({}));
        }
        // The source wraps its comments. A description has no line ends.
        if let Some(Value::String(text)) = members.get_mut("description") {
            *text = text.replace('\n', " ");
        }
        members.remove("default");
        let required = members.get("required").cloned().unwrap_or_default();
        if members.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with("int") || f.starts_with("uint"))
        {
            members.remove("format");
        }
        if let Some(fields) = members.get_mut("properties").and_then(Value::as_object_mut).filter(|_| is_answer) {
            for (name, field) in fields {
                // A field that is not required is left out, and is never null.
                if !required.as_array().is_some_and(|names| names.contains(&json!(name))) {
                    not_null(field);
                }
                let is_text = field["type"] == "string" || field["type"] == json!(["string", "null"]);
                if is_text && (name.ends_with("At") || TIMES.contains(&name.as_str())) {
                    field["format"] = "date-time".into();
                }
                if name == "success" && field["type"] == "boolean" {
                    field["const"] = true.into();
                }
            }
        }
        members.values_mut().for_each(|value| tidy(value, is_answer));
    } else if let Some(items) = schema.as_array_mut() {
        items.iter_mut().for_each(|item| tidy(item, is_answer));
    }
}

/// Adds `success` to an answer, or to each of its alternatives.
fn add_success(components: &mut Map<String, Value>, name: &str) {
    let schema = components.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"));
    if let Some(alternatives) = schema["anyOf"].as_array().cloned() {
        for alternative in alternatives {
            let reference = alternative["$ref"].as_str().unwrap();
            add_success(components, reference.rsplit('/').next().unwrap());
        }
    } else if schema["properties"].get("success").is_none() {
        schema["properties"]["success"] = json!({"type": "boolean", "const": true});
        match schema["required"].as_array_mut() {
            Some(required) => required.insert(0, "success".into()),
            None => schema["required"] = json!(["success"]),
        }
    }
}

/// Replaces choices that are described one by one with an `enum`. Generators would make a type for
/// each choice.
fn list_choices(members: &mut Map<String, Value>) {
    let choices: Option<Vec<Value>> = members
        .get("oneOf")
        .and_then(Value::as_array)
        .and_then(|all| all.iter().map(|one| one.get("const").cloned()).collect());
    if let (Some(choices), Some(described)) = (choices, members.remove("oneOf")) {
        let meaning =
            |one: &Value| format!("`{}`: {}", one["const"].as_str().unwrap(), one["description"].as_str().unwrap());
        let text = described.as_array().unwrap().iter().map(meaning).collect::<Vec<_>>().join(" ");
        let text = members
            .get("description")
            .and_then(Value::as_str)
            .map_or_else(|| text.clone(), |lead| format!("{lead} {text}"));
        members.extend([
            ("type".into(), "string".into()),
            ("enum".into(), choices.into()),
            ("description".into(), text.into()),
        ]);
    }
}

/// Makes required fields non-null.
fn require(schema: &mut Value, patch: &Value) {
    for field in patch.get("required").and_then(Value::as_array).into_iter().flatten() {
        not_null(&mut schema["properties"][field.as_str().unwrap()]);
    }
}

/// Removes null from the types of a field.
fn not_null(field: &mut Value) {
    if let Some([kind, _]) = field["type"].as_array().map(Vec::as_slice) {
        field["type"] = kind.clone();
    }
    if field["anyOf"].as_array().is_some_and(|either| either.contains(&json!({"type": "null"}))) {
        *field = field["anyOf"][0].clone();
    }
}
