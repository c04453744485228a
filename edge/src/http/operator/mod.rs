//! Routes of the deployment's operator.

pub(crate) mod companies;
