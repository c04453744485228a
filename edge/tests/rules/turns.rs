//! Turns, of which only one isolate takes each, with the SQL on the real schema.

use crate::schema::pipe::{Db, NOW, number};
use serde_json::json;
use trackmate_edge::store::sql;

#[test]
fn only_one_of_several_isolates_that_start_together_takes_the_turn() {
    let db = Db::open();
    // As in `store::take_turn`: a turn every five seconds.
    let takes = |now: i64| {
        let before = number(&db.rows("select total_changes()", &[])[0][0]);
        db.rows(sql::PROGRESS_TAKE, &[json!("start"), json!(now.to_string()), json!(now - 5000)]);
        number(&db.rows("select total_changes()", &[])[0][0]) > before
    };
    assert!(takes(NOW));
    for later in [0, 1, 4999] {
        assert!(!takes(NOW + later), "{later} ms later");
    }
    assert!(takes(NOW + 5000));
    assert!(takes(NOW - 60_000), "a clock that was ahead does not block the turn");
}
