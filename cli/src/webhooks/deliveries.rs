//! Commands for deliveries: list, recover, resend.

use serde_json::json;
use trackmate_wire::api::{DeliveryList, RecoverAnswer, RecoverRequest, ResendAnswer};

use super::layout;
use super::options::{DeliveriesOptions, Recover};
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

/// `GET /api/admin/webhooks/{id}/deliveries`
pub(super) fn list(options: &DeliveriesOptions, api: &Api, output: Output) -> Result<(), Error> {
    let limit = options.limit.to_string();
    let query =
        [("limit", Some(&*limit)), ("status", options.status.as_deref()), ("cursor", options.cursor.as_deref())];
    let answer = api.get(&format!("/api/admin/webhooks/{}/deliveries", options.id), &query)?;
    output.answer(&answer, |page: DeliveryList| layout::deliveries(&page, &chrono::Local))
}

/// `POST /api/admin/webhooks/{id}/recover`, until no deliveries are left. After a failure the same
/// command continues, since a requeued delivery is not requeued again.
pub(super) fn recover(options: &Recover, api: &Api, output: Output) -> Result<(), Error> {
    let mut requeued = 0;
    let outcome = requeue(options, api, |count| {
        requeued += count;
        output.progress(&format!("{requeued} requeued …"));
    });
    output.progress_done();
    if let Err(error) = outcome {
        output.note(&format!("{requeued} requeued before the failure; run the same command again to continue"));
        return Err(error);
    }
    let sum = json!({"success": true, "requeued": requeued, "hasMore": false, "nextCursor": null});
    output.either(&sum, &format!("{requeued} requeued"))
}

fn requeue(options: &Recover, api: &Api, mut done: impl FnMut(usize)) -> Result<(), Error> {
    let path = format!("/api/admin/webhooks/{}/recover", options.id);
    let mut request = RecoverRequest {
        since: Some(options.since.as_str().into()),
        until: options.until.as_deref().map(Into::into),
        status: options.status.clone(),
        cursor: None,
    };
    loop {
        let answer: RecoverAnswer = api.post(&path, &json!(request))?.read()?;
        done(answer.requeued);
        if !answer.has_more {
            return Ok(());
        }
        if answer.requeued == 0 && answer.next_cursor == request.cursor {
            return Err(Error::Failed("TrackMate reports more deliveries to recover, but makes no progress".into()));
        }
        request.cursor = answer.next_cursor;
    }
}

/// `POST /api/admin/webhooks/{id}/deliveries/{deliveryId}/resend`
pub(super) fn resend(id: &str, delivery: &str, api: &Api, output: Output) -> Result<(), Error> {
    let answer = api.post(&format!("/api/admin/webhooks/{id}/deliveries/{delivery}/resend"), &json!({}))?;
    output.answer(&answer, |resent: ResendAnswer| {
        format!("Requeued {}, now {}", resent.delivery.id, resent.delivery.status)
    })
}
