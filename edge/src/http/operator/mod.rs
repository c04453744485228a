//! Routes that the operator of the deployment calls, with `OPERATOR_KEY`.

pub(crate) mod backup;
pub(crate) mod companies;
pub(crate) mod metrics;
pub(crate) mod moves;
