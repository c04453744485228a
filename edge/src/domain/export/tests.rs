//! Exports: the form of rows, cells and marks.

use crate::domain::export::*;

const ROW: &str = r#"{"id":"u1","email":"=x@y","n":-5,"big":12345678901234567890.10,"optIns":{"whatsapp":true},
    "tags":[{"id":"tag_1","name":"vip"},{"id":"tag_2","name":"a,b"}],"customFields":{"a.b":"x"},"lastActive":null}"#;

fn written(format: Format, columns: &[&str]) -> String {
    let mut writer = Writer::new(Kind::Users, format, Some(columns.iter().map(|c| (*c).to_owned()).collect()));
    let mut out = writer.head("", false, false);
    writer.row(&mut out, ROW).unwrap();
    writer.row(&mut out, ROW).unwrap();
    out + &writer.tail("\"rows\":2")
}

#[test]
fn columns_are_places_in_the_object_and_have_the_requested_order() {
    let columns = ["optIns.whatsapp", "email", "n", "big", "tags", "customFields.a.b", "lastActive", "traits.none"];
    let line = "true,'=x@y,-5,12345678901234567890.10,\"vip;a,b\",x,,\r\n";
    assert_eq!(written(Format::Csv, &columns), format!("{}\r\n{line}{line}", columns.join(",")));
    let line = r#"{"n":-5,"traits.none":null,"customFields.a.b":"x"}"#;
    assert_eq!(written(Format::Ndjson, &["n", "traits.none", "customFields.a.b"]), format!("{line}\n{line}\n"));
    let whole: serde_json::Value = serde_json::from_str(&written(Format::Json, &["id"])).unwrap();
    assert_eq!(whole, serde_json::json!({"success": true, "users": [{"id": "u1"}, {"id": "u1"}], "rows": 2}));
}

#[test]
fn a_dotted_column_is_a_nested_place_unless_a_member_has_that_name() {
    let row = r#"{"context":{"campaign":{"source":"mail","a.b":1},"a.b":2,"a":{"b":3,"c":{"d":4}},"odd":"x"}}"#;
    let cell = |column: &str| Opened::new(row).unwrap().get(column).map(str::to_owned);
    for (column, value) in [
        ("context.campaign.source", Some("\"mail\"")),
        ("context.campaign.a.b", Some("1")),
        ("context.a.b", Some("2")),
        ("context.a.c.d", Some("4")),
        ("context.odd.x", None),
        ("context.none.x", None),
    ] {
        assert!(Kind::Events.has(column));
        assert_eq!(cell(column).as_deref(), value, "{column}");
    }
}

#[test]
fn only_possible_places_of_the_object_are_columns() {
    for column in ["id", "traits.x", "customFields.a.b", "traits"] {
        assert!(Kind::Users.has(column), "{column}");
    }
    for column in ["", "eventData", "traits.", "optIns.sms", "optIns", "customFields."] {
        assert!(!Kind::Users.has(column), "{column}");
    }
    assert!(Kind::Events.has("eventData.amount") && !Kind::Events.has("email"));
}

#[test]
fn marks_stay_few_and_spread_out() {
    let mut marks = Marks::new(10, 4);
    for rows in (0..=200).filter(|n| n % 5 == 0) {
        if marks.is_due(rows) {
            marks.set(Mark(rows, 0, String::new(), String::new()));
        }
    }
    let rows: Vec<u64> = marks.kept().iter().map(|m| m.0).collect();
    assert!(rows.len() <= 4 && rows.is_sorted() && rows[0] > 0 && *rows.last().unwrap() >= 120, "{rows:?}");
}
