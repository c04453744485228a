//! The clock.

use worker::Date;

/// Milliseconds since 1970. The clock advances only at I/O.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or_default()
}
