//! The closed list of what the audit log can say was done.
//!
//! To add one: a variant and its name here, and `audit` on the route that does it in
//! `http/routes.rs`.

/// What an admin or the operator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A user's details.
    UserUpdate,
    /// Tags put on a user.
    UserTag,
    /// Tags taken off a user.
    UserUntag,
    /// A user's custom fields.
    UserFields,
    /// A user was erased.
    UserErase,
    /// Two users were made one.
    UserMerge,
    /// An identify or a merge was taken back.
    IdentityUndo,
    /// What is known of a group.
    GroupUpdate,
    /// A group was deleted.
    GroupDelete,
    /// An erased address may come again.
    TombstoneLift,
    /// All there is of one user was read.
    ExportUser,
    /// Users were exported.
    ExportUsers,
    /// Events were exported.
    ExportEvents,
    /// A webhook was made.
    WebhookCreate,
    /// … changed.
    WebhookUpdate,
    /// … deleted.
    WebhookDelete,
    /// … tested.
    WebhookTest,
    /// … given a new secret.
    WebhookRotate,
    /// … told to deliver again what was given up.
    WebhookRecover,
    /// One delivery was sent again.
    WebhookResend,
    /// The company's settings.
    SettingsUpdate,
    /// The company's tracking plan.
    PlanUpdate,
    /// The company itself was made.
    CompanyCreate,
    /// A key was added.
    KeyCreate,
    /// A key was revoked.
    KeyRevoke,
}

/// Every action there is.
pub const ALL: [Action; 25] = [
    Action::UserUpdate,
    Action::UserTag,
    Action::UserUntag,
    Action::UserFields,
    Action::UserErase,
    Action::UserMerge,
    Action::IdentityUndo,
    Action::GroupUpdate,
    Action::GroupDelete,
    Action::TombstoneLift,
    Action::ExportUser,
    Action::ExportUsers,
    Action::ExportEvents,
    Action::WebhookCreate,
    Action::WebhookUpdate,
    Action::WebhookDelete,
    Action::WebhookTest,
    Action::WebhookRotate,
    Action::WebhookRecover,
    Action::WebhookResend,
    Action::SettingsUpdate,
    Action::PlanUpdate,
    Action::CompanyCreate,
    Action::KeyCreate,
    Action::KeyRevoke,
];

impl Action {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserUpdate => "user.update",
            Self::UserTag => "user.tag",
            Self::UserUntag => "user.untag",
            Self::UserFields => "user.fields",
            Self::UserErase => "user.erase",
            Self::UserMerge => "user.merge",
            Self::IdentityUndo => "identity.undo",
            Self::GroupUpdate => "group.update",
            Self::GroupDelete => "group.delete",
            Self::TombstoneLift => "tombstone.lift",
            Self::ExportUser => "export.user",
            Self::ExportUsers => "export.users",
            Self::ExportEvents => "export.events",
            Self::WebhookCreate => "webhook.create",
            Self::WebhookUpdate => "webhook.update",
            Self::WebhookDelete => "webhook.delete",
            Self::WebhookTest => "webhook.test",
            Self::WebhookRotate => "webhook.rotate",
            Self::WebhookRecover => "webhook.recover",
            Self::WebhookResend => "webhook.resend",
            Self::SettingsUpdate => "settings.update",
            Self::PlanUpdate => "plan.update",
            Self::CompanyCreate => "company.create",
            Self::KeyCreate => "key.create",
            Self::KeyRevoke => "key.revoke",
        }
    }
}
