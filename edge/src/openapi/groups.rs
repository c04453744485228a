//! The operations on groups of people.

use serde_json::{Value, json};
use trackmate_wire::limits::{GROUPS_ITEMS_MAX, MEMBERS_ITEMS_MAX, NAME_CHARS_MAX};
use trackmate_wire::problem::Code;

use crate::http::admin::groups;
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::schemas::GroupDeleted;

pub(crate) fn group() -> Group {
    Group {
        name: "Groups",
        text: "Companies, accounts, teams: what people are members of, with a key of scope `admin`. An event `group` \
            with `{groupId, groupType?, traits?}` makes a group known, tells its traits, and makes the event's \
            person a member.",
        who: Who::Admin,
        operations: vec![
            Operation::new("get", "/api/admin/groups", "listGroups", "List groups")
                .text(
                    "In the order of kind and the company's own id. Members are counted on the first 1,000 sessions \
                     that name a group.",
                )
                .paged(GROUPS_ITEMS_MAX)
                .query(
                    "search",
                    json!({"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX}),
                    "Part of the name or of the company's own id; the case of A–Z does not matter.",
                )
                .query("groupId", json!({"type": "string"}), "The company's own id of it.")
                .query("kind", json!({"type": "string"}), "What it is: the `groupType` of its events, or `group`.")
                .gives::<groups::GroupPage>(json!({
                    "success": true, "groups": [example()],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                }))
                .makes("groups", "/groups/0/id"),
            Operation::new("get", "/api/admin/groups/{id}", "getGroup", "Read a group")
                .text("Members are counted on the first 10,000 sessions that name it.")
                .gives::<groups::GroupAnswer>(json!({"success": true, "group": example()}))
                .fails(&[Code::NotFound]),
            Operation::new("patch", "/api/admin/groups/{id}", "changeGroup", "Say what is known of a group")
                .text(
                    "What is said here lies over what pages claim, and is later than all that servers have said so \
                     far. Null hides a trait.",
                )
                .takes::<groups::GroupEdit>(json!({"traits": {"plan": "gold", "seats": 25}}))
                .gives::<groups::GroupAnswer>(json!({"success": true, "group": example()}))
                .fails(&[Code::NotFound, Code::MissingField, Code::InvalidField, Code::JsonTooDeep]),
            Operation::new("delete", "/api/admin/groups/{id}", "deleteGroup", "Delete a group")
                .text(
                    "And who its members are. The events that named it stay; a later one makes it anew. \
                     `limit_reached` if it has so many members that not all are deleted yet: ask again to go on.",
                )
                .gives::<GroupDeleted>(json!({"success": true}))
                .fails(&[Code::NotFound, Code::LimitReached]),
            Operation::new("get", "/api/admin/groups/{id}/members", "listMembers", "List the members of a group")
                .text(
                    "Each once, in no order that means anything. A walk by cursor neither skips nor repeats a member \
                     who does not change meanwhile.",
                )
                .paged(MEMBERS_ITEMS_MAX)
                .gives::<groups::MemberPage>(json!({
                    "success": true,
                    "members": [{"id": "5f1c0a9b8d7e6f5a4b3c2d1e", "email": "ada@example.com", "name": "Ada Lovelace"}],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                }))
                .fails(&[Code::NotFound]),
        ],
    }
}

fn example() -> Value {
    json!({
        "id": "grp_0c1d2e3f4a5b6c7d8e9f0a1b", "groupId": "acme", "kind": "group", "name": "Acme",
        "traits": {"name": "Acme", "plan": "gold"}, "createdAt": "2025-10-18T10:00:00.000Z",
        "updatedAt": "2025-10-18T10:00:00.000Z", "membersCount": 12,
    })
}

/// A group of a user.
pub(crate) fn group_of_user() -> Value {
    json!({"id": "grp_0c1d2e3f4a5b6c7d8e9f0a1b", "groupId": "acme", "kind": "group", "name": "Acme"})
}
