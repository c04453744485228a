//! The calls that have not reached the server, in the order they were made, and how they are cut into requests. Each is also
//! written to the browser's storage under its own key, so that tabs never overwrite one another and a reload loses nothing:
//! whoever finds a call there sends it, and the server recognises the repeat by its message id.

use crate::encode::quote;
use crate::limits::{BATCH_EVENTS_MAX, QUEUE_BYTES_MAX, QUEUE_ITEMS_MAX, REQUEST_BYTES_MAX};
use std::collections::VecDeque;

/// What a call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `track`, `trackPageView`
    Event,
    /// `identify`
    Identify,
}

/// One call on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Event or identify.
    pub(crate) kind: Kind,
    /// The visit it was made in.
    pub(crate) session: String,
    /// When it was made; no two calls of a page share an instant.
    pub(crate) stamp_ms: u64,
    /// What the server recognises it by.
    pub(crate) message_id: String,
    /// An event's JSON object, or the members of identify's body without their braces.
    pub(crate) json: String,
}

impl Item {
    /// The storage key: sorts by company, then by the time of the call.
    pub(crate) fn key(&self, company: &str) -> String {
        format!("{}{:013}.{}", key_prefix(company), self.stamp_ms, self.message_id)
    }

    /// The stored form: `e` or `i`, the session, a space, the JSON.
    pub(crate) fn to_stored(&self) -> String {
        let kind = match self.kind {
            Kind::Event => 'e',
            Kind::Identify => 'i',
        };
        format!("{kind}{} {}", self.session, self.json)
    }

    /// Reads back what `key` and `to_stored` wrote.
    pub(crate) fn parse(company: &str, key: &str, stored: &str) -> Option<Self> {
        let (stamp, message_id) = key.strip_prefix(&key_prefix(company))?.split_once('.')?;
        let (session, json) = stored.split_once(' ')?;
        let (kind, session) = match session.strip_prefix('e') {
            Some(session) => (Kind::Event, session),
            None => (Kind::Identify, session.strip_prefix('i')?),
        };
        Some(Self {
            kind,
            session: session.to_owned(),
            stamp_ms: stamp.parse().ok()?,
            message_id: message_id.to_owned(),
            json: json.to_owned(),
        })
    }
}

/// What every stored call of a company begins with.
pub(crate) fn key_prefix(company: &str) -> String {
    format!("trackmate.queue.{company}.")
}

/// A waiting call: `number` counts calls up, `request` names the request that carries it now.
#[derive(Debug)]
struct Waiting {
    item: Item,
    number: u64,
    request: Option<u32>,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    numbers: u64,
}

impl Outbox {
    /// Adds a call and says its number.
    pub(crate) fn push(&mut self, item: Item) -> u64 {
        self.numbers += 1;
        self.bytes += item.json.len();
        self.waiting.push_back(Waiting { item, number: self.numbers, request: None });
        self.numbers
    }

    /// Adds what an earlier page left behind; it goes before this page's own calls.
    pub(crate) fn restore(&mut self, mut left: Vec<Item>) {
        left.sort_by(|a, b| (a.stamp_ms, &a.message_id).cmp(&(b.stamp_ms, &b.message_id)));
        for item in left.into_iter().rev() {
            self.numbers += 1;
            self.bytes += item.json.len();
            self.waiting.push_front(Waiting { item, number: self.numbers, request: None });
        }
    }

    /// Gives up the oldest calls that are too many; a call already on its way is not touched.
    pub(crate) fn overflow(&mut self) -> Vec<(u64, Item)> {
        let mut given_up = Vec::new();
        while self.waiting.len() > QUEUE_ITEMS_MAX || self.bytes > QUEUE_BYTES_MAX {
            let Some(oldest) = self.waiting.iter().position(|w| w.request.is_none()) else { break };
            given_up.extend(self.waiting.remove(oldest).map(|w| (w.number, w.item)));
            self.bytes -= given_up.last().map_or(0, |(_, item)| item.json.len());
        }
        given_up
    }

    /// Marks the next calls as carried by `request`: one identify, or a run of events of one visit that fit one body.
    pub(crate) fn take(&mut self, request: u32) -> Option<Vec<&Item>> {
        let mut free = self.waiting.iter_mut().filter(|w| w.request.is_none()).peekable();
        let (kind, session) = free.peek().map(|w| (w.item.kind, w.item.session.clone()))?;
        let count_max = match kind {
            Kind::Event => BATCH_EVENTS_MAX,
            Kind::Identify => 1,
        };
        let mut bytes = 0;
        for waiting in free.take(count_max) {
            let first = bytes == 0;
            bytes += waiting.item.json.len() + 1;
            let fits = first || bytes <= REQUEST_BYTES_MAX - ENVELOPE_BYTES_MAX;
            if !fits || waiting.item.kind != kind || waiting.item.session != session {
                break;
            }
            waiting.request = Some(request);
        }
        Some(self.carried(request).collect())
    }

    /// The calls a request carries.
    fn carried(&self, request: u32) -> impl Iterator<Item = &Item> {
        self.waiting.iter().filter(move |w| w.request == Some(request)).map(|w| &w.item)
    }

    /// The request failed: its calls wait again, in their old places.
    pub(crate) fn put_back(&mut self, request: u32) {
        for waiting in self.waiting.iter_mut().filter(|w| w.request == Some(request)) {
            waiting.request = None;
        }
    }

    /// The request was answered: its calls are done.
    pub(crate) fn finish(&mut self, request: u32) -> Vec<(u64, Item)> {
        let (done, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(|w| w.request == Some(request));
        self.waiting = waiting;
        self.bytes = self.waiting.iter().map(|w| w.item.json.len()).sum();
        done.into_iter().map(|w| (w.number, w.item)).collect()
    }

    /// Every call that waits or is on its way.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.waiting.iter().map(|w| &w.item)
    }

    /// How many calls no request carries.
    pub(crate) fn idle(&self) -> usize {
        self.waiting.iter().filter(|w| w.request.is_none()).count()
    }

    /// Whether a call up to and including this number is still here.
    pub(crate) fn holds_up_to(&self, number: u64) -> bool {
        self.waiting.iter().any(|w| w.number <= number)
    }

    /// The number of the latest call.
    pub(crate) fn latest(&self) -> u64 {
        self.numbers
    }
}

/// Room for all of a body that is not calls: company, session, time and their names.
const ENVELOPE_BYTES_MAX: usize = 1_000;

/// The body of a request.
pub(crate) fn body(company: &str, items: &[&Item], sent_at: &str) -> String {
    let (kind, session) = items.first().map_or((Kind::Event, ""), |item| (item.kind, &item.session));
    let calls = items.iter().map(|item| item.json.as_str()).collect::<Vec<_>>().join(",");
    let calls = match kind {
        Kind::Event => format!("\"events\":[{calls}]"),
        Kind::Identify => calls,
    };
    format!(
        "{{\"company_id\":{},\"sessionId\":{},{calls},\"sentAt\":{}}}",
        quote(company),
        quote(session),
        quote(sent_at)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(kind: Kind, session: &str, stamp_ms: u64, bytes: usize) -> Item {
        let message_id = format!("m{stamp_ms}");
        let json = match kind {
            Kind::Event => format!("{{\"eventType\":\"{}\"}}", "x".repeat(bytes)),
            Kind::Identify => format!("\"name\":\"{}\"", "x".repeat(bytes)),
        };
        Item { kind, session: session.to_owned(), stamp_ms, message_id, json }
    }

    #[test]
    fn a_call_reads_back_from_storage() {
        for kind in [Kind::Event, Kind::Identify] {
            let call =
                Item { message_id: "order.1 paid".to_owned(), ..item(kind, "session_1_ab", 1_760_781_600_000, 3) };
            assert_eq!(Item::parse("TM-A", &call.key("TM-A"), &call.to_stored()), Some(call));
        }
    }

    #[test]
    fn what_another_company_or_program_stored_is_left_alone() {
        let call = item(Kind::Event, "s", 1, 3);
        assert_eq!(Item::parse("TM-A", &call.key("TM-A.B"), &call.to_stored()), None);
        assert_eq!(Item::parse("TM-A", "trackmate.queue.TM-A.x", "hello"), None);
    }

    #[test]
    fn an_identify_travels_alone_and_in_its_place() {
        let mut outbox = Outbox::default();
        for (stamp, kind) in [Kind::Event, Kind::Event, Kind::Identify, Kind::Event].into_iter().enumerate() {
            outbox.push(item(kind, "s", stamp as u64, 1));
        }
        let counts: Vec<_> = (1..=4).map(|request| outbox.take(request).map(|items| items.len())).collect();
        assert_eq!(counts, [Some(2), Some(1), Some(1), None]);
    }

    #[test]
    fn the_oldest_calls_give_way() {
        let mut outbox = Outbox::default();
        for stamp in 0..QUEUE_ITEMS_MAX as u64 + 2 {
            outbox.push(item(Kind::Event, "s", stamp, 1));
        }
        let given_up: Vec<_> = outbox.overflow().into_iter().map(|(_, item)| item.stamp_ms).collect();
        assert_eq!(given_up, [0, 1]);
    }

    proptest! {
        /// Whatever is queued goes out once, in order, within every limit, and as valid JSON.
        #[test]
        fn requests_cut_the_queue_without_loss(calls in prop::collection::vec((any::<bool>(), 0u8..2, 0usize..32_000), 0..60)) {
            let mut outbox = Outbox::default();
            let mut kinds = Vec::new();
            for (stamp, (event, session, bytes)) in calls.iter().enumerate() {
                let kind = if *event { Kind::Event } else { Kind::Identify };
                kinds.push(kind);
                outbox.push(item(kind, &format!("s{session}"), stamp as u64, *bytes));
            }
            let mut sent = Vec::new();
            let mut request = 0;
            loop {
                request += 1;
                let Some(items) = outbox.take(request) else { break };
                prop_assert!(!items.is_empty());
                let body = body("TM-A", &items, "2025-10-18T10:00:00.000Z");
                prop_assert!(body.len() <= REQUEST_BYTES_MAX);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
                sent.extend(items.iter().map(|item| (item.stamp_ms, item.kind)));
            }
            let queued: Vec<_> = kinds.into_iter().enumerate().map(|(stamp, kind)| (stamp as u64, kind)).collect();
            prop_assert_eq!(sent, queued);
        }
    }
}
