//! `trackmate mcp`: the API's reads as tools of the Model Context Protocol, on standard input and
//! output. One request at a time, so the bounds of one hold for all.
//!
//! A tool is a GET of the admin API in `docs/openapi.json`, by its operation id. There is nothing
//! else to call: no other method, path or host.

mod message;
mod protocol;
mod tools;

use std::io::{self, BufRead, Read};

use self::message::{Failure, MESSAGE_BYTES_MAX};
use self::protocol::Server;
use self::tools::ApiRequest;
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

/// Answers the client until it closes standard input.
pub(crate) fn run(api: &Api, output: Output) -> Result<(), Error> {
    let fetch = |ApiRequest { path, query }: &ApiRequest| {
        let query = query.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect::<Vec<_>>();
        api.get(path, &query).map(|answer| answer.text)
    };
    let mut server = Server::new(&fetch)?;
    let mut input = io::stdin().lock();
    while let Some(line) = next_line(&mut input).map_err(|error| Error::Failed(format!("could not read: {error}")))? {
        let reply = match line {
            Line::TooLong => Some(Failure::too_long().reply(None)),
            Line::Whole(line) if line.trim_ascii().is_empty() => None,
            Line::Whole(line) => match message::read(&line) {
                Ok(request) => request.map(|request| server.reply(&request)),
                Err((id, failure)) => Some(failure.reply(id.as_ref())),
            },
        };
        if let Some(reply) = reply {
            // The client parses it, so it stays as it is. JSON has no line break.
            output.bytes(format!("{reply}\n").as_bytes())?;
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line. Of one that is too long, no more than the limit is ever in memory.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let limit = MESSAGE_BYTES_MAX as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') || line.len() <= MESSAGE_BYTES_MAX {
        return Ok(Some(Line::Whole(line)));
    }
    drop(line);
    input.skip_until(b'\n')?;
    Ok(Some(Line::TooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let whole = |text: &str| Some(Line::Whole(text.as_bytes().to_vec()));
        let longest = "x".repeat(MESSAGE_BYTES_MAX);
        let text = format!("a\n{longest}\n{longest}y\n{longest}{longest}{longest}\nb\n\nc");
        let mut input = text.as_bytes();
        let mut next = || next_line(&mut input).unwrap();
        assert_eq!(next(), whole("a\n"));
        assert_eq!(next(), whole(&format!("{longest}\n")));
        assert_eq!(next(), Some(Line::TooLong));
        assert_eq!(next(), Some(Line::TooLong));
        assert_eq!(next(), whole("b\n"));
        assert_eq!(next(), whole("\n"));
        assert_eq!(next(), whole("c"));
        assert_eq!(next(), None);
    }
}
