//! Warnings about what was stored all the same.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Warning {
    pub code: Cow<'static, str>,
    pub message: Cow<'static, str>,
}

impl Warning {
    #[must_use]
    pub const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code: Cow::Borrowed(code), message: Cow::Borrowed(message) }
    }

    /// An optional part was left out. The rest is stored.
    #[must_use]
    pub fn left_out(part: &str, why: &str) -> Self {
        Self { message: format!("{part} was left out: {why}").into(), ..Self::new("left_out", "") }
    }

    /// A part of `user` was not stored, or was cut.
    #[must_use]
    pub fn of_user(problem: &Problem) -> Self {
        let message = format!("not all of user was stored: {}", problem.message);
        Self { message: message.into(), ..Self::new("left_out", "") }
    }

    /// An amount could not be read.
    #[must_use]
    pub const fn amount_unread() -> Self {
        Self::new(
            "amount_unread",
            "an amount could not be read and counts as no revenue; \
             send a number, or a text such as 1299.00, with currency beside it",
        )
    }

    /// An optional text was cut.
    #[must_use]
    pub fn cut(part: &str, chars: usize) -> Self {
        Self { message: format!("{part} was cut to {chars} characters").into(), ..Self::new("cut", "") }
    }
}
