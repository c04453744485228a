//! Server-sent events, read line by line: the part of the format that TrackMate's stream uses. Pure: lines in, data out.

/// What a stream has told so far.
#[derive(Default)]
pub(super) struct Parser {
    data: Vec<String>,
    /// Where a reader that comes back goes on: behind the last event that was told to its end.
    pub(super) last_id: Option<String>,
    /// The id of the one that is being told.
    id: Option<String>,
}

impl Parser {
    /// A reader that goes on behind an event.
    pub(super) fn after(last_id: Option<String>) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// The next line, without its end; the data of an event when it is the blank one behind it.
    pub(super) fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            self.last_id = self.id.take().or(self.last_id.take());
            let data = std::mem::take(&mut self.data);
            return (!data.is_empty()).then(|| data.join("\n"));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "data" => self.data.push(value),
            "id" => self.id = Some(value),
            _ => {} // Comments, and what this reader does not need.
        }
        None
    }

    /// The connection has ended: what was not told to its end is told anew by the next.
    pub(super) fn broken(&mut self) {
        self.data.clear();
        self.id = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_comments_and_places_are_told_apart() {
        let mut parser = Parser::default();
        let text = "retry: 1000\n: watching\nid: 5\n\nid: 7\nevent: incoming\ndata: {\"a\":1}\n\n: still\n\ndata: a\ndata:b\n\nid: 8\ndata: half";
        let data: Vec<String> = text.lines().filter_map(|line| parser.line(line)).collect();
        assert_eq!(data, ["{\"a\":1}", "a\nb"]);
        parser.broken();
        assert_eq!(parser.last_id.as_deref(), Some("7"), "what was half told is asked for again");
        assert_eq!(parser.line(""), None);
    }
}
