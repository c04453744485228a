//! `docs/schema.sql` has the schema that all migrations together make, with their comments. To
//! write it, run `make schema`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The objects of the schema in the order of their creation: kind, name and statement.
const OBJECTS: &str = "select type, name, sql from sqlite_master where sql is not null
  and name not in (select name from pragma_table_list where type = 'shadow') order by rowid";

const HEAD: &str = "-- The schema of D1, made from edge/migrations by `make schema`. Do not edit it.\n";

/// The comment above the last statement of the migrations that creates this object.
fn comment<'a>(migrations: &'a str, kind: &str, name: &str) -> &'a str {
    let creates = |line: &str| {
        let mut words = line.split(' ');
        words.next() == Some("create") && words.any(|word| word == kind) && words.next() == Some(name)
    };
    let mut at = 0;
    let mut above = 0;
    let mut found = "";
    for line in migrations.split_inclusive('\n') {
        if creates(line.trim_end()) {
            found = &migrations[above..at];
        }
        at += line.len();
        if !line.starts_with("-- ") {
            above = at;
        }
    }
    found
}

#[test]
fn docs_schema_sql_matches_the_migrations_and_each_object_has_a_comment() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = fs::read_dir(root.join("migrations")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let migrations: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();

    let database = crate::schema::open("TM-1", "[]");
    let mut statement = database.prepare(OBJECTS).unwrap();
    let objects = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let mut text = HEAD.to_owned();
    for object in objects {
        let (kind, name, sql): (String, String, String) = object.unwrap();
        let comment = comment(&migrations, &kind, &name);
        assert!(!comment.is_empty(), "the {kind} {name} has no comment");
        let (create, rest) = sql.split_at(sql.find(&name).unwrap());
        write!(text, "\n{comment}{}{rest};\n", create.to_lowercase()).unwrap();
    }

    let path = root.join("../docs/schema.sql");
    if env::var_os("SCHEMA_WRITE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/schema.sql is stale: run make schema and commit it");
}
