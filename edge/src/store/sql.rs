//! Every statement, by name. The text of each says what its parameters are; one statement a file.
//!
//! To add one: 1. `<table>.<verb>.sql` here, its first line a comment with the parameters, 2. its name in the list below,
//! 3. a function that binds it in the table's module.

macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        $(#[doc = concat!("`", $file, "`")] pub const $name: &str = include_str!(concat!("sql/", $file));)*
    };
}

statements! {
    ATTEMPT_INSERT = "attempt.insert.sql",
    COMPANY_CHECK = "company.check.sql",
    COMPANY_FIND = "company.find.sql",
    COMPANY_INSERT = "company.insert.sql",
    COMPANY_LIST = "company.list.sql",
    COMPANY_UPDATE = "company.update.sql",
    DELIVERIES_INSERT = "deliveries.insert.sql",
    DELIVERY_CLAIM = "delivery.claim.sql",
    DELIVERY_DUE = "delivery.due.sql",
    DELIVERY_LIST = "delivery.list.sql",
    DELIVERY_LOAD = "delivery.load.sql",
    DELIVERY_SETTLE = "delivery.settle.sql",
    EVENTS_INSERT = "events.insert.sql",
    IDENTIFY_ADDRESS = "identify.address.sql",
    IDENTIFY_CLAIM = "identify.claim.sql",
    IDENTIFY_FIND = "identify.find.sql",
    IDENTIFY_LINK = "identify.link.sql",
    IDENTIFY_PROFILE = "identify.profile.sql",
    IDENTIFY_SHIFT = "identify.shift.sql",
    IDENTITY_FIND = "identity.find.sql",
    IDENTITY_INSERT = "identity.insert.sql",
    KEY_FIND = "key.find.sql",
    KEY_INSERT = "key.insert.sql",
    KEY_LIST = "key.list.sql",
    KEY_REVOKE = "key.revoke.sql",
    KEY_USED = "key.used.sql",
    LINKS_COUNT = "links.count.sql",
    PROFILE_BY_ADDRESS = "profile.by_address.sql",
    PROFILE_FIND = "profile.find.sql",
    PROFILE_LIST = "profile.list.sql",
    PROFILE_OPEN = "profile.open.sql",
    SERVER_RESOLVE = "server.resolve.sql",
    SUBSCRIPTION_FIND = "subscription.find.sql",
    SUBSCRIPTION_INSERT = "subscription.insert.sql",
    SUBSCRIPTION_LIST = "subscription.list.sql",
    TIMELINE_AFTER = "timeline.after.sql",
    TIMELINE_BEFORE = "timeline.before.sql",
    TIMELINE_EVENTS_ASC = "timeline.events.asc.sql",
    TIMELINE_EVENTS_DESC = "timeline.events.desc.sql",
    TIMELINE_OPEN = "timeline.open.sql",
}
