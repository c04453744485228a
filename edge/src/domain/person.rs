//! Makes the user object of the API and of payloads (seed 003) from the layers of a person's
//! traits.
//!
//! Trusted traits override claimed traits, one by one, and a trusted null hides a claim. Opt-ins,
//! consent, tags and custom fields have no claims: only secret keys set them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::limits::{TRAITS_BYTES_MAX, TRAITS_MEMBERS_MAX};
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::sha256_hex;

use super::clock;

/// Traits by name, each as the JSON text that was sent.
pub type Traits = BTreeMap<String, Box<RawValue>>;

/// Traits that are members of the user object. All are texts.
pub const KNOWN: [&str; 13] = [
    "manychatId",
    "instagramUsername",
    "instagramId",
    "firstName",
    "lastName",
    "fullName",
    "phone",
    "whatsappPhone",
    "gender",
    "locale",
    "timezone",
    "profilePic",
    "name",
];

/// Platforms on which a person may have opted in.
pub const PLATFORMS: [&str; 4] = ["messenger", "instagram", "whatsapp", "telegram"];

/// The consent to being exported, or its refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The answer.
    pub given: bool,
    /// When, ms.
    pub at_ms: i64,
    /// The source of the answer, or the kind of key that sent it.
    pub source: String,
}

/// The stored data of a person.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// The opaque id.
    pub id: String,
    /// The company of the person.
    pub company: String,
    /// The address as first typed.
    pub email: Option<String>,
    /// The company's user id.
    pub external_id: Option<String>,
    /// A name that was claimed outside the traits.
    pub claimed_name: Option<String>,
    /// Claimed traits.
    pub claimed_traits: Traits,
    /// Trusted traits.
    pub trusted_traits: Traits,
    /// Platform → opted in.
    pub opt_ins: BTreeMap<String, bool>,
    /// `None` without an answer.
    pub consent: Option<Consent>,
    /// Name → applied at, ms.
    pub tags: BTreeMap<String, i64>,
    /// Name → value.
    pub fields: BTreeMap<String, String>,
    /// Creation, ms.
    pub created_ms: i64,
    /// First identify, ms.
    pub registered_ms: Option<i64>,
    /// The last change, ms, but always later than the change before it. So two states of a person
    /// differ in it.
    pub updated_ms: i64,
    /// Latest event, ms.
    pub active_ms: Option<i64>,
    /// The last change by a secret key, ms.
    pub trusted_ms: Option<i64>,
    /// The counts of the person's records.
    pub counts: Counts,
}

/// Counts of a person's records. `profile.columns.sql` derives them whenever the person is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Messages.
    pub messages: i64,
    /// Comments.
    pub comments: i64,
    /// Stories.
    pub stories: i64,
    /// `ts` of the last event of a message, comment or story.
    pub interacted: Option<i64>,
    /// Bookings, whatever their status.
    pub bookings: i64,
    /// `ts` of the first event of the newest booking.
    pub booked: Option<i64>,
    /// Scans of the person's QR codes.
    pub scans: i64,
    /// Conversations.
    pub conversations: i64,
}

/// A tag as shown.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    id: String,
    name: String,
    applied_at: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OptIns {
    messenger: bool,
    instagram: bool,
    whatsapp: bool,
    telegram: bool,
}

/// A consent as shown.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Consent"))]
pub struct ShownConsent {
    given: bool,
    at: Option<String>,
    source: Option<String>,
}

/// How often a person wrote.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Interactions {
    messages_count: i64,
    comments_count: i64,
    stories_count: i64,
    total_count: i64,
    last_updated: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UserStats"))]
#[serde(rename_all = "camelCase")]
struct Stats {
    bookings_count: i64,
    qr_scans_count: i64,
    conversations_count: i64,
    last_booking: Option<String>,
    last_synced: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Timestamps {
    subscribed_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// The user object.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    id: String,
    /// Grows with every change of the user: what has a lower one is older.
    version: i64,
    email: Option<String>,
    external_id: Option<String>,
    name: Option<String>,
    #[serde(rename = "company_id")]
    company_id: String,
    manychat_id: Option<String>,
    instagram_username: Option<String>,
    instagram_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    phone: Option<String>,
    whatsapp_phone: Option<String>,
    gender: Option<String>,
    locale: Option<String>,
    timezone: Option<String>,
    profile_pic: Option<String>,
    opt_ins: OptIns,
    export_consent: ShownConsent,
    tags: Vec<Tag>,
    custom_fields: BTreeMap<String, String>,
    interactions: Interactions,
    stats: Stats,
    timestamps: Timestamps,
    traits: Traits,
    created_at: String,
    last_active: Option<String>,
}

impl Interactions {
    fn of(counts: &Counts) -> Self {
        Self {
            messages_count: counts.messages,
            comments_count: counts.comments,
            stories_count: counts.stories,
            total_count: counts.messages + counts.comments + counts.stories,
            last_updated: counts.interacted.map(|ts| clock::iso(clock::ts_ms(ts))),
        }
    }
}

impl Tag {
    /// Makes a tag. Its id follows from its name, so it is the same for every person.
    #[must_use]
    pub fn new(name: &str, applied_ms: i64) -> Self {
        Self { id: tag_id(name), name: name.to_owned(), applied_at: clock::iso(applied_ms) }
    }
}

/// The id of the tag with this name.
#[must_use]
pub fn tag_id(name: &str) -> String {
    format!("tag_{}", sha256_hex(name.as_bytes()).chars().take(16).collect::<String>())
}

/// The value of a trait that is a text.
fn text(traits: &Traits, name: &str) -> Option<String> {
    traits.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// The whole name in a layer: given as one, or joined from its parts.
fn full_name(layer: &Traits, named: Option<&String>) -> Option<String> {
    let whole = text(layer, "fullName").or_else(|| named.cloned()).or_else(|| text(layer, "name"));
    let parts: Vec<String> = ["firstName", "lastName"].iter().filter_map(|part| text(layer, part)).collect();
    whole.or_else(|| Some(parts.join(" "))).filter(|name| !name.is_empty())
}

impl Person {
    /// The resulting traits: trusted ones override claimed ones, and a null hides a claim.
    #[must_use]
    pub fn traits(&self) -> Traits {
        let mut traits = self.claimed_traits.clone();
        traits.extend(self.trusted_traits.clone());
        traits.retain(|_, value| value.get() != "null");
        traits
    }

    /// Adds an identity key: an address as `typed`, or a user id of the company.
    pub fn given(&mut self, key: &str, typed: Option<&str>) {
        if let Some(typed) = typed {
            self.email.get_or_insert_with(|| typed.to_owned());
        } else {
            self.external_id.get_or_insert_with(|| key.to_owned());
        }
        self.updated_ms += 1;
    }

    /// The whole name: trusted, or else claimed unless a trusted null hides it.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        let trusted = full_name(&self.trusted_traits, None);
        let hidden = self.trusted_traits.get("fullName").is_some_and(|v| v.get() == "null");
        trusted.or_else(|| if hidden { None } else { full_name(&self.claimed_traits, self.claimed_name.as_ref()) })
    }

    /// The consent for the user object.
    #[must_use]
    pub fn consent(&self) -> ShownConsent {
        ShownConsent {
            given: self.consent.as_ref().is_some_and(|c| c.given),
            at: self.consent.as_ref().map(|c| clock::iso(c.at_ms)),
            source: self.consent.as_ref().map(|c| c.source.clone()),
        }
    }

    /// The user object.
    #[must_use]
    pub fn user(&self) -> User {
        let traits = self.traits();
        let opted = |platform: &str| self.opt_ins.get(platform).copied().unwrap_or_default();
        let mut tags: Vec<(&String, &i64)> = self.tags.iter().collect();
        tags.sort_by_key(|(_, at)| **at);
        let full_name = self.full_name();
        User {
            id: self.id.clone(),
            version: self.updated_ms,
            email: self.email.clone(),
            external_id: self.external_id.clone(),
            name: full_name.clone(),
            company_id: self.company.clone(),
            manychat_id: text(&traits, "manychatId"),
            instagram_username: text(&traits, "instagramUsername"),
            instagram_id: text(&traits, "instagramId"),
            first_name: text(&traits, "firstName"),
            last_name: text(&traits, "lastName"),
            full_name,
            phone: text(&traits, "phone"),
            whatsapp_phone: text(&traits, "whatsappPhone"),
            gender: text(&traits, "gender"),
            locale: text(&traits, "locale"),
            timezone: text(&traits, "timezone"),
            profile_pic: text(&traits, "profilePic"),
            opt_ins: OptIns {
                messenger: opted("messenger"),
                instagram: opted("instagram"),
                whatsapp: opted("whatsapp"),
                telegram: opted("telegram"),
            },
            export_consent: self.consent(),
            tags: tags.into_iter().map(|(name, at)| Tag::new(name, *at)).collect(),
            custom_fields: self.fields.clone(),
            interactions: Interactions::of(&self.counts),
            stats: Stats {
                bookings_count: self.counts.bookings,
                qr_scans_count: self.counts.scans,
                conversations_count: self.counts.conversations,
                last_booking: self.counts.booked.map(|ts| clock::iso(clock::ts_ms(ts))),
                last_synced: self.trusted_ms.map(clock::iso),
            },
            timestamps: Timestamps {
                subscribed_at: self.registered_ms.map(clock::iso),
                created_at: clock::iso(self.created_ms),
                updated_at: clock::iso(self.updated_ms),
            },
            traits,
            created_at: clock::iso(self.created_ms),
            last_active: self.active_ms.map(clock::iso),
        }
    }
}

/// Reads a JSON object of traits.
///
/// # Errors
/// If it is not a JSON object.
pub fn traits(json: &str) -> serde_json::Result<Traits> {
    serde_json::from_str(&super::json::normalised(json))
}

/// Checks the size of traits, given as compact JSON.
///
/// # Errors
/// `event_too_large`.
pub fn check_size(json: &str) -> Result<(), Problem> {
    check_sizes(json.len(), members(json))
}

/// Checks the size of traits with this many bytes and members, as [`check_size`] does.
///
/// # Errors
/// `event_too_large`.
pub fn check_sizes(bytes: usize, members: usize) -> Result<(), Problem> {
    let refuse = |bound: String| Err(Problem::new(Code::EventTooLarge, format!("the traits have over {bound}")));
    match (bytes > TRAITS_BYTES_MAX, members > TRAITS_MEMBERS_MAX) {
        (true, _) => refuse(format!("{TRAITS_BYTES_MAX} bytes")),
        (false, true) => refuse(format!("{TRAITS_MEMBERS_MAX} members, those of objects in them included")),
        (false, false) => Ok(()),
    }
}

/// An upper bound of the members of all objects in compact JSON: a text that contains `":` counts
/// too. `identify.profile.sql` counts in the same way, because it must not read a row for each
/// member.
#[must_use]
pub fn members(json: &str) -> usize {
    json.matches("\":").count()
}

#[cfg(test)]
mod tests;
