//! `GET /metrics`: the deployment's metrics for Prometheus.

use worker::Response;

use crate::domain::metrics::{Deployment, Format};
use crate::error::Error;
use crate::http::auth::Operator;
use crate::http::context::RequestContext;
use crate::http::response::{VERSION, common_headers};
use crate::store::{metrics, schema};

/// `GET /metrics` → `OpenMetrics`, or the older text format for a client that does not accept it.
/// Reads two rows, whatever is stored: isolates add to the one, and the sweep writes the other.
pub(crate) async fn get(cx: &RequestContext, _operator: Operator) -> Result<Response, Error> {
    let db = cx.directory()?;
    let metrics::Stored { counts, gauges, .. } = metrics::find(db).await?;
    let bytes = (db.bytes(), db.bytes_max());
    let deployment = Deployment { version: VERSION, schema: schema::NEEDED, bytes, gauges, counts };
    let format = Format::accepted(cx.header("accept").as_deref());
    let headers = common_headers(cx)?;
    headers.set("content-type", format.content_type())?;
    headers.set("vary", "accept")?;
    Ok(worker::ResponseBuilder::new().with_headers(headers).fixed(deployment.text(format).into_bytes()))
}
