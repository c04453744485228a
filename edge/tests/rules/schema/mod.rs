//! The real schema in memory, made by all migrations in their order.

pub(crate) mod acts;
pub(crate) mod figures;
pub(crate) mod jobs;
pub(crate) mod pipe;

use proptest::prelude::ProptestConfig;
use rusqlite::Connection;

/// Opens a database with the schema of a deployment and one company.
pub(crate) fn open(company: &str, revenue_events: &str) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files {
        connection.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
    let insert = "insert into companies (id, name, revenue_events, created_at) values (?1, 'Test', ?2, 0)";
    connection.execute(insert, [company, revenue_events]).unwrap();
    connection.set_prepared_statement_cache_capacity(256);
    connection
}

/// `cases` generated cases of a law, or `SOAK` times as many.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let times = std::env::var("SOAK").map_or(1, |times| times.parse().unwrap());
    ProptestConfig {
        cases: cases * times,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}
