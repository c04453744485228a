//! A parser of server-sent events, for the part of the format that TrackMate's stream uses. Pure:
//! lines in, data out.

/// The state of a stream.
#[derive(Default)]
pub(super) struct Parser {
    data: Vec<String>,
    /// The id of the last complete event. A reconnect continues after it.
    pub(super) last_id: Option<String>,
    /// The id of the current, incomplete event.
    id: Option<String>,
}

impl Parser {
    /// A parser that continues after an event.
    pub(super) fn after(last_id: Option<String>) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// Takes the next line, without its line break. Returns the data of an event when it is
    /// complete.
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
            _ => {} // Comments and unused fields.
        }
        None
    }

    /// Drops an incomplete event after the connection ended. The next connection sends it again.
    pub(super) fn broken(&mut self) {
        self.data.clear();
        self.id = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_comments_and_ids_are_parsed() {
        let mut parser = Parser::default();
        let text = "retry: 1000\n: watching\nid: 5\n\nid: 7\nevent: incoming\ndata: {\"a\":1}\n\n\
                    : still\n\ndata: a\ndata:b\n\nid: 8\ndata: half";
        let data: Vec<String> = text.lines().filter_map(|line| parser.line(line)).collect();
        assert_eq!(data, ["{\"a\":1}", "a\nb"]);
        parser.broken();
        assert_eq!(parser.last_id.as_deref(), Some("7"), "an incomplete event is requested again");
        assert_eq!(parser.line(""), None);
    }
}
