//! The operator's webhook: alerts about the deployment go to `OPERATOR_WEBHOOK_URL`, signed with
//! `OPERATOR_WEBHOOK_SECRET` as all deliveries are. The same rules hold for its URL.

use serde_json::json;
use trackmate_wire::limits::ALERT_TIMEOUT_MS;
use trackmate_wire::signature::{hex_signature, standard_signature};
use worker::{Env, console_error};

use crate::delivery::client::{self, Message};
use crate::domain::alerts::Alert;
use crate::domain::clock;
use crate::domain::delivery::Outcome;
use crate::vars::{self, Vars};

/// The name of the variable with the URL.
const URL: &str = "OPERATOR_WEBHOOK_URL";
/// The name of the secret.
const SECRET: &str = "OPERATOR_WEBHOOK_SECRET";

/// Where alerts go, and the secret that signs them.
#[derive(Debug)]
pub(crate) struct OperatorWebhook {
    url: String,
    secret: String,
}

impl OperatorWebhook {
    /// The deployment's; `None` if it has none.
    pub(crate) fn of(env: &Env) -> Option<Self> {
        let filled = |name| vars::text(env, name).filter(|text| !text.is_empty());
        Some(Self { url: filled(URL)?, secret: filled(SECRET).unwrap_or_default() })
    }

    /// Sends an alert. → Whether it was received. A failure is logged.
    pub(crate) async fn send(&self, env: &Env, alert: &Alert, now_ms: i64) -> bool {
        let failure = match self.post(env, alert, now_ms).await {
            Ok(()) => return true,
            Err(failure) => failure,
        };
        console_error!("{} was not received by the operator's webhook: {failure}", alert.name);
        false
    }

    async fn post(&self, env: &Env, alert: &Alert, now_ms: i64) -> Result<(), String> {
        if self.secret.is_empty() {
            return Err(format!("{SECRET} is not set"));
        }
        let body = json!({
            "event": alert.name,
            "timestamp": clock::iso(now_ms),
            "data": alert.data,
            "metadata": {"source": "trackmate", "action": alert.name.rsplit('.').next(), "messageId": alert.id},
        })
        .to_string();
        let (id, bytes, now_s) = (&alert.id, body.as_bytes(), now_ms / 1000);
        let headers = [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", now_s.to_string()),
            ("webhook-signature", standard_signature(&self.secret, id, now_s, bytes)),
            ("x-webhook-signature", hex_signature(&self.secret, bytes)),
        ];
        let message = Message {
            url: &self.url,
            body: &body,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            timeout_ms: ALERT_TIMEOUT_MS,
            loopback: Vars::of(env).allows_loopback,
            abort_signal: None,
        };
        let exchange = client::post(&message).await;
        match exchange.outcome {
            Outcome::Answered(200..=299, _) => Ok(()),
            Outcome::Answered(..) | Outcome::Unreachable | Outcome::NotSendable => {
                Err(exchange.error.unwrap_or_default())
            }
        }
    }
}
