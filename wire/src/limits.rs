//! Every bound of the system in one place, each with its unit in the name and its reason beside it.

/// Bytes of one request body, before and after gunzip. One D1 parameter may hold 2 MB; a batch takes part of it.
pub const BODY_BYTES_MAX: usize = 500 * 1024;
/// Bytes of one event as sent. What Segment accepts, and far below D1's row limit.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// Events of one request. 500 rows of ~150 B stay well inside one D1 batch.
pub const BATCH_EVENTS_MAX: usize = 500;
/// Bytes of a request's header that an answer repeats: an origin, or the names that a preflight asks for.
pub const ECHO_BYTES_MAX: usize = 1000;
/// What an answer says at most of optional parts that were left out: a longer list tells nobody more.
pub const WARNINGS_MAX: usize = 20;
/// Characters of an event's name.
pub const EVENT_NAME_CHARS_MAX: usize = 200;
/// Nesting of an event's data. `SQLite` itself stops at 1000; nobody sends more than a handful by intent.
pub const JSON_DEPTH_MAX: usize = 32;
/// Bytes of a batch's shared `context`, which is stored with each of its events.
pub const CONTEXT_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a message id.
pub const MESSAGE_ID_BYTES_MAX: usize = 128;
/// Bytes of a session id.
pub const SESSION_ID_BYTES_MAX: usize = 128;
/// Bytes of an e-mail address (RFC 5321: a path of 256 octets less its brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a subscription's description.
pub const DESCRIPTION_CHARS_MAX: usize = 1000;
/// Characters of a person's or a company's name.
pub const NAME_CHARS_MAX: usize = 200;
/// Bytes of the traits of one identify.
pub const TRAITS_BYTES_MAX: usize = EVENT_BYTES_MAX;
/// Members of all objects in the traits of one identify, and in what all identifies claim of a person: SQLite merges
/// two objects by comparing each name of the one with those of the other.
pub const TRAITS_MEMBERS_MAX: usize = 250;

/// Tags of one user: they are shown, and sent, whole.
pub const TAGS_MAX: usize = 100;
/// Custom fields of one user, likewise.
pub const FIELDS_MAX: usize = 100;
/// Characters of one custom field's value.
pub const FIELD_CHARS_MAX: usize = 1000;

/// Fields of one record, and of each of the two layers of a group: the latest told stay. With the next bound it keeps a
/// record's row below half of D1's 2 MB.
pub const RECORD_FIELDS_MAX: usize = 100;
/// Bytes of one field of a record, as JSON; a longer one stays in its event.
pub const RECORD_FIELD_BYTES_MAX: usize = 8 * 1024;
/// Characters of the name of a record's field.
pub const RECORD_FIELD_CHARS_MAX: usize = 100;
/// Characters of a record's kind.
pub const RECORD_KIND_CHARS_MAX: usize = 50;
/// Bytes of a record's id.
pub const RECORD_ID_BYTES_MAX: usize = 128;

/// Identifies of one session: whoever changes who a session is reads its links. A page that identifies on each view
/// has some hundred in a long visit.
pub const SESSION_IDENTIFIES_MAX: i64 = 500;
/// Events of its session that may lie between an identify which comes late and the next one: they are counted, for they
/// change hands …
pub const LATE_EVENTS_MAX: i64 = 300;
/// … and where a secret key says it, who may bring a history.
pub const LATE_EVENTS_TRUSTED_MAX: i64 = 5000;
/// Browser sessions that claims without proof can give to one person: ten a day for three years.
pub const CLAIMED_SESSIONS_MAX: i64 = 10_000;
/// Links by a server's word that are looked at when a person is shown: of which of their sessions servers alone have told.
/// Each costs two rows, and one for each identify of its session.
pub const TOLD_LINKS_COUNTED_MAX: i64 = 100;

/// Milliseconds of difference between a sender's clock and ours from which its times are corrected.
/// Below it the difference is mostly the journey of the request, and correcting would reorder events.
pub const CLOCK_SKEW_MS_MIN: i64 = 55 * 60 * 1000;
/// Milliseconds an event may lie in the future before its own time is put aside for the time of arrival.
pub const FUTURE_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// Items of one page of a list, unless asked for.
pub const PAGE_ITEMS: usize = 50;
/// Bytes, as stored, with which a page of any list ends early, one item at the least: an answer is in memory some five
/// times while it is made, and an isolate of 128 MB serves others too.
pub const LIST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Items of one page of a timeline at most.
pub const TIMELINE_ITEMS_MAX: usize = 500;
/// Events of one session that a timeline reads at a time: what is read and not shown is at most so many of each.
pub const TIMELINE_STEP_MAX: usize = 16;
/// Items of one page of a person's links at most.
pub const LINKS_ITEMS_MAX: usize = 500;
/// Profiles that may stand as one person: each is read, and written, when two are merged or parted.
pub const GROUP_PROFILES_MAX: usize = 20;
/// Links that one slice of a person's rebuilding reads, each with an identify of up to 32 KB …
pub const REBUILD_LINKS_MAX: usize = 50;
/// … slices of the request that began it, two queries each …
pub const REBUILD_SLICES_MAX: usize = 10;
/// … people of whom one run of the sweep does a slice …
pub const REBUILD_SWEEP_SLICES_MAX: i64 = 5;
/// … and the events of a server session that are looked at for the one that came first.
pub const REBUILD_SERVER_EVENTS_MAX: i64 = 1000;
/// Addresses and user ids that lead to one profile beside its own address: all are read when it is merged, parted or erased, and shown whole.
pub const PROFILE_KEYS_MAX: usize = 100;
/// Records of one kind that are shown with a user.
pub const RECORDS_SHOWN_MAX: usize = 20;
/// Records shown with all users of a page: some 600 B each, several copies of which are in memory at once.
pub const RECORDS_LIST_MAX: usize = 10_000;
/// Items of one page of a user's records at most: a record may be large.
pub const RECORDS_ITEMS_MAX: usize = 200;
/// Kinds of records that one list may ask for by name.
pub const RECORD_KINDS_MAX: usize = 10;
/// Items of one page of groups at most: of each the members are counted …
pub const GROUPS_ITEMS_MAX: usize = 100;
/// … on so many of its sessions …
pub const GROUPS_SESSIONS_COUNTED_MAX: i64 = 1000;
/// … or on so many, where one group is asked for.
pub const GROUP_SESSIONS_COUNTED_MAX: i64 = 10_000;
/// Items of one page of a group's members at most.
pub const MEMBERS_ITEMS_MAX: usize = 500;
/// Groups that are shown with a user.
pub const GROUPS_SHOWN_MAX: i64 = 50;
/// Bytes of each of the two layers of a group, as stored: what one event can tell, with some 160 B a field that say which
/// event it was.
pub const GROUP_LAYER_BYTES_MAX: usize = 48 * 1024;
/// Groups that a page's request may name: each is read and written whole.
pub const GROUPS_REQUEST_MAX: usize = 50;
/// Groups that one event names beside what happened: PostHog knows five kinds of groups.
pub const GROUPS_EVENT_MAX: usize = 5;
/// Groups of one company that only pages have named; what a server names is not counted, and has no bound.
pub const GROUPS_OF_PAGES_MAX: i64 = 10_000;
/// Memberships on one browser session: it names a group or two, again and again.
pub const MEMBERSHIPS_SESSION_MAX: i64 = 200;
/// Memberships of one person that are looked at for their groups.
pub const GROUPS_OF_MEMBERSHIPS_MAX: i64 = 5000;
/// Memberships that one slice of a group's deletion deletes …
pub const MEMBERSHIPS_DELETE_MAX: i64 = 5000;
/// … and slices of one request: D1 allows an invocation of the free plan 50 queries, and whoever asks again goes on.
pub const MEMBERSHIPS_SLICES_MAX: usize = 10;
/// Round trips to D1 after which a request decides nothing about a person any more and is answered `busy`: D1 allows an invocation of the free plan 50 queries, and
/// what was begun takes a few.
pub const TRIPS_MAX: usize = 42;
/// Statements of one D1 transaction that holds what items of several people need: their texts have some 3 MB then, and it takes a second of the 30 that D1 gives.
pub const STATEMENTS_MAX: usize = 2500;
/// Items of another vendor's form, one after the other, that name the same person differently: each waits for the one before it, for up to ten round trips of
/// the 50 queries that D1 allows an invocation of the free plan.
pub const WAVES_MAX: usize = 4;
/// Items that count as one request against a rate limit.
pub const RATE_ITEMS: usize = 50;
/// How often what was decided about a person is decided again because somebody changed them in between: with two round trips each, well inside the 50 queries
/// that D1 allows an invocation of the free plan …
pub const RACES_MAX: u32 = 8;
/// … with a pause before it of up to so many milliseconds, doubled each time: who comes again at random hardly meets the others.
pub const RACE_PAUSE_MS: u32 = 20;
/// Milliseconds that one change of a person may keep others of the same isolate waiting: a request that was broken off must not hold them up for ever …
pub const TURN_MS_MAX: i64 = 3000;
/// … milliseconds that one waits for its turn …
pub const TURN_WAIT_MS_MAX: i64 = 20_000;
/// … and milliseconds after which it looks again whether it has come.
pub const TURN_POLL_MS: u64 = 5;
/// Seconds after which a caller may try again who found a person being changed by many at once.
pub const BUSY_S: u32 = 1;
/// `alias` events of one request that are acted upon: to merge two users takes up to ten queries.
pub const ALIASES_MAX: usize = 10;
/// Items of one page of users at most (seed 003).
pub const USERS_ITEMS_MAX: usize = 1000;
/// Users that a list may be asked to leave out first; a cursor goes on for ever.
pub const OFFSET_MAX: i64 = 10_000;
/// Users up to which a list counts how many there are in all.
pub const TOTAL_MAX: i64 = 10_000;
/// Users whose words one statement writes before a search …
pub const SEARCH_REFRESH_MAX: i64 = 5000;
/// … and how often a search does so: D1 allows an invocation of the free plan 50 queries.
pub const SEARCH_REFRESHES_MAX: usize = 20;
/// Rows of an export's first page: the first bytes leave at once …
pub const EXPORT_FIRST_ROWS: i64 = 50;
/// … and of every other, if they are as small as most are …
pub const EXPORT_PAGE_ROWS: i64 = 500;
/// … for the rows of a page have about so many bytes in all, by those of the page before: a page is held in memory three times, and a user may have 200 KB.
pub const EXPORT_PAGE_BYTES: i64 = 8 * 1024 * 1024;
/// Rows of a page that are written at a time: in between the isolate serves others.
pub const EXPORT_CHUNK_ROWS: usize = 100;
/// Events that a page looks at where a filter may leave few of them.
pub const EXPORT_LOOK_ROWS: i64 = 5000;
/// Milliseconds between two pages of an export at least: others' requests of a few statements find room in them.
pub const EXPORT_PAUSE_MS: u64 = 25;
/// Pages that one export reads, unless the deployment says otherwise (`EXPORT_PAGES_MAX`): D1 allows an invocation 1,000 queries, and what is too long ends with where to go on.
pub const EXPORT_PAGES_MAX: usize = 900;
/// Milliseconds after which an export asks, before its next page, whether its key still works …
pub const EXPORT_KEY_MS: i64 = 2000;
/// … so many times, and then instead of a page: with the marks it all stays within the 1,000 queries.
pub const EXPORT_KEY_CHECKS: usize = 30;
/// Rows between two marks of an export, from which a client whose connection broke goes on; doubled when there are too many marks.
pub const EXPORT_MARK_ROWS: u64 = 5000;
/// Marks of one export.
pub const EXPORT_MARKS_MAX: usize = 64;
/// Columns that an export may be asked for.
pub const EXPORT_FIELDS_MAX: usize = 200;
/// Exports of one company under way at a time: each keeps the database busy.
pub const EXPORTS_RUNNING_MAX: i64 = 10;
/// Milliseconds without a sign of life after which an export is taken for aborted: its invocation died, or its reader stalled.
pub const EXPORT_IDLE_MS: i64 = 15 * 60 * 1000;
/// Exports, and entries of the audit log, of one page at most.
pub const AUDIT_ITEMS_MAX: usize = 500;
/// Days that the audit log and the list of exports are kept: a year, and the month in which somebody looks back at it.
pub const AUDIT_DAYS: i64 = 400;
/// Entries of each that one run of the sweep deletes.
pub const AUDIT_PRUNE_MAX: i64 = 1000;
/// Rejected items of one company and door that are noted in a minute: who sends nothing but rubbish must not fill the database …
pub const REJECTED_MINUTE_MAX: i64 = 120;
/// … that are kept …
pub const REJECTED_KEPT_MAX: i64 = 5000;
/// … and rejected items, in a minute and an isolate, of all companies of which the isolate does not know that there are any: their ids may be made up …
pub const REJECTED_ISOLATE_MAX: usize = 200;
/// … and companies that an isolate knows, of which each has a minute of its own.
pub const COMPANIES_KNOWN_MAX: usize = 10_000;
/// Stored and duplicate items of one company that are noted in a minute while somebody watches: more than a person can read …
pub const WATCHED_MINUTE_MAX: i64 = 1200;
/// … and that are kept.
pub const WATCHED_KEPT_MAX: i64 = 2000;
/// Milliseconds that somebody is taken to watch after each time they looked …
pub const WATCH_MS: i64 = 2 * 60 * 1000;
/// … which is written down again when less than this is left: at most a row a minute.
pub const WATCH_LEFT_MS_MIN: i64 = 60 * 1000;
/// Days that what became of items is kept.
pub const INCOMING_DAYS: i64 = 7;
/// Entries that one run of the sweep deletes.
pub const INCOMING_PRUNE_MAX: i64 = 2000;
/// Entries of one page at most.
pub const INCOMING_ITEMS_MAX: usize = 200;
/// Bytes of an event's data up to which a list shows them; the receipt of the event shows all.
pub const INCOMING_DATA_BYTES_MAX: i64 = 4 * 1024;
/// Seconds that a stream of entries lasts at most: with a query each …
pub const STREAM_S_MAX: usize = 30;
/// … and those for what was there already, and for its key, it is inside the 50 queries that the free plan allows an
/// invocation …
pub const STREAM_QUERIES_MAX: usize = 38;
/// … of which every so manieth asks whether its key still works …
pub const STREAM_KEY_QUERIES: usize = 5;
/// … one of which follows the other after so many ms.
pub const STREAM_POLL_MS: u64 = 1000;
/// Entries of one query of a stream: their data are in memory.
pub const STREAM_PAGE_ROWS: i64 = 100;
/// Queries between two signs of life of a stream that has nothing to tell.
pub const STREAM_QUIET_POLLS: usize = 5;
/// Days of a range whose figures are told by the hour: a month's 744 points …
pub const STATS_HOURLY_DAYS_MAX: i64 = 31;
/// … and by the day: a year to compare with, and the month it is compared in.
pub const STATS_DAYS_MAX: i64 = 400;
/// Event names that the figures of a range show: those there are most of.
pub const STATS_NAMES: i64 = 10;
/// Different names that are held while they are counted; of more, the half with the most is kept, so that a stranger who
/// makes names up fills no memory.
pub const STATS_NAMES_HELD: usize = 20_000;
/// Rows of one slice of what is counted: some 20,000 rows read and 20 ms, for a database does one thing at a time …
pub const COUNT_ROWS_MAX: i64 = 5000;
/// … and slices of one request, unless the deployment says otherwise (`COUNT_SLICES_MAX`): D1 allows an invocation 1,000
/// queries.
pub const COUNT_SLICES_MAX: usize = 900;
/// Milliseconds that a slice is taken to last before one was seen …
pub const SLICE_MS: u64 = 20;
/// … and that one waits for its turn at most.
pub const SLICE_WAIT_MS_MAX: u64 = 10_000;
/// Slices that an export may take at its end beyond the pages that it has left, for it counts who has changed.
pub const EXPORT_END_SLICES: usize = 5;
/// Deliveries shown with one subscription, and of one page of its log at most (seed 003 shows 50).
pub const DELIVERIES_SHOWN_MAX: usize = 50;

/// Attempts shown with one delivery, the latest: each may hold 16 KB of answer, and one that is resent goes on being tried.
pub const ATTEMPTS_SHOWN_MAX: i64 = 20;

/// Subscriptions of one company: each costs a pattern match per accepted event.
pub const SUBSCRIPTIONS_MAX: usize = 100;
/// Event patterns of one subscription.
pub const PATTERNS_MAX: usize = 100;
/// Event types that a company may count as revenue.
pub const REVENUE_EVENTS_MAX: usize = 20;
/// Allowed origins of one company.
pub const ORIGINS_MAX: usize = 100;
/// Bytes of a subscription's URL.
pub const URL_BYTES_MAX: usize = 2048;

/// Attempts of one delivery at most, whatever a subscription asks for.
pub const RETRY_ATTEMPTS_MAX: u32 = 50;
/// Seconds between two attempts, however often doubled; a day is the longest that a policy waits.
pub const RETRY_DELAY_S_MAX: u32 = 24 * 60 * 60;
/// Seconds a receiver may ask us to wait by `Retry-After`.
pub const RETRY_AFTER_S_MAX: u32 = 24 * 60 * 60;
/// Bytes of a secret that a company brings itself.
pub const SECRET_BYTES_MAX: usize = 200;
/// Custom headers of one subscription.
pub const HEADERS_MAX: usize = 20;
/// Bytes of one custom header's value.
pub const HEADER_BYTES_MAX: usize = 4096;
/// Hours that a rotated secret may go on signing.
pub const GRACE_H_MAX: u32 = 24 * 7;
/// Held deliveries that one run of the sweep moves on, per subscription.
pub const RELEASE_DELIVERIES_MAX: i64 = 1000;
/// Subscriptions whose held deliveries one run of the sweep moves on.
pub const RELEASE_SUBSCRIPTIONS_MAX: i64 = 20;
/// Deliveries that one call of recover sets going; the caller goes on until none is left.
pub const RECOVER_DELIVERIES_MAX: i64 = 500;

/// Seconds that a Queue message is delayed at most: the documented day, halved for accounts that still have the older bound.
pub const QUEUE_DELAY_S_MAX: u32 = 12 * 60 * 60;
/// Milliseconds that a subscription may ask one attempt to take, from connect to the end of the answer …
pub const TIMEOUT_MS_MAX: u32 = 30_000;
/// … and that an attempt takes at most: it runs behind an answer, and the runtime ends that 30 s later.
pub const ATTEMPT_MS_MAX: u32 = 25_000;
/// Bytes of a receiver's answer that are read and kept.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Milliseconds of a lease, renewed while its attempt runs: what a crash leaves leased is free again this soon.
pub const LEASE_MS: i64 = 7000;
/// Milliseconds between two renewals: one may come late and the lease still holds.
pub const RENEW_MS: u64 = 2500;
/// Milliseconds that a circuit's probe may take beyond its timeout before another is sent.
pub const PROBE_MARGIN_MS: i64 = 15_000;
/// Leases of one delivery that may run out in a row before it is given up: its attempts may be what kills the invocation.
pub const INTERRUPTIONS_MAX: i64 = 5;
/// Milliseconds until a delivery is due again that nothing can be done about now: its person's erasure is under way.
pub const PUT_OFF_MS: i64 = 60_000;
/// Attempts of one invocation, unless the deployment says otherwise (`ATTEMPTS_MAX`): the free plan has 50 subrequests, and an attempt takes up to three.
pub const ATTEMPTS_MAX: usize = 12;
/// Attempts under way in one isolate, beyond which new ones wait: a receiver that hangs must not hold all the memory. A
/// company may have a third of what the others leave, which is 133, and a subscription likewise a third of what is left
/// of that, 44: so there is room for one more when the receivers of ten hang.
pub const IN_FLIGHT_MAX: u32 = 400;
/// Seconds that a delivery waits whose company or subscription has as many attempts under way as it may.
pub const FULL_WAIT_S: u32 = 3;
/// Deliveries settled in one batch: their answers share D1's bound of one parameter.
pub const SETTLE_MAX: usize = 50;
/// Deliveries a second that a subscription may be limited to; an invocation makes so many attempts at most.
pub const RATE_LIMIT_MAX: u32 = 100;
/// Failures in a row, and hours, that a subscription may ask for before it is switched off.
pub const DISABLE_FAILURES_MAX: u32 = 10_000;
/// … hours.
pub const DISABLE_HOURS_MAX: u32 = 24 * 30;
/// Days that finished deliveries and their attempts may be kept.
pub const LOG_DAYS_MAX: u32 = 365;
/// Subscriptions whose logs one run of the sweep looks into for something to delete …
pub const PRUNE_LOOKED_MAX: i64 = 500;
/// … of so many at a time, one batch of the database, it deletes …
pub const PRUNE_SUBSCRIPTIONS_MAX: usize = 10;
/// … so many deliveries from either end of what is old enough …
pub const PRUNE_DELIVERIES_MAX: i64 = 500;
/// … and does so this often, as long as it finds any.
pub const PRUNE_ROUNDS_MAX: usize = 2;
/// Days that events may be kept, if not for ever.
pub const EVENT_DAYS_MAX: u32 = 3650;
/// Events that one slice of an erasure deletes, with their deliveries: a batch of some ten thousand rows, well inside D1's 30 s.
pub const ERASE_EVENTS_MAX: i64 = 5000;
/// Links whose events one slice of an erasure looks at.
pub const ERASE_LINKS_MAX: i64 = 500;
/// Events without a session that one slice of an erasure searches for those about the person.
pub const ERASE_SEARCHED_MAX: i64 = 10_000;
/// Slices of erasures in one request, and in one run of the sweep: a slice takes up to ten queries of the 50 that the free plan allows an invocation.
pub const ERASE_SLICES_MAX: usize = 3;
/// Erasures that one run of the sweep looks at.
pub const ERASE_PEOPLE_MAX: i64 = 10;
/// Events that one slice of the retention looks at: it finds the old ones by looking at all, for an index by time would cost each event a row …
pub const RETAIN_EVENTS_MAX: i64 = 5000;
/// … and slices of one run of the sweep: a pass over ten million events takes eleven hours.
pub const RETAIN_SLICES_MAX: usize = 3;
/// Event names that a company's catalogue keeps of each door: those that a stranger makes up leave a server's names alone …
pub const CATALOG_DOOR_NAMES_MAX: i64 = 500;
/// … and shows in all.
pub const CATALOG_NAMES_MAX: i64 = 2 * CATALOG_DOOR_NAMES_MAX;
/// Milliseconds between two notes of when a name was last seen: a row an hour, not a row a request.
pub const CATALOG_NOTE_MS: i64 = 60 * 60 * 1000;
/// Milliseconds without being seen after which a name makes room for a new one, where its door is full.
pub const CATALOG_IDLE_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Bytes of names, of all companies, that an isolate remembers as noted in this hour: some 20,000 names.
pub const CATALOG_NOTED_BYTES_MAX: usize = 1024 * 1024;
/// Attempts at a time in one invocation, which has six connections: a seventh would wait for one with its deadline running.
pub const CONNECTIONS_MAX: usize = 5;
/// Milliseconds behind an answer in which attempts end: the runtime allows 30 s, and what came of them is written down
/// in the rest. No attempt begins that could last longer.
pub const TAIL_MS_MAX: i64 = 27_000;
/// Messages of one call to Queues (its own limit).
pub const QUEUE_BATCH_MAX: usize = 100;
/// Wake-ups that an isolate sends when it starts: many may start at once, and the cron finds the rest.
pub const START_DELIVERIES_MAX: usize = 100;
/// Milliseconds within which one isolate alone looks for what a crash left when it starts: a deployment starts many at once.
pub const START_TURN_MS: i64 = 5000;
/// Wake-ups of one sweep: ten calls to Queues, and what is left is the next sweep's.
pub const SWEEP_DELIVERIES_MAX: usize = 1000;
/// Subscriptions with open deliveries that one sweep walks, which costs two rows read each; the next goes on behind
/// them.
pub const SWEEP_SUBSCRIPTIONS_MAX: i64 = 5000;
/// Held deliveries that a turn looks at: those of a person whose erasure is under way are passed over.
pub const HELD_LOOKED_MAX: i64 = 1000;
/// Old secrets that one run of the sweep erases.
pub const EXPIRE_SECRETS_MAX: i64 = 1000;
/// Milliseconds that a wake-up may come before its time and still count: clocks of two machines differ.
pub const EARLY_MS_MAX: i64 = 1000;

/// Events of a company's tracking plan.
pub const PLAN_EVENTS_MAX: usize = 500;
/// Fields of one object of a plan; what is wider is a map, and its keys are data.
pub const PLAN_FIELDS_MAX: usize = 100;
/// Objects within each other that a plan looks into.
pub const PLAN_DEPTH_MAX: usize = 4;
/// Bytes of a plan as JSON: an isolate keeps the plans of the companies it serves.
pub const PLAN_BYTES_MAX: usize = 200 * 1024;
/// Plans that an isolate keeps.
pub const PLANS_KEPT: usize = 50;
/// Things that are said to be wrong with one event.
pub const PLAN_SHOWN_MAX: usize = 10;
/// Characters of the place of one of them.
pub const PLAN_PATH_CHARS_MAX: usize = 200;
/// Kinds of violations, by event, field and reason, that are counted of one company: names that a stranger makes up must not fill a table.
pub const PLAN_VIOLATIONS_MAX: usize = 200;
/// … and kinds that an isolate gathers of one company before it writes them: more, so that a flood of new ones does not hide those that are known.
pub const PLAN_VIOLATIONS_HELD: usize = 1000;
/// … and of all companies: some 1.6 KB each at the most.
pub const PLAN_VIOLATIONS_ISOLATE: usize = 4000;
/// Events of each door that an inference looks at; their ids are random, mostly, and so is the sample …
pub const PLAN_SAMPLE_MAX: i64 = 10_000;
/// … of each name, and door, so many of the latest are taken …
pub const PLAN_SAMPLE_OF_NAME: i64 = 50;
/// … and so many in all …
pub const PLAN_SAMPLE_TAKEN: i64 = 2000;
/// … unless they have more bytes than this: a sample has 8 MB at most.
pub const PLAN_SAMPLE_BYTES_MAX: i64 = 4096;
/// Keys of one company that are not revoked: they are shown whole.
pub const KEYS_MAX: i64 = 100;
/// Keys that a list of them shows, with the latest that were revoked.
pub const KEYS_SHOWN_MAX: i64 = 1000;
/// Milliseconds between two notes of a key's last use: a row written an hour, not a row a request.
pub const KEY_USE_MS: i64 = 60 * 60 * 1000;

/// Seconds over which requests are counted against a rate limit, and after which a refused caller may try again. The limits themselves stand in
/// `wrangler.toml`, with this period.
pub const RATE_PERIOD_S: u32 = 10;
/// Seconds after which a caller may try again when the database cannot be reached.
pub const UNAVAILABLE_S: u32 = 10;
/// Seconds after which a caller may try again when the database is full: somebody has to make room, which takes longer than an outage.
pub const STORAGE_FULL_S: u32 = 60;
/// Bytes that a D1 database may have on the paid plan, unless the deployment says otherwise (`D1_BYTES_MAX`).
pub const D1_BYTES_MAX: i64 = 10_000_000_000;

/// Bytes of one message of the spill queue: 128,000 less the runtime's own share and the message's other fields.
pub const SPILL_BYTES_MAX: usize = 120_000;
/// Milliseconds that a request waits for the spill queue to take a message: an overloaded one was seen to hang for a minute.
pub const SPILL_WAIT_MS: u64 = 5000;
/// Seconds after which what was spilled is tried again, at the most: it is to be stored within a minute of the database's recovery.
pub const SPILL_RETRY_S_MAX: i64 = 20;
/// Minutes after which a spilled message is sent anew instead of retried: Queues retries a message 100 times at most.
pub const SPILL_RENEW_MIN: i64 = 20;
/// Days after which what was spilled is left to the dead-letter queue.
pub const SPILL_DAYS_MAX: i64 = 4;
/// Seconds between two tries to tell a company of what could not be stored: its list of rejected items takes so many a minute.
pub const GIVEN_UP_RETRY_S: u32 = 60;
