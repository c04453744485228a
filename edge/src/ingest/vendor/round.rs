//! One round of identity items: they are stored in parallel, then the trusted traits of each person
//! are set with as few edits as possible.

use std::collections::HashMap;

use futures_util::FutureExt;
use trackmate_wire::problem::Code;

use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::ingest::vendor::context::VendorIdentify;
use crate::ingest::vendor::identify::IdentifyOutcome;
use crate::ingest::vendor::item::IdentityItem;
use crate::ingest::vendor::tally::Tally;
use crate::ingest::vendor::trusted_traits::TrustedTraits;
use crate::people::conflict::ConflictRetries;
use crate::people::edit::{self, PendingEdit};

/// The traits that items set of one profile, each with its item and whether the item is new.
type ProfileTraits<'a, 'b> = (String, Vec<(&'a IdentityItem<'b>, bool, TrustedTraits)>);

/// Stores the items of a round and counts them.
///
/// # Errors
/// `busy` after too many conflicts; problems that concern the whole request; D1's.
pub(super) async fn store_round<'a, 'b>(
    vendor_identify: &VendorIdentify<'_>,
    round: &'a [IdentityItem<'b>],
    tally: &mut Tally,
) -> Result<(), Error> {
    let VendorIdentify { cx, company, .. } = *vendor_identify;
    // Each item with whether an earlier try has stored it.
    let mut open: Vec<_> = round.iter().map(|item| (item, false)).collect();
    let mut retries = ConflictRetries::default();
    while !open.is_empty() {
        retries.next(cx).await?;
        let tasks = open.iter().map(|(item, _)| vendor_identify.store(item).boxed_local()).collect();
        let outcomes = cx.together(tasks).await;
        let (mut profiles, mut positions) = (Vec::<ProfileTraits<'a, 'b>>::new(), HashMap::new());
        for ((item, was_new), outcome) in open.drain(..).zip(outcomes) {
            match outcome {
                Ok(IdentifyOutcome { is_new, traits: None }) => tally.count(is_new || was_new),
                Ok(IdentifyOutcome { is_new, traits: Some((profile, traits)) }) => {
                    let position = *positions.entry(profile.clone()).or_insert(profiles.len());
                    if position == profiles.len() {
                        profiles.push((profile, Vec::new()));
                    }
                    if let Some((_, all)) = profiles.get_mut(position) {
                        all.push((item, is_new || was_new, traits));
                    }
                }
                Err(error) => tally.reject(item.index, error)?,
            }
        }
        let edit = |(profile, all): ProfileTraits<'a, 'b>| {
            async move {
                let traits = all.iter().map(|(_, _, traits)| traits).collect();
                let outcomes = set_traits(cx, company, &profile, traits).await;
                all.into_iter().zip(outcomes).collect::<Vec<_>>()
            }
            .boxed_local()
        };
        for ((item, is_new, traits), outcome) in
            cx.together(profiles.into_iter().map(edit).collect()).await.into_iter().flatten()
        {
            match outcome {
                Ok(()) => tally.count(is_new),
                // Somebody else got the address since it was read: the item is decided again.
                Err(Error::Problem(p)) if traits.sets_email() && p.code == Code::Conflict => open.push((item, is_new)),
                Err(error) => tally.reject(item.index, error)?,
            }
        }
    }
    Ok(())
}

/// Sets the traits that several items have of one person. → The result of each. Traits with a new
/// address begin an edit of their own, because only the first of an edit may set the address.
async fn set_traits(
    cx: &IngestContext,
    company: &str,
    profile: &str,
    traits: Vec<&TrustedTraits>,
) -> Vec<Result<(), Error>> {
    let mut outcomes = Vec::with_capacity(traits.len());
    for chunk in traits.chunk_by(|_, next| !next.sets_email()) {
        let edits: Vec<&dyn PendingEdit> = chunk.iter().map(|traits| *traits as &dyn PendingEdit).collect();
        match edit::change_all(cx, company, profile, &edits).await {
            Ok((_, rejected)) => {
                let mut all: Vec<Result<(), Error>> = edits.iter().map(|_| Ok(())).collect();
                for (position, problem) in rejected {
                    if let Some(outcome) = all.get_mut(position) {
                        *outcome = Err(problem.into());
                    }
                }
                outcomes.extend(all);
            }
            Err(error) => {
                let again = || match &error {
                    Error::Problem(problem) => Error::Problem(problem.clone()),
                    Error::Internal(text) => Error::Internal(text.clone()),
                    Error::Down(text) => Error::Down(text.clone()),
                    Error::Full(text) => Error::Full(text.clone()),
                };
                outcomes.extend(edits.iter().map(|_| Err(again())));
            }
        }
    }
    outcomes
}
