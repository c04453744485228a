//! The event names that TrackMate sends or gives a meaning to, each with an example. Companies
//! choose all other names.

/// A known event.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// When it happens.
    pub description: &'static str,
    /// An example of its data, a JSON object.
    pub data: &'static str,
}

const fn known(name: &'static str, description: &'static str, data: &'static str) -> Known {
    Known { name, description, data }
}

const USER: &str = r#"{"user":{"id":"5f1c…","email":"ada@example.com","fullName":"Ada Lovelace"}}"#;
const UPDATED: &str = r#"{"changes":{"phone":{"old":null,"new":"+4712345678"}},"user":{"id":"5f1c…","email":"ada@example.com","phone":"+4712345678"}}"#;
const BOOKING: &str = r#"{"booking":{"id":"b-1001","status":"confirmed","startTime":"2026-03-02T09:00:00.000Z"}}"#;
const TAG: &str = r#"{"user":{"id":"5f1c…","email":"ada@example.com"},"tag":"vip"}"#;
const QR: &str = r#"{"qrCode":{"id":"qr-7","code":"SPRING"},"scannedBy":"till-2"}"#;
const TROUBLE: &str =
    r#"{"webhookId":"wh_…","deliveryId":"9b2e…","event":"payment_processed","failures":1,"reason":null}"#;

/// All known events.
pub const EVENTS: &[Known] = &[
    known(
        "user_registered",
        "A person's first identify, by time.",
        r#"{"email":"ada@example.com","name":"Ada Lovelace"}"#,
    ),
    known("identify", "A later identify of a person.", r#"{"email":"ada@example.com"}"#),
    known("page_view", "A page was shown.", r#"{"url":"https://shop.example/p/1","title":"A product"}"#),
    known(
        "group",
        "A person was named as a member of a group.",
        r#"{"groupId":"acme","traits":{"name":"Acme","plan":"gold"}}"#,
    ),
    known("alias", "Two ids were said to be one person.", r#"{"previousId":"77ab…","userId":"5f1c…"}"#),
    known(
        "registration.submitted",
        "A funnel's form was submitted (POST /api/contacts).",
        r#"{"email":"ada@example.com","name":"Ada Lovelace","funnel":{"projectId":"spring","projectName":"Spring sale","pageId":"p1","pageUrl":"https://shop.example/spring"},"visitor":{"id":"v1","userAgent":"…","referrer":"https://search.example/"},"utm":{"source":"newsletter","medium":"email","campaign":"spring","term":null,"content":null}}"#,
    ),
    known(
        "payment_processed",
        "A payment came in; counts as revenue.",
        r#"{"amount":79.99,"currency":"USD","orderId":"o-1"}"#,
    ),
    known("user.created", "A user came to be.", USER),
    known("user.updated", "A user's data changed.", UPDATED),
    known("user.merged", "Two users became one.", r#"{"user":{"id":"5f1c…"},"merged":{"id":"77ab…"}}"#),
    known("user.unmerged", "A merge was taken back.", r#"{"user":{"id":"5f1c…"},"parted":{"id":"77ab…"}}"#),
    known(
        "identity.undone",
        "An identify was taken back.",
        r#"{"user":{"id":"5f1c…"},"messageId":"…","sessionId":"session_…","to":null}"#,
    ),
    known("user.deleted", "A user was erased.", r#"{"user":{"id":"5f1c…"}}"#),
    known("tag.added", "A user got a tag.", TAG),
    known("tag.removed", "A user lost a tag.", TAG),
    known(
        "customfield.updated",
        "A custom field of a user changed.",
        r#"{"user":{"id":"5f1c…"},"field":{"name":"points","old":"140","new":"150"}}"#,
    ),
    known("booking.created", "A booking was made.", BOOKING),
    known("booking.updated", "A booking changed.", BOOKING),
    known("booking.cancelled", "A booking was called off.", BOOKING),
    known("booking.completed", "A booking took place.", BOOKING),
    known("qr.scanned", "A QR code was scanned.", QR),
    known("qr.validated", "A scanned QR code was accepted.", QR),
    known(
        "match",
        "A matching model was found.",
        r#"{"best_model":"frame-12.glb","confidence":0.87,"images_count":3}"#,
    ),
    known("upload", "A model was uploaded.", r#"{"model_name":"frame-13.glb","has_thumbnail":true}"#),
    known("rebuild", "The index of models was built anew.", r#"{"models_count":167,"success":true}"#),
    known("webhook.failing", "A webhook's delivery was given up, the first in a row.", TROUBLE),
    known("webhook.exhausted", "A delivery's attempts are spent.", TROUBLE),
    known("webhook.recovered", "A failing webhook took a delivery again.", TROUBLE),
    known("webhook.disabled", "A webhook was switched off by TrackMate.", TROUBLE),
    known("webhook.test", "A test delivery, sent on request only.", r#"{"webhookId":"wh_…","message":"…"}"#),
];

/// The body of a delivery of this event, as JSON text.
#[must_use]
pub fn example(name: &str, data: &str) -> String {
    let action = name.rsplit('.').next().unwrap_or(name);
    format!(
        r#"{{"event":"{name}","timestamp":"2026-03-01T10:00:00.000Z","data":{data},"metadata":{{"source":"webhook","action":"{action}"}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_makes_a_delivery_body_and_every_name_is_listed_once() {
        let mut names = Vec::new();
        for Known { name, description, data } in EVENTS {
            let body: serde_json::Value = serde_json::from_str(&example(name, data)).unwrap();
            assert!(body["data"].is_object() && body["event"] == *name && description.ends_with('.'), "{name}");
            assert!(!names.contains(name), "{name}");
            names.push(*name);
        }
    }
}
