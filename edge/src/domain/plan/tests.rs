//! Tracking plans: examples, and the rule that an inferred plan accepts the events it was inferred
//! from.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::domain::clock;
use crate::domain::event::{Arrival, validate};
use crate::domain::plan::*;

fn plan(value: Value) -> Plan {
    serde_json::from_value::<Plan>(value).unwrap().checked().unwrap()
}

fn paid() -> Plan {
    plan(json!({"events": {"paid": {
        "required": ["amount"], "additionalProperties": false,
        "properties": {"amount": {"type": "number"}, "note": {"type": ["string", "boolean"]},
            "order": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}},
    }}}))
}

#[test]
fn a_plan_checks_names_types_and_fields_and_treats_null_as_missing() {
    let violations = |name: &str, data: Value| {
        paid().check(name, &data).into_iter().map(|v| (v.reason.as_str(), v.field)).collect::<Vec<_>>()
    };
    assert_eq!(violations("paid", json!({"amount": 1, "note": true, "order": {"id": "o", "more": 1}})), []);
    assert_eq!(violations("paid", json!({"amount": 1, "note": null, "order": null, "else": null})), []);
    assert_eq!(violations("sold", json!({})), [("unknown_event", "eventType".to_owned())]);
    assert_eq!(
        violations("paid", json!({"amount": null, "else": 1, "note": [], "order": {"id": 7}})),
        [
            ("missing_field", "eventData.amount".to_owned()),
            ("unknown_field", "eventData.else".to_owned()),
            ("wrong_type", "eventData.note".to_owned()),
            ("wrong_type", "eventData.order.id".to_owned()),
        ]
    );
    for name in ["identify", "alias", "group", "user.created", "tag.added", "registration.submitted", "webhook.failing"]
    {
        assert_eq!(violations(name, json!({"anything": 1})), [], "{name}");
    }
    assert!(Plan { additional_events: true, ..paid() }.check("sold", &json!({})).is_empty());
    let [wrong] = &paid().check("paid", &json!({"amount": "the secret"}))[..] else { panic!() };
    assert_eq!(wrong.message, "eventData.amount is of type string; the company's tracking plan has number");
}

#[test]
fn a_rejecting_plan_rejects_only_the_events_that_violate_it() {
    let items = [
        r#"{"eventType":"paid","eventData":{"amount":"5"}}"#,
        r#"{"eventType":"paid","eventData":{"amount":5}}"#,
        "{}",
        r#"{"eventType":"sold"}"#,
    ];
    let arrival = Arrival { subject: "s", sent_ms: None, received_ms: 1_760_788_800_000 };
    for (mode, left) in [(Mode::Off, 3), (Mode::Report, 3), (Mode::Reject, 1)] {
        let mut n = 0;
        let validated = validate(items.into_iter(), arrival, || {
            n += 1;
            format!("m{n}")
        });
        let checked = check(validated.rows, &paid(), mode);
        assert_eq!((checked.rows.len(), checked.violations.len()), (left, if mode == Mode::Off { 0 } else { 2 }));
        if mode == Mode::Reject {
            let violations: Vec<_> = checked
                .rejected
                .iter()
                .map(|(row, p)| (clock::place(row.ts), p.code.as_str(), p.path_or_field()))
                .collect();
            assert_eq!(
                violations,
                [(0, "plan_violation", Some("eventData.amount")), (3, "plan_violation", Some("eventType")),]
            );
        }
    }
}

#[test]
fn a_plan_that_no_event_can_fit_or_that_is_too_large_is_rejected() {
    let mut deep = json!({"type": "string"});
    for _ in 0..=PLAN_DEPTH_MAX {
        deep = json!({"properties": {"a": deep}});
    }
    let wide: serde_json::Map<_, _> = (0..=PLAN_FIELDS_MAX).map(|n| (n.to_string(), json!({}))).collect();
    for events in [
        json!({" x": {}}),
        json!({"": {}}),
        json!({"user.created": {}}),
        json!({"x": {"type": "string"}}),
        json!({"x": {"type": []}}),
        json!({"x": deep}),
        json!({"x": {"properties": wide}}),
    ] {
        let read: Plan = serde_json::from_value(json!({"events": events})).unwrap();
        assert_eq!(read.checked().unwrap_err().code, Code::InvalidField, "{events}");
    }
    assert!(
        serde_json::from_value::<Plan>(json!({"events": {"x": {"enum": [1]}}})).is_err(),
        "an unknown keyword is rejected"
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d.]{0,2}", inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d.]{0,2}", value(), 0..5).prop_map(|m| Value::Object(m.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_inferred_plan_is_valid_and_accepts_the_events_it_was_inferred_from(
        samples in prop::collection::vec(
            (prop::sample::select(vec!["view", "paid", "user.created", "x y"]), object()), 0..12)
    ) {
        let inferred = Plan::infer(samples.iter().map(|(name, data)| (*name, data)));
        let stored: Plan = serde_json::from_str(&serde_json::to_string(&inferred).unwrap()).unwrap();
        prop_assert_eq!(&stored.clone().checked().unwrap(), &inferred);
        for (name, data) in &samples {
            prop_assert_eq!(stored.check(name, data), vec![], "{} {}", name, data);
        }
    }
}

#[test]
fn an_inferred_plan_stays_open_where_there_are_too_many_fields_or_events() {
    let wide = Value::Object((0..=PLAN_FIELDS_MAX).map(|n| (format!("k{n}"), json!(n))).collect());
    let inferred = Plan::infer([("x", &wide)]);
    assert_eq!(serde_json::to_value(&inferred.events["x"]).unwrap(), json!({"type": "object"}));
    let names: Vec<String> = (0..=PLAN_EVENTS_MAX).map(|n| format!("e{n}")).collect();
    let many = Plan::infer(names.iter().map(|name| (name.as_str(), &Value::Null)));
    assert!(many.additional_events && many.events.len() == PLAN_EVENTS_MAX);
    let data = Value::Object((0..90).map(|n| ("k".repeat(90) + &n.to_string(), json!(n))).collect());
    let large = Plan::infer(names.iter().map(|name| (name.as_str(), &data)));
    assert!(large.clone().checked().is_ok() && large.check("e1", &data).is_empty());
}
