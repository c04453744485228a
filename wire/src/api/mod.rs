//! Requests and answers of the admin API that the Worker and the CLI share: a file for each
//! resource. Each type has the name of its schema in `docs/openapi.json`, and its comments are the
//! descriptions there. The other requests and answers are in the Worker (`edge/src/http`).
//!
//! Every answer also has `success: true`, which the Worker's `http/response.rs` writes. A reader
//! does not need it: an answer with another status than 200 is a problem.
//!
//! A request leaves out its empty fields. A field that is added to an answer later is an `Option`
//! or has a default, so that the CLI can read the answers of an older Worker.

#![allow(missing_docs, reason = "a comment here is a description in docs/openapi.json")]

mod audit;
mod backup;
mod deliveries;
mod exports;
mod moves;
mod pagination;
mod plan;
mod present;
mod receipts;
mod settings;
mod warning;
mod webhooks;

pub use audit::{AuditEntry, AuditPage, KeyUsed};
pub use backup::{
    AbortAnswer, BackupPage, BackupPlace, BackupSource, RestoreAnswer, RestoreBatch, RestoreEnd, RestoreEndAnswer,
    RestoreRequest,
};
pub use deliveries::{Attempt, Delivery, DeliveryList, RecoverAnswer, RecoverRequest, Requeued, ResendAnswer};
pub use exports::{Export, ExportAnswer, ExportList, Mark};
pub use moves::{Cell, CellList, CellRequest, Move, MoveAnswer, MoveList, MoveRequest};
pub use pagination::Pagination;
pub use plan::{
    CurrentPlan, InferredPlan, Plan, PlanAnswer, PlanChecked, PlanRefused, PlanSchema, PlanType, PlanTypes, Violation,
    ViolationCount,
};
pub use receipts::{
    EventReceipt, Incoming, IncomingList, LinkedBy, ReceiptDelivery, ReceiptPerson, ReceivedEvent, RejectedList,
};
pub use settings::{Settings, SettingsAnswer, SettingsChange};
pub use warning::Warning;
pub use webhooks::{
    Circuit, RotateRequest, TestAnswer, TestRequest, Webhook, WebhookAnswer, WebhookChange, WebhookList, WebhookStats,
};
