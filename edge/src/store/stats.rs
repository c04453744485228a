//! What happened in a range of time: every count in one round trip. `events`, `links`, `profiles`, `deliveries`, `attempts`, `subscriptions`.

use serde::Deserialize;
use trackmate_wire::limits::STATS_NAMES;

use super::subscriptions::Subscription;
use super::{Answer, Answers, Db, Param, Result, sql};
use crate::domain::stats::{Figures, Range};

#[derive(Deserialize)]
struct Number {
    n: i64,
}

/// The figures of a range, and who has a part in them.
#[derive(Debug)]
pub struct Stats {
    /// What adds up.
    pub figures: Figures,
    /// Browser sessions with an event.
    pub sessions: i64,
    /// People with an event.
    pub active: i64,
    /// All webhooks, as they are now.
    pub webhooks: Vec<Subscription>,
}

/// Counts a company's range.
///
/// # Errors
/// D1's.
pub async fn read(db: &Db, company: &str, range: Range) -> Result<Stats> {
    let whole: [Param<'_>; 3] = [company.into(), range.from_ms.into(), range.to_ms.into()];
    let length: [Param<'_>; 1] = [range.interval.ms().into()];
    let changes: Vec<Param<'_>> = range.changes.iter().flat_map(|c| [c.at_ms.into(), c.by_ms.into()]).collect();
    let spans = [&whole[..], &length, &changes].concat();
    let batch = vec![
        db.bind(sql::STATS_EVENTS, &[&whole[..], &length, &[STATS_NAMES.into()], &changes].concat())?,
        db.bind(sql::STATS_PEOPLE, &spans)?,
        db.bind(sql::STATS_DELIVERIES, &spans)?,
        db.bind(sql::STATS_SESSIONS, &whole)?,
        db.bind(sql::STATS_ACTIVE, &whole)?,
        db.bind(sql::SUBSCRIPTION_LIST, &[company.into()])?,
    ];
    let mut answers = Answers::new(db.batch(batch).await?);
    let number = |answer: Answer| Ok::<_, worker::Error>(answer.first::<Number>()?.map_or(0, |row| row.n));
    Ok(Stats {
        figures: Figures::new(range, answers.take()?.rows()?, &answers.take()?.rows()?, &answers.take()?.rows()?),
        sessions: number(answers.take()?)?,
        active: number(answers.take()?)?,
        webhooks: answers.take()?.rows()?,
    })
}
