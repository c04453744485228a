//! The only place that writes to the terminal, and that asks there. Names, bodies and messages are
//! untrusted, so escape sequences are removed from every text.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::Answer;
use crate::error::Error;

/// The output format of this run.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// Print JSON instead of text.
    pub(crate) json: bool,
    /// Answer yes to every question.
    pub(crate) yes: bool,
}

impl Output {
    /// Prints the API's answer: unchanged with `--json`, else formatted by `layout`.
    pub(crate) fn answer<T: DeserializeOwned>(
        self,
        answer: &Answer,
        layout: impl FnOnce(T) -> String,
    ) -> Result<(), Error> {
        if self.json { self.text(answer.text.trim_end()) } else { self.text(&layout(answer.read()?)) }
    }

    /// Prints a result of this tool: `value` on one line with `--json`, else `text`.
    pub(crate) fn either(self, value: &Value, text: &str) -> Result<(), Error> {
        if self.json { self.text(&value.to_string()) } else { self.text(text) }
    }

    /// Prints a line in one write, so that threads do not mix their lines.
    pub(crate) fn text(self, text: &str) -> Result<(), Error> {
        self.bytes(format!("{}\n", sanitized(text)).as_bytes())
    }

    /// Prints trusted bytes unchanged. Exits silently if the reader is gone (`trackmate … | head
    /// -1`).
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Error> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            outcome => outcome.map_err(|error| Error::Failed(format!("could not write: {error}"))),
        }
    }

    /// Prints the error to standard error.
    pub(crate) fn error(self, error: &Error) {
        if self.json {
            eprintln!("{}", error.to_json());
        } else {
            eprintln!("error: {}", sanitized(&error.to_string()));
        }
    }

    /// Asks whether to do what cannot be undone. A script, which has no terminal, is not asked: the
    /// command lines of the contract work in it as they stand.
    pub(crate) fn confirm(self, question: &str) -> Result<(), Error> {
        if self.yes || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(());
        }
        eprint!("{} [y/N] ", sanitized(question));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        match (read, answer.trim()) {
            (Ok(_), "y" | "Y" | "yes") => Ok(()),
            _ => Err(Error::Failed("nothing was changed".into())),
        }
    }

    /// Prints a note to standard error, so that programs can parse standard output.
    pub(crate) fn note(self, text: &str) {
        eprintln!("{}", sanitized(text));
    }

    /// Shows progress on one line that the next call overwrites. Only if standard error is a
    /// terminal.
    pub(crate) fn progress(self, text: &str) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K{}", sanitized(text));
        }
    }

    /// Clears the progress line.
    pub(crate) fn progress_done(self) {
        self.progress("");
    }
}

/// Replaces control characters, except line breaks and tabs.
fn sanitized(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_removed_from_texts() {
        assert_eq!(sanitized("a\x1b[2Jb\u{9b}c\r\n\té"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\n\té");
    }
}
