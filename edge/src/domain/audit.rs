//! The closed list of the actions that the audit log records.
//!
//! To add one, add a variant and its name here, and `audit` on the action's route in
//! `http/routes.rs`.

/// An action of an admin or of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A user's details were changed.
    UserUpdate,
    /// Tags were added to a user.
    UserTag,
    /// Tags were removed from a user.
    UserUntag,
    /// A user's custom fields were changed.
    UserFields,
    /// A user was erased.
    UserErase,
    /// Two users were merged.
    UserMerge,
    /// An identify or a merge was undone.
    IdentityUndo,
    /// A group's traits were changed.
    GroupUpdate,
    /// A group was deleted.
    GroupDelete,
    /// An erased address was allowed again.
    TombstoneLift,
    /// All data of one user were exported.
    ExportUser,
    /// Users were exported.
    ExportUsers,
    /// Events were exported.
    ExportEvents,
    /// A webhook was created.
    WebhookCreate,
    /// A webhook was changed.
    WebhookUpdate,
    /// A webhook was deleted.
    WebhookDelete,
    /// A webhook was tested.
    WebhookTest,
    /// A webhook's secret was replaced.
    WebhookRotate,
    /// The deliveries that a webhook gave up were started again.
    WebhookRecover,
    /// One delivery was sent again.
    WebhookResend,
    /// The company's settings were changed.
    SettingsUpdate,
    /// The company's tracking plan was changed.
    PlanUpdate,
    /// A company was created.
    CompanyCreate,
    /// A company was restored from a backup.
    CompanyRestore,
    /// A company's move to another cell began.
    CompanyMove,
    /// A company's move was aborted.
    CompanyMoveAborted,
    /// The state of a cell was set.
    CellState,
    /// A key was added.
    KeyCreate,
    /// A key was revoked.
    KeyRevoke,
}

/// All actions.
pub const ALL: [Action; 29] = [
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
    Action::CompanyRestore,
    Action::CompanyMove,
    Action::CompanyMoveAborted,
    Action::CellState,
    Action::KeyCreate,
    Action::KeyRevoke,
];

impl Action {
    /// The action's name in the database and in answers.
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
            Self::CompanyRestore => "company.restore",
            Self::CompanyMove => "company.move",
            Self::CompanyMoveAborted => "company.move_aborted",
            Self::CellState => "cell.state",
            Self::KeyCreate => "key.create",
            Self::KeyRevoke => "key.revoke",
        }
    }
}
