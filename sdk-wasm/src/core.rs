//! The SDK's decisions. Every call, answer, timer and page hide comes in with the moment it happens at; what comes out is a list
//! of effects for the browser to carry out. Nothing here waits, reads a clock, draws a random number or touches the page.
//!
//! The life of a call: it gets its session, message id and time, joins the outbox and is stored; when the batch is full, old
//! enough or asked for, it goes out with its neighbours, one request at a time; when the answer is final it is forgotten.

use crate::encode::{iso, quote, uuid_v4};
use crate::limits::{
    ANSWER_WAIT_MAX_MS, BATCH_SIZE, EVENT_BYTES_MAX, EVENT_NAME_CHARS_MAX, FLUSH_INTERVAL_MS, IDENTIFY_FAILURES_MAX,
};
use crate::outbox::{Item, Kind, Outbox, body};
use crate::retry::{Answer, AnswerBody, Verdict, wait_ms};
use crate::session::{STORAGE_KEY, Session};
use serde::Deserialize;

/// What a step may depend on besides its own arguments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moment {
    /// Milliseconds since the epoch. For a call, when it was made, which may be before the wasm was there to take it.
    pub(crate) now_ms: u64,
    /// Fresh random bits, should a message id be needed.
    pub(crate) message_bits: [u8; 16],
    /// Fresh random bits, should a session or a wait be needed.
    pub(crate) session_bits: [u8; 16],
    /// The stored session, as it is now.
    pub(crate) session: Option<String>,
}

/// `init`'s third argument.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Options {
    /// Longest wait of a batch, in milliseconds.
    pub(crate) flush_interval: Option<u64>,
    /// Number of events that does not wait.
    pub(crate) batch_size: Option<usize>,
}

/// The last argument of `track` and `identify`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CallOptions {
    /// ISO 8601, instead of the time of the call.
    pub(crate) timestamp: Option<String>,
    /// Instead of one made here.
    pub(crate) message_id: Option<String>,
}

/// Something for the browser to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// POST this and come back with `Core::answered`.
    Send(Request),
    /// Come back with `Core::wake` at this time; replaces every earlier wish. `None`: no need.
    Wake(Option<u64>),
    /// Keep this across page loads.
    Store {
        /// Storage key.
        key: String,
        /// Storage value.
        value: String,
    },
    /// Stop keeping it.
    Forget(String),
    /// Settle the promise with this ticket.
    Settle(u32, Settlement),
    /// Tell the developer.
    Warn(String),
}

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Names it in its answer.
    pub(crate) id: u32,
    /// Where to.
    pub(crate) url: String,
    /// JSON.
    pub(crate) body: String,
}

/// How a promise ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// `flush`: whether everything called before it is done.
    Flushed(bool),
    /// `identify`: who it is.
    Identified(String),
    /// `identify`: why not.
    Failed {
        /// The server's problem code, or `unreachable`, `invalid` or `dropped`.
        code: String,
        /// For a developer.
        message: String,
    },
}

#[derive(Debug)]
struct Target {
    company: String,
    url: String,
    flush_interval_ms: u64,
    batch_size: usize,
}

/// A promise that ends with the call of this number (identify), or with all up to it (flush).
#[derive(Debug)]
struct Promised {
    ticket: u32,
    number: u64,
    kind: Promise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Flush,
    Identify,
}

/// The whole state of the SDK on one page.
#[derive(Debug, Default)]
pub(crate) struct Core {
    target: Option<Target>,
    outbox: Outbox,
    last_stamp_ms: u64,
    /// When what waits should go out.
    due_ms: Option<u64>,
    /// Requests without an answer, with the time they left.
    flying: Vec<(u32, u64)>,
    requests: u32,
    failures: u32,
    /// No request before this time.
    pause_until_ms: u64,
    promised: Vec<Promised>,
}

impl Core {
    /// Says where calls go. `stored` is what earlier pages left under the company's key prefix.
    pub(crate) fn init(
        &mut self,
        company: &str,
        api_url: &str,
        options: &Options,
        stored: &[(String, String)],
        moment: &Moment,
    ) -> Vec<Effect> {
        let url = api_url.trim_end_matches('/');
        if let Some(target) = &self.target {
            let again = target.company == company && target.url == url;
            return if again {
                vec![]
            } else {
                vec![warn("init was called before, with another company or address: ignored")]
            };
        }
        if company.is_empty() || url.is_empty() {
            return vec![warn("init needs a company id and the address of TrackMate")];
        }
        let mut effects: Vec<_> = self.outbox.items().map(|item| store(item, company)).collect();
        let left: Vec<_> = stored.iter().filter_map(|(key, value)| Item::parse(company, key, value)).collect();
        if !left.is_empty() {
            self.due_ms = Some(moment.now_ms);
        }
        self.outbox.restore(left);
        self.target = Some(Target {
            company: company.to_owned(),
            url: url.to_owned(),
            flush_interval_ms: options.flush_interval.unwrap_or(FLUSH_INTERVAL_MS),
            batch_size: options.batch_size.unwrap_or(BATCH_SIZE).max(1),
        });
        self.give_up_overflow(&mut effects);
        self.advance(moment.now_ms, &mut effects);
        effects
    }

    /// Queues an event. `data` is JSON.
    pub(crate) fn track(&mut self, name: &str, data: &str, options: CallOptions, moment: &Moment) -> Vec<Effect> {
        if name.is_empty() || name.chars().count() > EVENT_NAME_CHARS_MAX {
            return vec![warn(&format!("an event's name has 1 to {EVENT_NAME_CHARS_MAX} characters: dropped"))];
        }
        let named = format!("{{\"eventType\":{},\"eventData\":{data},", quote(name));
        match self.queue(Kind::Event, (&named, "}"), options, moment) {
            Ok((_, effects)) => effects,
            Err(too_large) => vec![warn(&format!("{name}: {too_large}"))],
        }
    }

    /// Queues an identify, to go out at once behind what waits. `traits` is a JSON object.
    pub(crate) fn identify(&mut self, traits: &str, options: CallOptions, ticket: u32, moment: &Moment) -> Vec<Effect> {
        let members = traits.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        let members = if members.is_empty() { String::new() } else { format!("{members},") };
        match self.queue(Kind::Identify, (&members, ""), options, moment) {
            Ok((number, mut effects)) => {
                self.promised.push(Promised { ticket, number, kind: Promise::Identify });
                self.due_ms = Some(moment.now_ms);
                self.advance(moment.now_ms, &mut effects);
                effects
            }
            Err(message) => vec![Effect::Settle(ticket, Settlement::Failed { code: "invalid".to_owned(), message })],
        }
    }

    /// The current session's id.
    pub(crate) fn session_id(&mut self, moment: &Moment) -> (String, Vec<Effect>) {
        let session = Session::resume(moment.session.as_deref(), moment.now_ms, moment.session_bits);
        let stored = session.to_stored();
        let effects = if moment.session.as_ref() == Some(&stored) { vec![] } else { vec![store_session(stored)] };
        (session.id, effects)
    }

    /// Ends the session; the next call is in another one. `session` is that one if the page had to choose it already.
    pub(crate) fn reset(&mut self, session: Option<&str>, moment: &Moment) -> Vec<Effect> {
        let chosen = session.and_then(Session::parse);
        let session = chosen.unwrap_or_else(|| Session::start(moment.now_ms, moment.session_bits));
        vec![store_session(session.to_stored())]
    }

    /// Sends what waits, now.
    pub(crate) fn flush(&mut self, ticket: u32, moment: &Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        let number = self.outbox.latest();
        self.promised.push(Promised { ticket, number, kind: Promise::Flush });
        self.due_ms = Some(moment.now_ms);
        self.settle_flushed(&mut effects);
        self.advance(moment.now_ms, &mut effects);
        effects
    }

    /// The time asked for by `Effect::Wake` has come.
    pub(crate) fn wake(&mut self, moment: &Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.advance(moment.now_ms, &mut effects);
        effects
    }

    /// The page is going out of sight and may never come back: all goes out at once, side by side. During a pause what waits
    /// stays in storage for the next page instead.
    pub(crate) fn hide(&mut self, moment: &Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        if moment.now_ms >= self.pause_until_ms {
            while self.send_next(moment.now_ms, &mut effects) {}
        }
        self.advance(moment.now_ms, &mut effects);
        effects
    }

    /// An answer came, or the network failed.
    pub(crate) fn answered(&mut self, request: u32, answer: Answer, moment: &Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.flying.iter().any(|(id, _)| *id == request) {
            return effects; // It had been given up as lost, and its calls have gone out again.
        }
        self.flying.retain(|(id, _)| *id != request);
        let verdict = answer.verdict();
        if verdict == Verdict::Again {
            self.failed(request, answer.retry_after_ms, moment, &mut effects);
        } else {
            self.failures = 0;
            let body = answer.body.unwrap_or_default();
            for rejected in &body.rejected {
                effects.push(warn(&format!("an event was refused: {} {}", rejected.code, rejected.message)));
            }
            let refusal = (verdict == Verdict::Refused).then(|| refusal(answer.status, &body));
            let done = self.outbox.finish(request);
            if let (Some(Settlement::Failed { code, message }), true) =
                (&refusal, done.iter().any(|(_, item)| item.kind == Kind::Event))
            {
                effects.push(warn(&format!("{} events were refused: {code} {message}", done.len())));
            }
            let end = refusal.unwrap_or(Settlement::Identified(body.profile_id.unwrap_or_default()));
            for (number, item) in done {
                self.end(number, &item, &end, &mut effects);
            }
            self.settle_flushed(&mut effects);
        }
        self.advance(moment.now_ms, &mut effects);
        effects
    }

    /// Gives a call its session, time and message id, and queues it. `around` is the JSON before and after those.
    fn queue(
        &mut self,
        kind: Kind,
        around: (&str, &str),
        options: CallOptions,
        moment: &Moment,
    ) -> Result<(u64, Vec<Effect>), String> {
        let stamp_ms = moment.now_ms.max(self.last_stamp_ms + 1);
        let message_id = options.message_id.unwrap_or_else(|| uuid_v4(moment.message_bits));
        let timestamp = options.timestamp.unwrap_or_else(|| iso(stamp_ms));
        let json =
            format!("{}\"timestamp\":{},\"messageId\":{}{}", around.0, quote(&timestamp), quote(&message_id), around.1);
        if json.len() > EVENT_BYTES_MAX {
            return Err(format!("{} bytes are more than the {EVENT_BYTES_MAX} allowed: dropped", json.len()));
        }
        self.last_stamp_ms = stamp_ms;
        let session =
            Session::resume(moment.session.as_deref(), moment.now_ms, moment.session_bits).touched(moment.now_ms);
        let mut effects = vec![store_session(session.to_stored())];
        let item = Item { kind, session: session.id, stamp_ms, message_id, json };
        if let Some(target) = &self.target {
            effects.push(store(&item, &target.company));
        }
        let number = self.outbox.push(item);
        self.give_up_overflow(&mut effects);
        self.due_ms = Some(self.due_ms.unwrap_or(moment.now_ms + self.flush_interval_ms()));
        if self.target.as_ref().is_some_and(|target| self.outbox.idle() >= target.batch_size) {
            self.due_ms = Some(moment.now_ms);
        }
        self.advance(moment.now_ms, &mut effects);
        Ok((number, effects))
    }

    fn flush_interval_ms(&self) -> u64 {
        self.target.as_ref().map_or(FLUSH_INTERVAL_MS, |target| target.flush_interval_ms)
    }

    /// Does what has become due and says when to look again.
    fn advance(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        let lost: Vec<_> =
            self.flying.iter().filter(|(_, left)| left + ANSWER_WAIT_MAX_MS <= now_ms).copied().collect();
        for (request, _) in lost {
            self.flying.retain(|(id, _)| *id != request);
            self.failed(request, None, &Moment { now_ms, ..Moment::default() }, effects);
        }
        let due = self.due_ms.is_some_and(|due| due.max(self.pause_until_ms) <= now_ms);
        if due && self.flying.is_empty() {
            self.send_next(now_ms, effects);
        }
        let wake_ms = match self.flying.iter().map(|(_, left)| left + ANSWER_WAIT_MAX_MS).min() {
            Some(lost_at) => Some(lost_at),
            None => self.target.as_ref().and(self.due_ms).map(|due| due.max(self.pause_until_ms)),
        };
        effects.push(Effect::Wake(wake_ms));
    }

    /// Sends the next request, if anything waits.
    fn send_next(&mut self, now_ms: u64, effects: &mut Vec<Effect>) -> bool {
        let Some(target) = &self.target else { return false };
        let id = self.requests.wrapping_add(1);
        let Some(items) = self.outbox.take(id) else {
            self.due_ms = None;
            return false;
        };
        let path = match items.first().map(|item| item.kind) {
            Some(Kind::Identify) => "/api/profile",
            Some(Kind::Event) | None => "/api/events",
        };
        let body = body(&target.company, &items, &iso(now_ms));
        effects.push(Effect::Send(Request { id, url: format!("{}{path}", target.url), body }));
        self.requests = id;
        self.flying.push((id, now_ms));
        if self.outbox.idle() == 0 {
            self.due_ms = None;
        }
        true
    }

    /// Puts a request's calls back and pauses. Requests that fail side by side are one failure.
    fn failed(&mut self, request: u32, retry_after_ms: Option<u64>, moment: &Moment, effects: &mut Vec<Effect>) {
        self.outbox.put_back(request);
        self.due_ms = Some(moment.now_ms);
        if moment.now_ms >= self.pause_until_ms {
            self.failures += 1;
        }
        let [random, ..] = moment.session_bits;
        let wait = wait_ms(self.failures, retry_after_ms, random);
        self.pause_until_ms = self.pause_until_ms.max(moment.now_ms + wait);
        let unreachable = self.failures >= IDENTIFY_FAILURES_MAX;
        self.promised.retain(|promised| {
            let end = match promised.kind {
                Promise::Flush => Settlement::Flushed(false),
                Promise::Identify if unreachable => Settlement::Failed {
                    code: "unreachable".to_owned(),
                    message: "TrackMate cannot be reached; the call is kept and sent when it can".to_owned(),
                },
                Promise::Identify => return true,
            };
            effects.push(Effect::Settle(promised.ticket, end));
            false
        });
    }

    /// A call is over: it need not be stored any more, and its promise ends.
    fn end(&mut self, number: u64, item: &Item, end: &Settlement, effects: &mut Vec<Effect>) {
        if let Some(target) = &self.target {
            effects.push(Effect::Forget(item.key(&target.company)));
        }
        self.promised.retain(|promised| {
            let ends = promised.kind == Promise::Identify && promised.number == number;
            if ends {
                effects.push(Effect::Settle(promised.ticket, end.clone()));
            }
            !ends
        });
    }

    fn settle_flushed(&mut self, effects: &mut Vec<Effect>) {
        let outbox = &self.outbox;
        self.promised.retain(|promised| {
            let ends = promised.kind == Promise::Flush && !outbox.holds_up_to(promised.number);
            if ends {
                effects.push(Effect::Settle(promised.ticket, Settlement::Flushed(true)));
            }
            !ends
        });
    }

    fn give_up_overflow(&mut self, effects: &mut Vec<Effect>) {
        let given_up = self.outbox.overflow();
        if !given_up.is_empty() {
            effects.push(warn(&format!("{} calls were given up: too many wait for a connection", given_up.len())));
        }
        let end = Settlement::Failed {
            code: "dropped".to_owned(),
            message: "too many calls wait for a connection; this one was given up".to_owned(),
        };
        for (number, item) in given_up {
            self.end(number, &item, &end, effects);
        }
    }
}

fn warn(text: &str) -> Effect {
    Effect::Warn(text.to_owned())
}

fn store(item: &Item, company: &str) -> Effect {
    Effect::Store { key: item.key(company), value: item.to_stored() }
}

fn store_session(value: String) -> Effect {
    Effect::Store { key: STORAGE_KEY.to_owned(), value }
}

fn refusal(status: u16, body: &AnswerBody) -> Settlement {
    Settlement::Failed {
        code: body.code.clone().unwrap_or_else(|| format!("http_{status}")),
        message: body.message.clone().unwrap_or_else(|| format!("TrackMate answered {status}")),
    }
}

#[cfg(test)]
mod tests;
