//! Tells the Worker which schema its code needs: the number of the newest file in `migrations`.

use std::fs;
use std::io::{Error, Result};

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
    let mut newest = None;
    for file in fs::read_dir("migrations")? {
        let name = file?.file_name();
        newest = newest.max(name.to_str().and_then(|name| name.split('_').next()?.parse::<u32>().ok()));
    }
    let newest = newest.ok_or_else(|| Error::other("edge/migrations has no migration"))?;
    println!("cargo:rustc-env=TRACKMATE_SCHEMA={newest}");
    Ok(())
}
