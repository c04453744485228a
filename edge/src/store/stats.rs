//! Counts the events of a range of time in slices, from `events`, `links`, `profiles`,
//! `deliveries`, `attempts` and `subscriptions`.

pub mod ahead;
pub mod events;
mod memory;

use std::rc::Rc;

use events::{EventWalk, StoredHour, Trip};
use serde::Deserialize;
use trackmate_wire::limits::STATS_ROWS_MAX;
use worker::Date;

use super::slices::Slices;
use super::subscriptions::Subscription;
use super::{Answers, Batch, ChangeStamp, Db, Param, Result, Slot, sql};
use crate::domain::stats::{Counting, Figures, Range, Sent};

/// The figures of a range, and the webhooks.
#[derive(Debug)]
pub struct Stats {
    /// The counted figures.
    pub figures: Rc<Figures>,
    /// All webhooks in their current state.
    pub webhooks: Vec<Subscription>,
}

/// A slice of users: the columns of `stats.people.sql`.
#[derive(Deserialize)]
struct People {
    people: i64,
    created: String,
    next: Option<String>,
}

/// A slice of deliveries: the columns of `stats.deliveries.sql`.
#[derive(Deserialize)]
struct Deliveries {
    deliveries: String,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Active {
    n: i64,
    person: Option<String>,
    next: Option<String>,
}

/// Counts a company's range; `None` if the count takes more slices than are left. Each round trip
/// takes a slice of every count that is not finished, so that other requests can run between.
///
/// # Errors
/// D1's.
pub async fn read(
    db: &Db,
    company: &str,
    range: Range,
    slices: &mut Slices,
    stamp: ChangeStamp,
) -> Result<Option<Stats>> {
    let whole: [Param<'_>; 3] = [company.into(), range.from_ms.into(), range.to_ms.into()];
    let mut count = Count::new(range, stamp);
    let (counted_ms, mut trips) = (Date::now().as_millis(), 0);
    let figures = loop {
        // Another request may have counted the same meanwhile.
        if let Some(figures) = memory::find(company, &range, Date::now().as_millis()) {
            break figures;
        }
        let open = count.open();
        if open == 0 {
            for statement in count.events.storing(company)? {
                slices.turns.take(db.batch(db.bind_all(&[statement])?)).await?;
            }
            let figures = Rc::new(count.counting.figures());
            if trips > 1 {
                memory::put(company, range, counted_ms, &figures);
            }
            break figures;
        }
        if slices.rows().is_none() {
            return Ok(None);
        }
        let rows = STATS_ROWS_MAX / count.sharing();
        let mut batch = Batch::default();
        let slots = count.push(db, &mut batch, &Params { company, range, whole, rows })?;
        let answers = slices.turns.take(db.run_batch(batch)).await?;
        count.take(&answers, slots)?;
        trips += 1;
    };
    let webhooks = match count.webhooks {
        Some(webhooks) => webhooks,
        None => db.run(sql::SUBSCRIPTION_LIST, &whole[..1]).await?.rows()?,
    };
    Ok(Some(Stats { figures, webhooks }))
}

/// The count of a range so far. Each walk has the place of its next slice, and `None` when it is
/// finished.
struct Count {
    counting: Counting,
    webhooks: Option<Vec<Subscription>>,
    events: EventWalk,
    people: Option<String>,
    active: Option<(String, i64, String, i64, String)>,
    deliveries: Option<(String, String)>,
    /// The last counted person, who does not count twice.
    person: String,
}

/// The parameters that the statements of a round trip share.
struct Params<'a> {
    company: &'a str,
    range: Range,
    /// The company and the range.
    whole: [Param<'a>; 3],
    /// The most rows that each statement may read, except that of people.
    rows: i64,
}

/// The slots of a round trip: those of the walks that are not finished.
#[derive(Default)]
struct Slots {
    hours: Option<Slot<StoredHour>>,
    events: Option<Slot<events::Slice>>,
    people: Option<Slot<People>>,
    active: Option<Slot<Active>>,
    deliveries: Option<Slot<Deliveries>>,
    webhooks: Option<Slot<Subscription>>,
}

impl Count {
    fn new(range: Range, stamp: ChangeStamp) -> Self {
        Self {
            counting: Counting::new(range),
            webhooks: None,
            events: EventWalk::new(range, stamp),
            people: Some(String::new()),
            active: Some((String::new(), -1, String::new(), -1, String::new())),
            deliveries: Some((String::new(), String::new())),
            person: String::new(),
        }
    }

    /// The number of walks that are not finished.
    fn open(&self) -> i64 {
        let walks = [self.events.is_open(), self.people.is_some(), self.active.is_some(), self.deliveries.is_some()];
        walks.into_iter().map(i64::from).sum()
    }

    /// The number of walks that share the rows of a slice. The walk over people is not one of them:
    /// it reads its rows in their order, which takes a tenth of the time.
    fn sharing(&self) -> i64 {
        (self.open() - i64::from(self.people.is_some())).max(1)
    }

    /// Adds the statements of the next slices.
    fn push(&mut self, db: &Db, batch: &mut Batch, params: &Params<'_>) -> Result<Slots> {
        let Params { company, range, whole, rows } = params;
        let (mut slots, rows) = (Slots::default(), *rows);
        let Trip { open, hours, events } = self.events.trip(company, range, rows);
        batch.write_all(db.bind_all(&open.into_iter().collect::<Vec<_>>())?);
        if let Some(statement) = hours {
            slots.hours = Some(batch.read_first(db.bind_all(&[statement])?));
        }
        if let Some(statement) = events {
            slots.events = Some(batch.read_first(db.bind_all(&[statement])?));
        }
        if let Some(id) = &self.people {
            let place = [id.into(), STATS_ROWS_MAX.into()];
            slots.people = Some(batch.read(db.bind(sql::STATS_PEOPLE, &[&whole[..], &place].concat())?));
        }
        if let Some((profile, last, session, at, id)) = &self.active {
            let person = (&self.person).into();
            let place = [profile.into(), (*last).into(), session.into(), (*at).into(), id.into(), rows.into(), person];
            slots.active = Some(batch.read(db.bind(sql::STATS_ACTIVE, &[&whole[..], &place].concat())?));
        }
        if let Some((subscription, id)) = &self.deliveries {
            // Each delivery reads its row and the rows of its attempts.
            let place = [subscription.into(), id.into(), (rows / 2).into()];
            slots.deliveries = Some(batch.read(db.bind(sql::STATS_DELIVERIES, &[&whole[..], &place].concat())?));
        }
        if self.webhooks.is_none() {
            slots.webhooks = Some(batch.read(db.bind(sql::SUBSCRIPTION_LIST, &whole[..1])?));
        }
        Ok(slots)
    }

    /// Adds the slices to the count.
    fn take(&mut self, answers: &Answers, slots: Slots) -> Result<()> {
        let hours = slots.hours.map(|slot| answers.rows(&slot)).transpose()?.unwrap_or_default();
        let events = slots.events.map(|slot| answers.first(&slot)).transpose()?.flatten();
        self.events.take(&hours, events, &mut self.counting)?;
        if let Some(slice) = slots.people.map(|slot| answers.first(&slot)).transpose()?.flatten() {
            self.counting.people(slice.people, &serde_json::from_str::<Vec<i64>>(&slice.created)?);
            self.people = slice.next;
        }
        if let Some(slot) = slots.active {
            let found = answers.first(&slot)?;
            self.counting.active(found.as_ref().map_or(0, |active| active.n));
            let (last, next) = found.map_or((None, None), |active| (active.person, active.next));
            if let Some(last) = last {
                self.person = last;
            }
            self.active = place(next)?;
        }
        if let Some(slice) = slots.deliveries.map(|slot| answers.first(&slot)).transpose()?.flatten() {
            self.counting.deliveries(&serde_json::from_str::<Vec<Sent>>(&slice.deliveries)?);
            let place = slice.next.as_deref().and_then(|next| next.split_once('\u{1}'));
            self.deliveries = place.map(|(subscription, id)| (subscription.to_owned(), id.to_owned()));
        }
        if let Some(slot) = slots.webhooks {
            self.webhooks = Some(answers.rows(&slot)?);
        }
        Ok(())
    }
}

/// A place from a statement's JSON array.
fn place<T: serde::de::DeserializeOwned>(next: Option<String>) -> Result<Option<T>> {
    Ok(next.as_deref().map(serde_json::from_str).transpose()?)
}
