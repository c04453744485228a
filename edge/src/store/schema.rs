//! The schema: the number of the newest migration, in the code and in the database. Takes no
//! company: the migrations serve all companies.

use serde::Deserialize;

use super::{Db, Result, sql};

/// The schema that this code needs.
pub const NEEDED: u32 = match u32::from_str_radix(env!("TRACKMATE_SCHEMA"), 10) {
    Ok(number) => number,
    Err(_) => 0,
};

#[derive(Deserialize)]
struct Newest {
    name: Option<String>,
}

/// The schema that a database has; 0 before its first migration.
///
/// # Errors
/// D1's.
pub async fn applied(db: &Db) -> Result<u32> {
    match db.run(sql::MIGRATION_NEWEST, &[]).await {
        Ok(answer) => Ok(answer.first::<Newest>()?.and_then(|newest| newest.name).map_or(0, |name| number(&name))),
        Err(error) if error.to_string().contains("no such table") => Ok(0),
        Err(error) => Err(error),
    }
}

/// The number at the start of a migration's name.
fn number(name: &str) -> u32 {
    name.split('_').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_needs_the_newest_migration_in_its_folder() {
        let files = std::fs::read_dir("migrations").unwrap();
        let newest = files.map(|file| number(file.unwrap().file_name().to_str().unwrap())).max();
        assert_eq!(Some(NEEDED), newest);
    }
}
