//! `trackmate tail`: events as they arrive, one per line. The server ends the stream every half
//! minute. The command reconnects then, and after failures, and continues after the last shown
//! event.

use std::io::{BufRead, BufReader, Read};
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use trackmate_wire::api::Incoming;

use super::layout;
use super::sse::Parser;
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

/// Pause between two connections, in case the stream is cut off again and again.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause before the first retry after a failure. Doubles with each retry …
const RETRY: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Options {
    /// Only events with this outcome.
    #[arg(long, value_name = "O", value_parser = ["stored", "duplicate", "rejected"])]
    outcome: Option<String>,
    /// Only events with this name.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Start after this entry, a `seq` of the --json output. 0 shows all stored entries.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Stop after this many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// `GET /api/admin/events/stream`, repeatedly.
pub(crate) fn run(options: &Options, api: &Api, output: Output) -> Result<(), Error> {
    let query = [("outcome", options.outcome.as_deref()), ("eventType", options.event.as_deref())];
    let mut parser = Parser::after(options.after.map(|seq| seq.to_string()));
    let (mut left, mut connected, mut retry) = (options.count, false, RETRY);
    loop {
        match api.stream("/api/admin/events/stream", &query, parser.last_id.as_deref()) {
            Ok(stream) => {
                if !connected {
                    output.note("Watching for events. Stop with Ctrl-C.");
                }
                (connected, retry) = (true, RETRY);
                if show(stream, &mut parser, &mut left, output)? {
                    return Ok(());
                }
                sleep(PAUSE);
            }
            // The server was reachable before, so retry.
            Err(error @ (Error::Unreachable(_) | Error::Rejected(_))) if connected => {
                output.note(&format!("{error}; retrying in {} s", retry.as_secs()));
                sleep(retry);
                retry = RETRY_MAX.min(retry * 2);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Shows the events of one connection. Returns whether the requested number of events was shown. A
/// broken connection counts as ended.
fn show(stream: impl Read, parser: &mut Parser, left: &mut Option<u64>, output: Output) -> Result<bool, Error> {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        let Some(data) = parser.line(&line) else { continue };
        if output.json {
            output.text(&data)?;
        } else {
            let entry: Incoming = serde_json::from_str(&data)
                .map_err(|error| Error::Failed(format!("could not parse TrackMate's answer: {error}")))?;
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
