//! Routes that clients of other vendors call.

mod write_key;

use serde_json::json;

use crate::domain::secret;
use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::route::HandlerResult;
use crate::http::{body, rate_limit};
use crate::ingest::answer::{BatchAnswer, Rejected};
use crate::ingest::outage_buffer::{self, BufferedRequest};
use crate::ingest::vendor::{self, VendorFormat, VendorRequest, WriteKey};

/// `POST` of a vendor's message or batch → `{success, accepted, duplicates, rejected:[{index, code,
/// message, field?}]}`. If a body of one item is refused, the answer is a problem.
pub(crate) async fn post(cx: &RequestContext, family: &VendorFormat) -> HandlerResult {
    let with_keys = body::text_with_keys(cx).await?;
    let secret = if secret::is_in(&with_keys) { family.read(&with_keys)?.key } else { None };
    // From here on no text has the key in full; only its hash is used.
    let text = secret::keys_shortened(with_keys);
    let mut messages = family.read(&text)?;
    let (single, in_body) = (messages.single, messages.key.take());
    let key = write_key::find(cx, secret.or(in_body))?;
    match &key {
        WriteKey::Public(company) => rate_limit::count_browser(cx, company, messages.items.len()).await?,
        WriteKey::Server(hash) => {
            rate_limit::count_key(cx, hash).await?;
            rate_limit::count_items(cx, hash, messages.items.len()).await?;
        }
    }
    let stored = vendor::store(cx, &key, messages).await;
    let (mut tally, queued) = match stored {
        Err(Error::Down(why)) => {
            let request = VendorRequest::of(cx, family, key, &text).map_err(|_| Error::Down(why.clone()))?;
            outage_buffer::buffer_if_down(cx, Err::<(), _>(Error::Down(why)), || BufferedRequest::Vendor(request))
                .await?;
            (vendor::unknown(cx, family.read(&text)?), true)
        }
        stored => (stored?, false),
    };
    cx.log().rejected_vendor_items(&vendor::texts(&text, single), &tally.rejected);
    if single && let Some((_, problem)) = tally.rejected.pop() {
        return Err(problem.into());
    }
    tally.rejected.sort_by_key(|(index, _)| *index);
    Ok(serde_json::to_string(&BatchAnswer {
        success: true,
        accepted: tally.accepted,
        duplicates: tally.duplicates,
        rejected: tally.rejected.into_iter().map(|(index, problem)| Rejected::new(index, problem)).collect(),
        queued,
    })?)
}

/// `GET /v1/projects/{key}/settings` → the settings that analytics.js and Customer.io's client load
/// first. They name the host to send to.
pub(crate) async fn settings(cx: &RequestContext, key: &str) -> HandlerResult {
    let (protocol, host) = cx.request_origin().unwrap_or_default();
    let segment = json!({
        "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol, "unbundledIntegrations": [],
        "addBundledMetadata": false,
    });
    let enabled = json!({"__default": {"enabled": true, "integrations": {}}});
    Ok(json!({
        "integrations": {"Segment.io": segment, "Customer.io Data Pipelines": segment},
        "plan": {"track": enabled, "identify": enabled, "group": enabled}, "edgeFunction": {},
        "analyticsNextEnabled": true, "middlewareSettings": {}, "enabledMiddleware": {}, "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": false, "remotePlugins": [],
    })
    .to_string())
}

/// `GET /sourceConfig?writeKey=` → the configuration that RudderStack's clients load first: the
/// source is on, and the page itself sends events to no other destination.
pub(crate) async fn source_config(cx: &RequestContext) -> HandlerResult {
    let key = cx.query("writeKey").unwrap_or_default();
    Ok(json!({"source": {
        "id": key, "name": "TrackMate", "writeKey": key, "enabled": true, "workspaceId": key, "config": {},
        "connections": [], "destinations": [],
    }})
    .to_string())
}

/// `POST /flags`, `POST /decide`, `GET /array/{key}/config` → the configuration that PostHog's
/// clients load: no feature flags, and no recordings.
pub(crate) async fn flags(_cx: &RequestContext) -> HandlerResult {
    Ok(json!({
        "flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": false,
        "hasFeatureFlags": false, "config": {"enable_collect_everything": false},
        "supportedCompression": ["gzip", "gzip-js"], "sessionRecording": false, "surveys": false, "heatmaps": false,
        "capturePerformance": false, "autocaptureExceptions": false, "autocapture_opt_out": true, "siteApps": [],
        "toolbarParams": {}, "isAuthenticated": false,
    })
    .to_string())
}
