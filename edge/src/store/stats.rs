//! Counts the events of a range of time in slices, from `events`, `links`, `profiles`,
//! `deliveries`, `attempts` and `subscriptions`.

use serde::Deserialize;

use super::slices::Slices;
use super::subscriptions::Subscription;
use super::{Batch, Db, Param, Result, sql};
use crate::domain::stats::{Counted, Counting, Figures, Made, Range, Sent};

/// The figures of a range, and the webhooks.
#[derive(Debug)]
pub struct Stats {
    /// The counted figures.
    pub figures: Figures,
    /// All webhooks in their current state.
    pub webhooks: Vec<Subscription>,
}

/// A row of a slice. The last row has the place of the next slice.
#[derive(Deserialize)]
struct Row<T> {
    #[serde(flatten)]
    row: T,
    next: Option<String>,
    /// The last counted session.
    session: Option<String>,
}

#[derive(Deserialize)]
struct Active {
    n: i64,
    person: Option<String>,
    next: Option<String>,
}

/// The rows of a slice, the place of the next one, and the last counted session.
fn slice<T>(rows: Vec<Row<T>>) -> (Vec<T>, Option<String>, Option<String>) {
    let (mut next, mut session) = (None, None);
    let rows = rows.into_iter().map(|of| {
        next = next.take().or(of.next);
        session = session.take().or(of.session);
        of.row
    });
    (rows.collect(), next, session)
}

/// The place before all sessions. A session id is not empty, but events without a session have ''.
const FIRST_EVENT: (String, i64, i64, String) = (String::new(), -1, -1, String::new());

/// Counts a company's range; `None` if the count takes more slices than are left. Each round trip
/// takes a slice of every count that is not finished, so that other requests can run between.
///
/// # Errors
/// D1's.
pub async fn read(db: &Db, company: &str, range: Range, slices: &mut Slices) -> Result<Option<Stats>> {
    let whole: [Param<'_>; 3] = [company.into(), range.from_ms.into(), range.to_ms.into()];
    let changes = range.changes.iter().flat_map(|c| [c.at_ms.into(), c.by_ms.into()]);
    let spans: Vec<Param<'_>> = whole.into_iter().chain([range.interval.ms().into()]).chain(changes).collect();
    let mut counting = Counting::new(range);
    let mut webhooks = None;
    let mut events = Some(FIRST_EVENT);
    let mut people = Some(String::new());
    let mut active = Some((String::new(), -1_i64, String::new(), -1_i64, String::new()));
    let mut deliveries = Some((String::new(), -1_i64, String::new()));
    let (mut session, mut person) = (String::new(), String::new());
    loop {
        let walks = [events.is_some(), people.is_some(), active.is_some(), deliveries.is_some()];
        let walks: i64 = walks.into_iter().map(i64::from).sum();
        if walks == 0 {
            break;
        }
        let Some(rows) = slices.rows().map(|rows| rows / walks) else { return Ok(None) };
        let mut batch = Batch::default();
        let mut events_slot = None;
        if let Some((s, ts, source, id)) = &events {
            let place = [s.into(), (*ts).into(), (*source).into(), id.into(), rows.into(), (&session).into()];
            events_slot = Some(batch.read(db.bind(sql::STATS_EVENTS, &[&spans[..], &place].concat())?));
        }
        let mut people_slot = None;
        if let Some(id) = &people {
            let params = [&spans[..], &[id.into(), rows.into()]].concat();
            people_slot = Some(batch.read(db.bind(sql::STATS_PEOPLE, &params)?));
        }
        let mut active_slot = None;
        if let Some((profile, last, s, at, id)) = &active {
            let place = [profile.into(), (*last).into(), s.into(), (*at).into(), id.into()];
            let most = [rows.into(), (&person).into()];
            active_slot =
                Some(batch.read::<Active>(db.bind(sql::STATS_ACTIVE, &[&whole[..], &place, &most].concat())?));
        }
        let mut deliveries_slot = None;
        if let Some((subscription, at, id)) = &deliveries {
            // Each delivery reads its row and the rows of its attempts.
            let place = [subscription.into(), (*at).into(), id.into(), (rows / 2).into()];
            deliveries_slot = Some(batch.read(db.bind(sql::STATS_DELIVERIES, &[&spans[..], &place].concat())?));
        }
        let mut webhooks_slot = None;
        if webhooks.is_none() {
            webhooks_slot = Some(batch.read(db.bind(sql::SUBSCRIPTION_LIST, &[company.into()])?));
        }
        let answers = slices.turns.take(db.run_batch(batch)).await?;
        if let Some(slot) = events_slot {
            let (counted, next, last) = slice::<Counted>(answers.rows(&slot)?);
            counting.events(counted);
            session = last.unwrap_or(session);
            events = place(next)?;
        }
        if let Some(slot) = people_slot {
            let (made, next, _) = slice::<Made>(answers.rows(&slot)?);
            counting.people(&made);
            people = next;
        }
        if let Some(slot) = active_slot {
            let found = answers.first(&slot)?;
            counting.active(found.as_ref().map_or(0, |active| active.n));
            let (last, next) = found.map_or((None, None), |active| (active.person, active.next));
            person = last.unwrap_or(person);
            active = place(next)?;
        }
        if let Some(slot) = deliveries_slot {
            let (sent, next, _) = slice::<Sent>(answers.rows(&slot)?);
            counting.deliveries(&sent);
            deliveries = place(next)?;
        }
        if let Some(slot) = webhooks_slot {
            webhooks = Some(answers.rows(&slot)?);
        }
    }
    Ok(Some(Stats { figures: counting.figures(), webhooks: webhooks.unwrap_or_default() }))
}

/// A place from a statement's JSON array.
fn place<T: serde::de::DeserializeOwned>(next: Option<String>) -> Result<Option<T>> {
    Ok(next.as_deref().map(serde_json::from_str).transpose()?)
}
