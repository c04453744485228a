//! The fence, with which each batch of a company begins: a cell refuses it if the company is not
//! there.

use serde_json::json;
use trackmate_edge::store::sql;

use crate::schema::pipe::{COMPANY, Db};

/// Whether the fence lets a batch of this company pass. `is_further`: the cell is not the first
/// one.
fn passes(db: &Db, company: &str, is_further: bool) -> bool {
    let params = json!([company, i64::from(is_further)]);
    let ran = db.connection.execute(sql::FENCE, rusqlite::params![company, i64::from(is_further)]);
    let read = db.rows(sql::FENCE_READ, params.as_array().unwrap()).is_empty();
    if let Err(error) = &ran {
        assert!(error.to_string().contains("company_is_away"), "{error}");
    }
    assert_eq!(ran.is_ok(), read, "both fences say the same");
    ran.is_ok()
}

fn set_away(db: &Db, state: Option<&str>) {
    db.connection.execute("delete from away", []).unwrap();
    if let Some(state) = state {
        db.connection.execute("insert into away (company, state, since) values (?1, ?2, 1)", [COMPANY, state]).unwrap();
    }
}

#[test]
fn a_cell_refuses_the_batches_of_a_company_that_is_not_there() {
    let db = Db::open();
    for is_further in [false, true] {
        set_away(&db, None);
        assert!(passes(&db, COMPANY, is_further));
        for state in ["arriving", "leaving", "gone"] {
            set_away(&db, Some(state));
            assert!(!passes(&db, COMPANY, is_further), "{state}");
            assert!(passes(&db, "TM-OTHER", false), "others are not concerned");
        }
    }
    // In the first cell, a company that does not exist is answered as ever. A further cell has only
    // companies of which the directory says so.
    assert!(passes(&db, "TM-NOBODY", false));
    assert!(!passes(&db, "TM-NOBODY", true));
}
