//! Work on several databases at a time.

use std::panic::resume_unwind;
use std::thread::scope;

use crate::error::Error;

const AT_A_TIME: usize = 6;

/// Does something with each item, up to six at a time. Returns the results in the order of the
/// items. After a failure nothing more is begun, and the error has the text of each failure.
pub(super) fn six_at_a_time<T: Sync, R: Send>(
    items: &[T],
    act: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let mut results = Vec::new();
    for some in items.chunks(AT_A_TIME) {
        let done = scope(|scope| {
            let threads = some.iter().map(|item| scope.spawn(|| act(item))).collect::<Vec<_>>();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.collect::<Vec<_>>()
        });
        let mut failed = Vec::new();
        for result in done {
            match result {
                Ok(result) => results.push(result),
                Err(error) => failed.push(error),
            }
        }
        match failed.len() {
            0 => {}
            1 => return Err(failed.remove(0)),
            _ => return Err(Error::Failed(failed.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"))),
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_are_in_order_and_a_failure_ends_the_work_with_the_text_of_each() {
        let items = (0..20).collect::<Vec<u32>>();
        assert_eq!(six_at_a_time(&items, |item| Ok(item * 2)).unwrap().last(), Some(&38));
        let begun = AtomicUsize::new(0);
        let some_fail = |item: &u32| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 7 || *item == 9 { Err(Error::Failed(format!("no {item}"))) } else { Ok(()) }
        };
        assert_eq!(six_at_a_time(&items, some_fail).unwrap_err().to_string(), "no 7\nno 9");
        assert_eq!(begun.into_inner(), 12);
    }
}
