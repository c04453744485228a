//! `trackmate tail`: what comes in, as it comes in, a line each. The stream ends every half minute; this comes back to it, also after a failure, and goes on
//! behind what it has shown.

use std::io::{BufRead, BufReader, Read};
use std::thread::sleep;
use std::time::Duration;

use clap::Args;

use super::layout;
use super::model::Incoming;
use super::sse::Parser;
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

/// Between two connections: a stream that somebody keeps cutting off is not asked for without a pause.
const PAUSE: Duration = Duration::from_millis(250);
/// Before a try after a failure, doubled from try to try …
const RETRY: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Options {
    /// Only what ended so.
    #[arg(long, value_name = "O", value_parser = ["stored", "duplicate", "rejected"])]
    outcome: Option<String>,
    /// Only events of this name.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Go on behind this entry, a `seq` that --json showed; 0 for all that is kept.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// End after so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// `GET /api/admin/events/stream`, again and again.
pub(crate) fn run(options: &Options, api: &Api, output: Output) -> Result<(), Error> {
    let all = [("outcome", options.outcome.as_deref()), ("eventType", options.event.as_deref())];
    let query: Vec<_> = all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let mut parser = Parser::after(options.after.map(|seq| seq.to_string()));
    let (mut left, mut connected, mut retry) = (options.count, false, RETRY);
    loop {
        match api.stream("/api/admin/events/stream", &query, parser.last_id.as_deref()) {
            Ok(stream) => {
                if !connected {
                    output.note("Watching what comes in. Ctrl-C ends it.");
                }
                (connected, retry) = (true, RETRY);
                if show(stream, &mut parser, &mut left, output)? {
                    return Ok(());
                }
                sleep(PAUSE);
            }
            // It was there a moment ago, and will be again.
            Err(error @ (Error::Unreachable(_) | Error::Refused(_))) if connected => {
                output.note(&format!("{error}; trying again in {} s", retry.as_secs()));
                sleep(retry);
                retry = RETRY_MAX.min(retry * 2);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Shows what a connection brings, to its end or until enough was shown; whether that is so. A connection that breaks has ended, too.
fn show(stream: impl Read, parser: &mut Parser, left: &mut Option<u64>, output: Output) -> Result<bool, Error> {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        let Some(data) = parser.line(&line) else { continue };
        if output.json {
            output.text(&data)?;
        } else {
            let entry: Incoming = serde_json::from_str(&data)
                .map_err(|error| Error::Failed(format!("TrackMate's answer is not understood: {error}")))?;
            output.text(&layout::line(&entry, &chrono::Local))?;
        }
        if let Some(left) = left {
            *left -= 1;
            if *left == 0 {
                return Ok(true);
            }
        }
    }
    parser.broken();
    Ok(false)
}
