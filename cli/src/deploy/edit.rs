//! The lines of `wrangler.toml` that a new cell needs. The file is the user's: everything else in
//! it stays as it is, comments too.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::cloudflare::Place;
use super::folder::{CELL, CONFIG, Config, JURISDICTIONS, parse};
use crate::error::Error;

/// Where Cloudflare can create a database.
const LOCATIONS: [&str; 6] = ["wnam", "enam", "weur", "eeur", "apac", "oc"];
/// Characters of a cell's name. With the name of the first database it names the new one.
const NAME_CHARS_MAX: usize = 24;

/// A cell of a deployment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) binding: String,
    /// The name of its database.
    pub(super) database: String,
    pub(super) place: Place,
}

impl Cell {
    /// `eu-1` → the binding `CELL_EU_1` and the database `trackmate-eu-1`.
    pub(super) fn new(name: &str, place: Place, config: &Config) -> Result<Self, Error> {
        let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_valid) || name.starts_with('-') {
            let rule = format!("up to {NAME_CHARS_MAX} small letters, digits and hyphens, for example eu-1");
            return Err(Error::Usage(format!("the name of a cell has {rule}")));
        }
        let Place { location, jurisdiction } = &place;
        for (what, given, all) in
            [("jurisdiction", jurisdiction, &JURISDICTIONS[..]), ("location", location, &LOCATIONS[..])]
        {
            if let Some(other) = given.as_deref().filter(|given| !all.contains(given)) {
                return Err(Error::Usage(format!("{other} is not a {what}. There are {}", all.join(", "))));
            }
        }
        let binding = format!("{CELL}{}", name.to_uppercase().replace('-', "_"));
        Ok(Self { binding, database: format!("{}-{name}", config.database()?), place })
    }
}

/// The configuration with the cell, and with an outage buffer in its jurisdiction.
pub(super) fn with_cell(text: &str, config: &Config, cell: &Cell) -> Result<String, Error> {
    let Cell { binding, database, place } = cell;
    let mut places = config.places()?;
    places.insert(binding.clone(), place.clone());
    let mut edited = with_places(text, &places);
    if !config.databases().any(|other| &other.binding == binding) {
        edited.push_str(&format!(
            "\n[[d1_databases]]\nbinding = \"{binding}\"\ndatabase_name = \"{database}\"\n\
             migrations_dir = \"edge/migrations\"\n"
        ));
    }
    if let Some(jurisdiction) = &place.jurisdiction
        && let Some(queues) = outage_buffer(config, jurisdiction)
    {
        edited.push_str(&queues);
    }
    // The file may have a form that the lines above do not fit, such as an inline table.
    let found = parse(&edited, Path::new(CONFIG)).ok().filter(|new| {
        new.databases().any(|other| (&other.binding, &other.name) == (binding, database))
            && new.places().is_ok_and(|all| all == places)
    });
    found.map(|_| edited).ok_or_else(|| {
        let lines = format!("a [[d1_databases]] with the binding {binding} and the database {database}");
        Error::Usage(format!("{CONFIG} could not be edited: add {lines}, and the variable CELLS (docs/cells.md)"))
    })
}

/// The configuration with the variable `CELLS`.
fn with_places(text: &str, places: &BTreeMap<String, Place>) -> String {
    let cells = places.iter().map(|(binding, place)| (binding.clone(), of_place(place))).collect::<Map<_, _>>();
    let line = format!("CELLS = '{}'", Value::Object(cells));
    let is_variable = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == "CELLS");
    let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
    let comment = "# Where the databases of the bindings CELL_… are: `trackmate cells add` writes it.";
    if let Some(old) = lines.iter_mut().find(|old| is_variable(old)) {
        *old = line;
    } else if let Some(vars) = lines.iter().position(|line| line.trim() == "[vars]") {
        lines.splice(vars + 1..=vars, [comment.to_owned(), line]);
    } else {
        lines.extend([String::new(), "[vars]".to_owned(), comment.to_owned(), line]);
    }
    lines.join("\n") + "\n"
}

fn of_place(Place { location, jurisdiction }: &Place) -> Value {
    let fields = [("jurisdiction", jurisdiction), ("region", location)];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?))));
    Value::Object(given.collect())
}

/// The queues of a jurisdiction's outage buffer, with the settings of the others. `None` if it has
/// them, or if the deployment has no outage buffer.
fn outage_buffer(config: &Config, jurisdiction: &str) -> Option<String> {
    let suffix = jurisdiction.to_uppercase();
    let (buffer, lost) = (config.queue_of("SPILL")?, config.queue_of("LOST")?);
    if config.queue_of(&format!("SPILL_{suffix}")).is_some() {
        return None;
    }
    let of_jurisdiction = |queue: &str| match queue.strip_prefix(buffer) {
        Some(rest) => format!("{buffer}-{jurisdiction}{rest}"),
        None => format!("{queue}-{jurisdiction}"),
    };
    let mut text =
        format!("\n# The outage buffer of companies whose data stay in this jurisdiction: {jurisdiction}.\n");
    for (binding, queue) in [("SPILL", buffer), ("LOST", lost)] {
        let queue = of_jurisdiction(queue);
        text.push_str(&format!("[[queues.producers]]\nbinding = \"{binding}_{suffix}\"\nqueue = \"{queue}\"\n\n"));
    }
    let mut next = Some(buffer);
    while let Some((queue, consumer)) = next.and_then(|queue| Some((queue, config.consumer_of(queue)?))) {
        text.push_str(&format!("[[queues.consumers]]\nqueue = \"{}\"\n", of_jurisdiction(queue)));
        let settings = consumer.settings.iter().filter_map(|(name, value)| Some((name, simple(value)?)));
        text.extend(settings.map(|(name, value)| format!("{name} = {value}\n")));
        next = consumer.dead_letter_queue.as_deref().filter(|&failed| failed != buffer);
        if let Some(failed) = next {
            text.push_str(&format!("dead_letter_queue = \"{}\"\n", of_jurisdiction(failed)));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    Some(text)
}

/// A value of one word.
fn simple(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::String(text) => Some(Value::from(text.as_str()).to_string()),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = include_str!("../../../wrangler.toml");

    fn config(text: &str) -> Config {
        parse(text, Path::new(CONFIG)).unwrap()
    }

    fn place(jurisdiction: Option<&str>, location: Option<&str>) -> Place {
        Place { jurisdiction: jurisdiction.map(str::to_owned), location: location.map(str::to_owned) }
    }

    fn add(text: &str, name: &str, place: Place) -> Result<String, Error> {
        let config = config(text);
        with_cell(text, &config, &Cell::new(name, place, &config)?)
    }

    #[test]
    fn two_cells_of_a_jurisdiction_get_their_bindings_and_one_outage_buffer() {
        let one = add(REPOSITORY, "eu-1", place(Some("eu"), Some("weur"))).unwrap();
        let two = add(&one, "eu-2", place(Some("eu"), None)).unwrap();
        let config = config(&two);
        let databases = config.databases().map(|d| (d.binding.as_str(), d.name.as_str())).collect::<Vec<_>>();
        let cells = [("CELL_EU_1", "trackmate-eu-1"), ("CELL_EU_2", "trackmate-eu-2")];
        assert_eq!(databases, [&[("DB", "trackmate")][..], &cells].concat());
        let places = [("CELL_EU_1", place(Some("eu"), Some("weur"))), ("CELL_EU_2", place(Some("eu"), None))];
        assert_eq!(config.places().unwrap(), places.map(|(name, place)| (name.to_owned(), place)).into());
        assert_eq!(
            (config.queue_of("SPILL_EU"), config.queue_of("LOST_EU")),
            (Some("trackmate-spill-eu"), Some("trackmate-spill-eu-lost"))
        );
        for queue in ["trackmate-spill-eu", "trackmate-spill-eu-dead", "trackmate-spill-eu-lost"] {
            assert!(config.queues().contains(queue), "{two}");
            assert_eq!(config.jurisdiction(queue).as_deref(), Some("eu"), "{queue}");
        }
        assert_eq!(config.jurisdiction("trackmate-spill-dead"), None);
        let (here, there) =
            (config.consumer_of("trackmate-spill").unwrap(), config.consumer_of("trackmate-spill-eu").unwrap());
        assert_eq!(here.settings, there.settings);
        assert_eq!(there.dead_letter_queue.as_deref(), Some("trackmate-spill-eu-dead"));
        assert_eq!(
            config.consumer_of("trackmate-spill-eu-dead").unwrap().dead_letter_queue.as_deref(),
            Some("trackmate-spill-eu-lost")
        );
    }

    #[test]
    fn nothing_else_of_the_file_changes() {
        let edited = add(REPOSITORY, "two", place(None, None)).unwrap();
        let new = edited.lines().filter(|line| !REPOSITORY.lines().any(|old| old == *line)).collect::<Vec<_>>();
        let cells = "CELLS = '{\"CELL_TWO\":{}}'";
        assert_eq!(new[1..], [cells, "binding = \"CELL_TWO\"", "database_name = \"trackmate-two\""]);
        assert!(REPOSITORY.lines().all(|old| edited.lines().any(|line| line == old)));
    }

    #[test]
    fn names_that_could_be_taken_for_something_else_are_refused() {
        for name in ["", "EU-1", "eu_1", "-eu", "eu 1", "a\"b", "é", &"x".repeat(25)] {
            assert!(matches!(add(REPOSITORY, name, Place::default()), Err(Error::Usage(_))), "{name}");
        }
        assert!(matches!(add(REPOSITORY, "ch-1", place(Some("ch"), None)), Err(Error::Usage(_))));
        assert!(matches!(add(REPOSITORY, "mars", place(None, Some("mars"))), Err(Error::Usage(_))));
    }

    #[test]
    fn a_cell_that_is_bound_and_not_created_yet_can_get_another_place() {
        let one = add(REPOSITORY, "one", place(None, Some("weur"))).unwrap();
        let two = add(&one, "one", place(None, Some("apac"))).unwrap();
        assert_eq!(two, one.replace("weur\"}", "apac\"}"));
    }

    #[test]
    fn a_comment_that_names_the_variables_is_not_taken_for_them() {
        let database = "[[d1_databases]]\nbinding = \"DB\"\ndatabase_name = \"t\"\n";
        let text = format!("# not [vars], and not\n# CELLS = 1\nname = \"t\"\n\n{database}");
        for vars in ["", "\n[vars]\nA = \"1\"\n", "\n[vars]\nCELLS = '{\"CELL_A\":{}}'\n"] {
            let config = config(&add(&format!("{text}{vars}"), "b", place(None, None)).unwrap());
            assert!(config.places().unwrap().contains_key("CELL_B"), "{vars}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_edited_is_an_error_that_says_what_to_add() {
        let inline =
            "name = \"t\"\nvars = { A = \"1\" }\nd1_databases = [{ binding = \"DB\", database_name = \"t\" }]\n";
        let error = add(inline, "two", Place::default()).unwrap_err().to_string();
        assert!(error.contains("binding CELL_TWO and the database t-two"), "{error}");
    }
}
