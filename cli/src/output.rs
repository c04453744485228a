//! The only place that writes to the terminal. Names, bodies and messages come from strangers, so what could steer a terminal
//! (escape sequences) is taken out of every text on its way.

use std::io::{self, IsTerminal, Write};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::Answer;
use crate::error::Error;

/// How this run prints.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of text.
    pub(crate) json: bool,
}

impl Output {
    /// The API's answer: as it came with `--json`, else as `layout` puts it.
    pub(crate) fn answer<T: DeserializeOwned>(
        self,
        answer: &Answer,
        layout: impl FnOnce(T) -> String,
    ) -> Result<(), Error> {
        if self.json { self.text(answer.text.trim_end()) } else { self.text(&layout(answer.read()?)) }
    }

    /// A result of our own: `value` on one line with `--json`, else `text`.
    pub(crate) fn either(self, value: &Value, text: &str) -> Result<(), Error> {
        if self.json { self.text(&value.to_string()) } else { self.text(text) }
    }

    /// A text and the end of its line, written at once so that two threads do not mix theirs.
    pub(crate) fn text(self, text: &str) -> Result<(), Error> {
        self.bytes(format!("{}\n", harmless(text)).as_bytes())
    }

    /// Bytes of our own making, as they are. A reader that has gone (`trackmate … | head -1`) ends the run, quietly.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Error> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            outcome => outcome.map_err(|error| Error::Failed(format!("could not write: {error}"))),
        }
    }

    /// Why the run failed, on standard error.
    pub(crate) fn error(self, error: &Error) {
        if self.json {
            eprintln!("{}", error.to_json());
        } else {
            eprintln!("error: {}", harmless(&error.to_string()));
        }
    }

    /// A remark on standard error, which leaves the output to be read by programs.
    pub(crate) fn note(self, text: &str) {
        eprintln!("{}", harmless(text));
    }

    /// How far long work is, on one line that the next call rewrites; only for a person who watches.
    pub(crate) fn progress(self, text: &str) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K{}", harmless(text));
        }
    }

    /// Takes the line of `progress` away.
    pub(crate) fn progress_done(self) {
        self.progress("");
    }
}

/// The text without control characters, line ends and tabs apart.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\u{9b}c\r\n\té"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\n\té");
    }
}
