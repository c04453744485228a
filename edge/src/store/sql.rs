//! Every statement, by name. The text of each says what its parameters are; one statement a file.
//!
//! To add one: 1. `<table>.<verb>.sql` here, its first line a comment with the parameters, 2. its name in the list below,
//! 3. a function that binds it in the table's module.

/// The statement without the comment above it: D1 is sent what it runs, and no more.
const fn uncommented(mut text: &'static str) -> &'static str {
    while let [b'-', b'-', ..] = text.as_bytes() {
        let mut line = text.as_bytes();
        let mut end = 0;
        while let [byte, rest @ ..] = line {
            end += 1;
            if *byte == b'\n' {
                break;
            }
            line = rest;
        }
        text = text.split_at(end).1;
    }
    text
}

macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        $(#[doc = concat!("`", $file, "`")] pub const $name: &str = uncommented(include_str!(concat!("sql/", $file)));)*
    };
}

/// Statements put together from what they share.
macro_rules! joined {
    ($($name:ident = $($file:literal)+,)*) => {
        $(#[doc = concat!($("`", $file, "` "),+)]
        pub const $name: &str = uncommented(concat!($(include_str!(concat!("sql/", $file))),+));)*
    };
}

joined! {
    PROFILE_BY_ADDRESS = "profile.columns.sql" "profile.by_address.sql",
    PROFILE_FIND = "profile.columns.sql" "profile.find.sql",
    USERS_ASC = "users.filter.sql" "profile.columns.sql" "users.asc.sql",
    USERS_BY_ID = "users.filter.sql" "profile.columns.sql" "users.by_id.sql",
    USERS_COUNT = "users.filter.sql" "users.count.sql",
    USERS_DESC = "users.filter.sql" "profile.columns.sql" "users.desc.sql",
}

statements! {
    ATTEMPT_ABANDON = "attempt.abandon.sql",
    ATTEMPT_INSERT = "attempt.insert.sql",
    ATTEMPT_PRUNE = "attempt.prune.sql",
    AUDIT_INSERT = "audit.insert.sql",
    AUDIT_LIST = "audit.list.sql",
    AUDIT_PRUNE = "audit.prune.sql",
    CATALOG_COUNT = "catalog.count.sql",
    CATALOG_LIST = "catalog.list.sql",
    COMPANY_CHECK = "company.check.sql",
    COMPANY_FIND = "company.find.sql",
    COMPANY_INSERT = "company.insert.sql",
    COMPANY_LIST = "company.list.sql",
    COMPANY_UPDATE = "company.update.sql",
    DELIVERIES_INSERT = "deliveries.insert.sql",
    DELIVERY_ABANDON = "delivery.abandon.sql",
    DELIVERY_CLAIM = "delivery.claim.sql",
    DELIVERY_CLAIM_HELD = "delivery.claim_held.sql",
    DELIVERY_DISMISS = "delivery.dismiss.sql",
    DELIVERY_DUE = "delivery.due.sql",
    DELIVERY_GIVE_BACK = "delivery.give_back.sql",
    DELIVERY_HOLD = "delivery.hold.sql",
    DELIVERY_LIST = "delivery.list.sql",
    DELIVERY_PRUNE = "delivery.prune.sql",
    DELIVERY_RECOVER = "delivery.recover.sql",
    DELIVERY_RELEASE = "delivery.release.sql",
    DELIVERY_RENEW = "delivery.renew.sql",
    DELIVERY_RESEND = "delivery.resend.sql",
    DELIVERY_SETTLE = "delivery.settle.sql",
    EVENTS_INSERT = "events.insert.sql",
    EXPORT_ABANDON = "export.abandon.sql",
    EXPORT_CHANGED_OWNERS = "export.changed_owners.sql",
    EXPORT_CHANGED_USERS = "export.changed_users.sql",
    EXPORT_END = "export.end.sql",
    EXPORT_EVENTS = "export.events.sql",
    EXPORT_EVENTS_OF = "export.events_of.sql",
    EXPORT_FIND = "export.find.sql",
    EXPORT_INSERT = "export.insert.sql",
    EXPORT_LIST = "export.list.sql",
    EXPORT_MARK = "export.mark.sql",
    EXPORT_PLACE = "export.place.sql",
    EXPORT_PRUNE = "export.prune.sql",
    FIELDS_DELETE = "fields.delete.sql",
    FIELDS_INSERT = "fields.insert.sql",
    IDENTIFY_ADDRESS = "identify.address.sql",
    IDENTIFY_CLAIM = "identify.claim.sql",
    IDENTIFY_FIND = "identify.find.sql",
    IDENTIFY_LINK = "identify.link.sql",
    IDENTIFY_PROFILE = "identify.profile.sql",
    IDENTIFY_SHIFT = "identify.shift.sql",
    IDENTITY_FIND = "identity.find.sql",
    IDENTITY_INSERT = "identity.insert.sql",
    KEY_FIND = "key.find.sql",
    KEY_FIRST = "key.first.sql",
    KEY_INSERT = "key.insert.sql",
    KEY_LIST = "key.list.sql",
    KEY_REVOKE = "key.revoke.sql",
    KEY_USED = "key.used.sql",
    LINKS_COUNT = "links.count.sql",
    LINKS_COUNT_REVENUE = "links.count_revenue.sql",
    NOTICE_INSERT = "notice.insert.sql",
    PLATFORM_EDITED = "platform.edited.sql",
    PLATFORM_IDENTIFIED = "platform.identified.sql",
    PROFILE_EDIT = "profile.edit.sql",
    PROFILE_OPEN = "profile.open.sql",
    PROGRESS_FIND = "progress.find.sql",
    PROGRESS_NEXT = "progress.next.sql",
    PROGRESS_SET = "progress.set.sql",
    SEARCH_REFRESH = "search.refresh.sql",
    SERVER_RESOLVE = "server.resolve.sql",
    SUBSCRIPTION_DELETE = "subscription.delete.sql",
    SUBSCRIPTION_EXPIRE = "subscription.expire.sql",
    SUBSCRIPTION_FIND = "subscription.find.sql",
    SUBSCRIPTION_FUNNEL = "subscription.funnel.sql",
    SUBSCRIPTION_INSERT = "subscription.insert.sql",
    SUBSCRIPTION_LIST = "subscription.list.sql",
    SUBSCRIPTION_NOTE = "subscription.note.sql",
    SUBSCRIPTION_PACE = "subscription.pace.sql",
    SUBSCRIPTION_PACED = "subscription.paced.sql",
    SUBSCRIPTION_PLAIN = "subscription.plain.sql",
    SUBSCRIPTION_RELEASED = "subscription.released.sql",
    SUBSCRIPTION_RELEASE_ALL = "subscription.release_all.sql",
    SUBSCRIPTION_RELEASING = "subscription.releasing.sql",
    SUBSCRIPTION_ROTATE = "subscription.rotate.sql",
    SUBSCRIPTION_SEAL = "subscription.seal.sql",
    SUBSCRIPTION_SEND = "subscription.send.sql",
    SUBSCRIPTION_TARGETS = "subscription.targets.sql",
    SUBSCRIPTION_UPDATE = "subscription.update.sql",
    TAGS_DELETE = "tags.delete.sql",
    TAGS_INSERT = "tags.insert.sql",
    TIMELINE_ASC = "timeline.asc.sql",
    TIMELINE_DESC = "timeline.desc.sql",
    TIMELINE_EVENTS_ASC = "timeline.events.asc.sql",
    TIMELINE_EVENTS_DESC = "timeline.events.desc.sql",
}
