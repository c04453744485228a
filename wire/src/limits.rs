//! Every limit of the system in one place, each with its unit in its name and its reason beside it.

/// Bytes of one request body, before and after gunzip. One D1 parameter may hold 2 MB, and a batch
/// takes a part of it.
pub const BODY_BYTES_MAX: usize = 500 * 1024;
/// Bytes of one event as sent. Segment accepts the same, and it is far below D1's row limit.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// Events in one request. 500 rows of about 150 B fit easily into one D1 batch.
pub const BATCH_EVENTS_MAX: usize = 500;
/// New events of a browser's request whose message ids the database returns. Of more it returns
/// only their number. With 20, the statement for the number costs less than their ids.
pub const IDS_RETURNED_MAX: usize = 20;
/// Bytes of a request header that an answer repeats: an origin, or the header names that a
/// preflight lists.
pub const ECHO_BYTES_MAX: usize = 1000;
/// Warnings in one answer about optional parts that were left out. A longer list tells nobody more.
pub const WARNINGS_MAX: usize = 20;
/// Characters of an event's name.
pub const EVENT_NAME_CHARS_MAX: usize = 200;
/// Nesting depth of an event's data. `SQLite` stops at 1000, and nobody sends more than a few
/// levels on purpose.
pub const JSON_DEPTH_MAX: usize = 32;
/// Bytes of a batch's shared `context`, which is stored with each of its events.
pub const CONTEXT_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a message id.
pub const MESSAGE_ID_BYTES_MAX: usize = 128;
/// Bytes of a session id.
pub const SESSION_ID_BYTES_MAX: usize = 128;
/// Bytes of an e-mail address. RFC 5321 allows a path of 256 octets, including its brackets.
pub const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a webhook's description.
pub const DESCRIPTION_CHARS_MAX: usize = 1000;
/// Characters of a person's or a company's name.
pub const NAME_CHARS_MAX: usize = 200;
/// Bytes of the traits of one identify.
pub const TRAITS_BYTES_MAX: usize = EVENT_BYTES_MAX;
/// Members of all objects in the traits of one identify, and in all claimed traits of one person.
/// `SQLite` merges two objects by comparing each name in one with each name in the other.
pub const TRAITS_MEMBERS_MAX: usize = 250;

/// Tags of one user. Answers and deliveries show all of them.
pub const TAGS_MAX: usize = 100;
/// Custom fields of one user. Answers and deliveries show all of them.
pub const FIELDS_MAX: usize = 100;
/// Characters of one custom field's value.
pub const FIELD_CHARS_MAX: usize = 1000;

/// Fields of one record, and traits of each of the two layers of a group. The latest stay. Together
/// with the next limit it keeps a record's row below half of D1's 2 MB.
pub const RECORD_FIELDS_MAX: usize = 100;
/// Bytes of one field of a record, as JSON. A longer field stays in its event only.
pub const RECORD_FIELD_BYTES_MAX: usize = 8 * 1024;
/// Characters of the name of a record's field.
pub const RECORD_FIELD_CHARS_MAX: usize = 100;
/// Characters of a record's kind.
pub const RECORD_KIND_CHARS_MAX: usize = 50;
/// Bytes of a record's id.
pub const RECORD_ID_BYTES_MAX: usize = 128;

/// Identifies of one session. Each new one reads the links of the session. A page that identifies
/// on every view makes some hundred in a long visit.
pub const SESSION_IDENTIFIES_MAX: i64 = 500;
/// Events of a session between a late identify from a browser and the next identify. These events
/// move to another person, so they are counted one by one.
pub const LATE_EVENTS_MAX: i64 = 300;
/// The same limit for an identify with a secret key, because servers import histories.
pub const LATE_EVENTS_TRUSTED_MAX: i64 = 5000;
/// Browser sessions that unproved identifies can link to one person: ten a day for three years.
pub const CLAIMED_SESSIONS_MAX: i64 = 10_000;
/// Links made by servers that are examined to count a person's server-only sessions. Each costs two
/// rows, and one more for each identify of its session.
pub const SERVER_LINKS_COUNTED_MAX: i64 = 100;

/// Milliseconds between a sender's clock and ours from which its times are corrected. A smaller
/// difference is mostly the travel time of the request, and a correction would reorder events.
pub const CLOCK_SKEW_MS_MIN: i64 = 55 * 60 * 1000;
/// Milliseconds that an event's time may lie in the future. Beyond that, the time of arrival
/// replaces it.
pub const FUTURE_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// Items of one page of a list, unless `limit` says otherwise.
pub const PAGE_ITEMS: usize = 50;
/// Stored bytes at which a page of any list ends early; it has at least one item. While an answer
/// is made it is in memory about five times, and an isolate of 128 MB serves other requests too.
pub const LIST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Items of one page of a timeline.
pub const TIMELINE_ITEMS_MAX: usize = 500;
/// Events of one session that a timeline reads at a time. At most this many events of each session
/// are read without being shown.
pub const TIMELINE_STEP_MAX: usize = 16;
/// Items of one page of a person's links.
pub const LINKS_ITEMS_MAX: usize = 500;
/// Profiles that can be merged into one person. Each is read and written by every merge and every
/// undo of one.
pub const GROUP_PROFILES_MAX: usize = 20;
/// Links that one slice of rebuilding a person reads. Each has an identify of up to 32 KB.
pub const REBUILD_LINKS_MAX: usize = 50;
/// Slices of a rebuild in the request that starts it. Each takes two queries.
pub const REBUILD_SLICES_MAX: usize = 10;
/// People for whom one run of the sweep does a slice of a rebuild.
pub const REBUILD_SWEEP_SLICES_MAX: i64 = 5;
/// Events of a server session that a rebuild searches for the earliest.
pub const REBUILD_SERVER_EVENTS_MAX: i64 = 1000;
/// Addresses and user ids that lead to one profile, beside its address. All are read when the
/// profile is merged, unmerged or erased, and answers show all of them.
pub const PROFILE_KEYS_MAX: usize = 100;
/// Records of one kind that are shown with a user.
pub const RECORDS_SHOWN_MAX: usize = 20;
/// Records that are shown with all users of a page. Each takes about 600 B, and several copies are
/// in memory at once.
pub const RECORDS_LIST_MAX: usize = 10_000;
/// Items of one page of a user's records. A record may be large.
pub const RECORDS_ITEMS_MAX: usize = 200;
/// Kinds of records that one list request may name.
pub const RECORD_KINDS_MAX: usize = 10;
/// Items of one page of groups. The members of each group are counted.
pub const GROUPS_ITEMS_MAX: usize = 100;
/// Sessions of a group on which a list counts the members.
pub const GROUPS_SESSIONS_COUNTED_MAX: i64 = 1000;
/// Sessions of a group on which the route for one group counts the members.
pub const GROUP_SESSIONS_COUNTED_MAX: i64 = 10_000;
/// Items of one page of a group's members.
pub const MEMBERS_ITEMS_MAX: usize = 500;
/// Groups that are shown with a user.
pub const GROUPS_SHOWN_MAX: i64 = 50;
/// Stored bytes of each of the two layers of a group: the traits of one event, and about 160 B for
/// each trait that name the event that set it.
pub const GROUP_LAYER_BYTES_MAX: usize = 48 * 1024;
/// Groups that one request of a page may name. Each is read and written as a whole.
pub const GROUPS_REQUEST_MAX: usize = 50;
/// Groups that one event may name in `$groups`. PostHog has five kinds of groups.
pub const GROUPS_EVENT_MAX: usize = 5;
/// Groups of one company that only pages have named. Groups that a server names are not counted and
/// have no limit.
pub const GROUPS_OF_PAGES_MAX: i64 = 10_000;
/// Memberships on one browser session. A session names one or two groups, again and again.
pub const MEMBERSHIPS_SESSION_MAX: i64 = 200;
/// Memberships of one person that are searched for the person's groups.
pub const GROUPS_OF_MEMBERSHIPS_MAX: i64 = 5000;
/// Memberships that one slice of a group's deletion deletes.
pub const MEMBERSHIPS_DELETE_MAX: i64 = 5000;
/// Slices of a group's deletion in one request. D1 allows an invocation 50 queries on the free
/// plan, and a repeated request continues.
pub const MEMBERSHIPS_SLICES_MAX: usize = 10;
/// Round trips to D1 after which a request starts no further change of a person and answers `busy`.
/// D1 allows an invocation 50 queries on the free plan, and finishing what has begun takes a few.
pub const TRIPS_MAX: usize = 42;
/// Statements of one D1 transaction for items about several people. Their texts are about 3 MB, and
/// the transaction takes about one of the 30 seconds that D1 allows.
pub const STATEMENTS_MAX: usize = 2500;
/// Items of another vendor's batch that give the same person different keys, one after the other.
/// Each waits for the one before, for up to ten of the 50 queries that D1 allows an invocation on
/// the free plan.
pub const ROUNDS_MAX: usize = 4;
/// Items that count as one request against a rate limit.
pub const RATE_ITEMS: usize = 50;
/// Times that a change of a person is decided again because somebody else changed the person in
/// between. Each takes two round trips, so all of them fit into the 50 queries of the free plan.
pub const RACES_MAX: u32 = 8;
/// Longest pause in milliseconds before the first of these retries; it doubles with each. The pause
/// is random, so that retries rarely meet again.
pub const RACE_PAUSE_MS: u32 = 20;
/// Milliseconds for which one change of a person may block others in the same isolate. A request
/// that was broken off must not block them for ever.
pub const PERSON_LOCK_MS_MAX: i64 = 3000;
/// Milliseconds that a change of a person waits for its turn.
pub const PERSON_LOCK_WAIT_MS_MAX: i64 = 20_000;
/// Milliseconds between two checks whether the turn has come.
pub const PERSON_LOCK_POLL_MS: u64 = 5;
/// Seconds after which a caller that was answered `busy` may try again.
pub const BUSY_S: u32 = 1;
/// `alias` events of one request that are executed. Merging two users takes up to ten queries.
pub const ALIASES_MAX: usize = 10;
/// Items of one page of users.
pub const USERS_ITEMS_MAX: usize = 1000;
/// Users that `offset` may skip. A cursor has no such limit.
pub const OFFSET_MAX: i64 = 10_000;
/// Users up to which a list counts its total.
pub const TOTAL_MAX: i64 = 10_000;
/// Users whose search words one statement writes before a search.
pub const SEARCH_REFRESH_MAX: i64 = 5000;
/// Bytes of the names and addresses of these users. D1 takes parameters of 2 MB.
pub const SEARCH_REFRESH_BYTES: i64 = 500_000;
/// Words of a user that a search finds. The index has a row for each.
pub const SEARCH_WORDS_MAX: usize = 500;
/// Such statements in one search. D1 allows an invocation 50 queries on the free plan.
pub const SEARCH_REFRESHES_MAX: usize = 20;
/// Rows of an export's first page. It is small so that the first bytes leave at once.
pub const EXPORT_FIRST_ROWS: i64 = 50;
/// Rows of every other page of an export, if the rows are small.
pub const EXPORT_PAGE_ROWS: i64 = 500;
/// Bytes that all rows of an export's page should have together, estimated from the page before. A
/// page is in memory three times, and a user may have 200 KB.
pub const EXPORT_PAGE_BYTES: i64 = 8 * 1024 * 1024;
/// Rows of a page that are written at a time. In between, the isolate serves other requests.
pub const EXPORT_CHUNK_ROWS: usize = 100;
/// Events that a page examines when a filter may match few of them.
pub const EXPORT_LOOK_ROWS: i64 = 5000;
/// Shortest pause in milliseconds between two pages of an export. Short requests of others run in
/// these pauses.
pub const EXPORT_PAUSE_MS: u64 = 25;
/// Pages of one export, unless the deployment sets `EXPORT_PAGES_MAX`. D1 allows an invocation
/// 1,000 queries. A longer export ends with the place where the next one continues.
pub const EXPORT_PAGES_MAX: usize = 900;
/// Milliseconds after which an export checks, before its next page, whether its key is still valid.
pub const EXPORT_KEY_MS: i64 = 2000;
/// Such checks in one export; after that, each takes the place of a page. Together with the marks,
/// all queries stay within 1,000.
pub const EXPORT_KEY_CHECKS: usize = 30;
/// Rows between two marks of an export. A client whose connection broke continues at a mark. The
/// distance doubles when there are too many marks.
pub const EXPORT_MARK_ROWS: u64 = 5000;
/// Marks of one export.
pub const EXPORT_MARKS_MAX: usize = 64;
/// Columns that an export may have.
pub const EXPORT_FIELDS_MAX: usize = 200;
/// Exports of one company that run at the same time. Each keeps the database busy.
pub const EXPORTS_RUNNING_MAX: i64 = 10;
/// Milliseconds without progress after which an export counts as aborted: its invocation died, or
/// its reader stalled.
pub const EXPORT_IDLE_MS: i64 = 15 * 60 * 1000;
/// Items of one page of exports or of the audit log.
pub const AUDIT_ITEMS_MAX: usize = 500;
/// Days for which the audit log and the list of exports are kept: a year, and one month to review
/// it.
pub const AUDIT_DAYS: i64 = 400;
/// Entries of each of the two that one run of the sweep deletes.
pub const AUDIT_PRUNE_MAX: i64 = 1000;
/// Rejected items of one company and source that are logged in a minute. A sender of garbage must
/// not fill the database.
pub const REJECTED_MINUTE_MAX: i64 = 120;
/// Rejected items of one company and source that the log stores.
pub const REJECTED_STORED_MAX: i64 = 5000;
/// Rejected items that an isolate logs in a minute for all companies that it does not know to
/// exist. Their ids may be made up.
pub const REJECTED_ISOLATE_MAX: usize = 200;
/// Companies that an isolate knows to exist. Each has a limit per minute of its own.
pub const COMPANIES_KNOWN_MAX: usize = 10_000;
/// Stored and duplicate items of one company that are logged in a minute while somebody watches. A
/// person cannot read more.
pub const WATCHED_MINUTE_MAX: i64 = 1200;
/// Stored and duplicate items of one company that the log stores.
pub const WATCHED_STORED_MAX: i64 = 2000;
/// Milliseconds for which a company counts as watched after each look at the list or the stream.
pub const WATCH_MS: i64 = 2 * 60 * 1000;
/// Milliseconds left of that time below which it is extended: at most one row written a minute.
pub const WATCH_LEFT_MS_MIN: i64 = 60 * 1000;
/// Days for which the log of received items is kept.
pub const INCOMING_DAYS: i64 = 7;
/// Entries of that log that one run of the sweep deletes.
pub const INCOMING_PRUNE_MAX: i64 = 2000;
/// Items of one page of that log.
pub const INCOMING_ITEMS_MAX: usize = 200;
/// Bytes of an event's data up to which a list shows them. The receipt of the event shows all.
pub const INCOMING_DATA_BYTES_MAX: i64 = 4 * 1024;
/// Seconds that an event stream lasts. It makes one query each second.
pub const STREAM_S_MAX: usize = 30;
/// Queries of one event stream, including those for older entries and for its key. They fit into
/// the 50 queries that the free plan allows an invocation.
pub const STREAM_QUERIES_MAX: usize = 38;
/// One of this many queries checks whether the key of the stream is still valid.
pub const STREAM_KEY_QUERIES: usize = 5;
/// Milliseconds between two queries of a stream.
pub const STREAM_POLL_MS: u64 = 1000;
/// Entries of one query of a stream. Their data are in memory.
pub const STREAM_PAGE_ROWS: i64 = 100;
/// Queries without entries after which a stream sends a sign of life.
pub const STREAM_QUIET_POLLS: usize = 5;
/// Days of a range with figures by the hour: a month has 744 points.
pub const STATS_HOURLY_DAYS_MAX: i64 = 31;
/// Days of a range with figures by the day: a year, and one month to compare with the year before.
pub const STATS_DAYS_MAX: i64 = 400;
/// Event names that the figures of a range show: the most frequent.
pub const STATS_NAMES: i64 = 10;
/// Different names that are counted in memory. Beyond it the rarer half is
/// dropped, so that made-up names cannot fill the memory.
pub const STATS_NAMES_COUNTED_MAX: usize = 20_000;
/// Milliseconds for which an isolate remembers figures that took more than one slice. The dashboard
/// reads them once a minute.
pub const STATS_REMEMBERED_MS: u64 = 60_000;
/// Figures that an isolate remembers. Those of 31 days by the hour take some 50 KB.
pub const STATS_REMEMBERED_MAX: usize = 50;
/// Milliseconds after the end of an hour before the counts of its events are stored. Until then an
/// event of that hour is not late.
pub const STATS_HOUR_CLOSED_MS: i64 = 15 * 60_000;
/// Most event names of a stored hour. An hour with more names is not stored, so each request counts
/// its events again.
pub const STATS_HOUR_NAMES_MAX: usize = 200;
/// Hours whose counts one request stores. 30 days have 720.
pub const STATS_HOURS_MAX: usize = 1000;
/// Event names in all hours whose counts one request stores, because memory holds them.
pub const STATS_HOURS_NAMES_MAX: usize = 100_000;
/// Stored hours that one round trip reads. The largest have some 20 KB each.
pub const STATS_HOURS_SLICE: i64 = 400;
/// Bytes of the counts that one statement stores. D1 takes 2 MB.
pub const STATS_HOURS_BYTES: usize = 500_000;
/// Days of which past hours are counted ahead: those that a range may have, in any time zone.
pub const STATS_AHEAD_DAYS: i64 = 401;
/// Milliseconds after which the sweep looks again for past hours of a company that are not stored.
/// A round reads a row of each session.
pub const STATS_AHEAD_EVERY_MS: i64 = 6 * 60 * 60 * 1000;
/// Milliseconds before its last round in which a company may have had events that the round did not
/// count: those of an hour that had not ended, and whose names were written an hour before.
pub const STATS_AHEAD_NEW_MS: i64 = 3 * 60 * 60 * 1000;
/// Hours that the sweep counts together. More would take fewer rows, and a longer text to store
/// between two turns.
pub const STATS_AHEAD_HOURS_MAX: usize = 168;
/// Event names in the hours that the sweep counts together. They are stored as one text between two
/// turns; a name has up to 800 bytes, and D1 takes 2 MB.
pub const STATS_AHEAD_NAMES_MAX: usize = 1500;
/// Round trips in which one run of the sweep counts past hours, if its invocation has as many left.
pub const STATS_AHEAD_TRIPS_MAX: usize = 300;
/// Rows of an index that one slice of past hours examines. A slice also reads the event of each
/// row, so it takes as long as a slice of statistics, which has several walks.
pub const STATS_AHEAD_ROWS_MAX: i64 = 1000;
/// Milliseconds after which a run of the sweep counts no further slice of past hours.
pub const STATS_AHEAD_RUN_MS_MAX: i64 = 30_000;
/// Shortest pause in milliseconds between two of its slices.
pub const STATS_AHEAD_PAUSE_MS: u64 = 10;
/// Milliseconds for which a turn belongs to one run. It is longer than any run, and ends if the run
/// died.
pub const STATS_AHEAD_CLAIM_MS: i64 = 3 * 60 * 1000;
/// Rows of an index that one slice of statistics examines. That reads about 6,000 rows in 8 ms.
/// Slices are short because a database does one thing at a time.
pub const STATS_ROWS_MAX: i64 = 2000;
/// Rows of an index that one slice of a count of users or events examines. It reads them in their
/// order, which takes less time for each than statistics do.
pub const COUNT_ROWS_MAX: i64 = 5000;
/// Slices of a count in one request, unless the deployment sets `COUNT_SLICES_MAX`. D1 allows an
/// invocation 1,000 queries.
pub const COUNT_SLICES_MAX: usize = 900;
/// Milliseconds that a slice is assumed to take before the first was measured.
pub const SLICE_MS: u64 = 8;
/// Milliseconds that a slice waits for its turn.
pub const SLICE_WAIT_MS_MAX: u64 = 10_000;
/// Slices that an export may take at its end beyond its remaining pages. They count the users that
/// changed meanwhile.
pub const EXPORT_END_SLICES: usize = 5;
/// Deliveries shown with one webhook, and items of one page of its log.
pub const DELIVERIES_SHOWN_MAX: usize = 50;

/// Attempts shown with one delivery: the latest. Each may hold 16 KB of answer, and a delivery that
/// is resent gets more attempts.
pub const ATTEMPTS_SHOWN_MAX: i64 = 20;

/// Webhooks of one company. Each costs a pattern match for every accepted event.
pub const SUBSCRIPTIONS_MAX: usize = 100;
/// Event patterns of one webhook.
pub const PATTERNS_MAX: usize = 100;
/// Event types that a company may count as revenue.
pub const REVENUE_EVENTS_MAX: usize = 20;
/// Allowed origins of one company.
pub const ORIGINS_MAX: usize = 100;
/// Bytes of a webhook's URL.
pub const URL_BYTES_MAX: usize = 2048;

/// Attempts of one delivery, whatever the webhook sets.
pub const RETRY_ATTEMPTS_MAX: u32 = 50;
/// Seconds between two attempts, however often the delay doubles. A day is the longest wait of a
/// policy.
pub const RETRY_DELAY_S_MAX: u32 = 24 * 60 * 60;
/// Seconds that a receiver may ask us to wait with `Retry-After`.
pub const RETRY_AFTER_S_MAX: u32 = 24 * 60 * 60;
/// Bytes of a secret that a company provides.
pub const SECRET_BYTES_MAX: usize = 200;
/// Custom headers of one webhook.
pub const HEADERS_MAX: usize = 20;
/// Bytes of one custom header's value.
pub const HEADER_BYTES_MAX: usize = 4096;
/// Hours for which the old secret still signs after a rotation.
pub const GRACE_H_MAX: u32 = 24 * 7;
/// Held deliveries of one webhook that one run of the sweep releases.
pub const RELEASE_DELIVERIES_MAX: i64 = 1000;
/// Webhooks whose held deliveries one run of the sweep releases.
pub const RELEASE_SUBSCRIPTIONS_MAX: i64 = 20;
/// Deliveries that one call of `recover` queues again. The caller repeats the call until none is
/// left.
pub const RECOVER_DELIVERIES_MAX: i64 = 500;

/// Seconds by which a Queue message is delayed. Cloudflare documents a day; half of it is safe for
/// accounts with the older limit.
pub const QUEUE_DELAY_S_MAX: u32 = 12 * 60 * 60;
/// Milliseconds that a webhook may set for one attempt, from connecting to the end of the answer.
pub const TIMEOUT_MS_MAX: u32 = 30_000;
/// Milliseconds that an attempt takes at most. It runs after an answer, and the runtime ends it 30
/// s after that answer.
pub const ATTEMPT_MS_MAX: u32 = 25_000;
/// Bytes of a receiver's answer that are read and kept.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Milliseconds of a lease, which is renewed while its attempt runs. After a crash, the delivery is
/// free again this soon.
pub const LEASE_MS: i64 = 7000;
/// Milliseconds between two renewals of a lease. One may be late without losing the lease.
pub const RENEW_MS: u64 = 2500;
/// Milliseconds that a circuit's probe may take beyond its timeout before another probe is sent.
pub const PROBE_MARGIN_MS: i64 = 15_000;
/// Leases of one delivery that may expire in a row before it is given up. Its attempts may be what
/// kills the invocation.
pub const INTERRUPTIONS_MAX: i64 = 5;
/// Milliseconds by which a delivery is postponed while the erasure of its person is running.
pub const PUT_OFF_MS: i64 = 60_000;
/// Attempts of one invocation, unless the deployment sets `ATTEMPTS_MAX`. The free plan has 50
/// subrequests, and an attempt takes up to three.
pub const ATTEMPTS_MAX: usize = 12;
/// Concurrent attempts of one isolate; further ones wait. A receiver that hangs must not take all
/// the memory. A company may use a third of what the others leave (133), and a webhook a third of
/// what is left of that (44). So there is room for one more when the receivers of ten hang.
pub const IN_FLIGHT_MAX: u32 = 400;
/// The same for attempts at receivers that answer quickly, which are counted apart: 400 of a
/// company, 133 of a webhook. Each ends within [`QUICK_MS_MAX`], or counts as one of the others.
pub const IN_FLIGHT_QUICK_MAX: u32 = 1200;
/// Milliseconds within which a quick receiver answers.
pub const QUICK_MS_MAX: i64 = 500;
/// Seconds that a delivery waits when its company or webhook has reached its limit of concurrent
/// attempts.
pub const FULL_WAIT_S: u32 = 3;
/// Deliveries whose results one batch writes. Their answers share one D1 parameter and its size
/// limit.
pub const SETTLE_MAX: usize = 50;
/// Deliveries a second that a webhook's `rateLimit` may allow. One invocation makes at most as many
/// attempts.
pub const RATE_LIMIT_MAX: u32 = 100;
/// Failed deliveries in a row that a webhook may set before it is switched off.
pub const DISABLE_FAILURES_MAX: u32 = 10_000;
/// Hours of failures that a webhook may set before it is switched off.
pub const DISABLE_HOURS_MAX: u32 = 24 * 30;
/// Days for which finished deliveries and their attempts may be kept.
pub const LOG_DAYS_MAX: u32 = 365;
/// Webhooks whose logs one run of the sweep examines for something to delete.
pub const PRUNE_LOOKED_MAX: i64 = 500;
/// Webhooks whose logs one database batch prunes.
pub const PRUNE_SUBSCRIPTIONS_MAX: usize = 10;
/// Deliveries that such a batch deletes from either end of the old part of a log.
pub const PRUNE_DELIVERIES_MAX: i64 = 500;
/// Rounds of pruning in one run of the sweep, as long as they find anything.
pub const PRUNE_ROUNDS_MAX: usize = 2;
/// Days for which events may be kept, if not for ever.
pub const EVENT_DAYS_MAX: u32 = 3650;
/// Events that one slice of an erasure deletes, with their deliveries. It is a batch of some ten
/// thousand rows, far below D1's 30 s.
pub const ERASE_EVENTS_MAX: i64 = 5000;
/// Links whose events one slice of an erasure examines.
pub const ERASE_LINKS_MAX: i64 = 500;
/// Events without a session that one slice of an erasure searches for those about the person.
pub const ERASE_SEARCHED_MAX: i64 = 10_000;
/// Slices of erasures in one request, and in one run of the sweep. A slice takes up to ten of the
/// 50 queries that the free plan allows an invocation.
pub const ERASE_SLICES_MAX: usize = 3;
/// Erasures that one run of the sweep examines.
pub const ERASE_PEOPLE_MAX: i64 = 10;
/// Events that one slice of the retention examines. It finds old events by examining all, because
/// an index by time would cost each event a row.
pub const RETAIN_EVENTS_MAX: i64 = 5000;
/// Slices of the retention in one run of the sweep. A pass over ten million events takes eleven
/// hours.
pub const RETAIN_SLICES_MAX: usize = 3;
/// Event names that a company's catalogue keeps of each source. Names that a stranger makes up do
/// not displace those of a server.
pub const CATALOG_SOURCE_NAMES_MAX: i64 = 500;
/// Event names that the catalogue shows in all.
pub const CATALOG_NAMES_MAX: i64 = 2 * CATALOG_SOURCE_NAMES_MAX;
/// Milliseconds between two updates of a name's last use: a row an hour, not a row a request.
pub const CATALOG_UPDATE_MS: i64 = 60 * 60 * 1000;
/// Milliseconds without use after which a name makes room for a new one, if its source has no room
/// left.
pub const CATALOG_IDLE_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Bytes of names, of all companies, that an isolate remembers as updated in this hour: about
/// 20,000 names.
pub const CATALOG_UPDATED_BYTES_MAX: usize = 1024 * 1024;
/// Concurrent attempts in one invocation. It has six connections, and a seventh attempt would wait
/// for one while its deadline runs.
pub const CONNECTIONS_MAX: usize = 5;
/// Milliseconds after an answer in which attempts end. The runtime allows 30 s, and the rest is for
/// writing the results. No attempt starts that could last longer.
pub const TAIL_MS_MAX: i64 = 27_000;
/// Messages of one call to Queues, which is the limit of Queues.
pub const QUEUE_BATCH_MAX: usize = 100;
/// Wake-ups that an isolate sends when it starts. Many may start at once, and the cron finds the
/// rest.
pub const START_DELIVERIES_MAX: usize = 100;
/// Milliseconds within which only one starting isolate looks for the remains of a crash. A
/// deployment starts many isolates at once.
pub const START_TURN_MS: i64 = 5000;
/// Milliseconds between two runs of the sweep after which the operator is told that it was late.
pub const ALERT_LATE_MS: i64 = 5 * 60 * 1000;
/// Milliseconds for which a late sweep is shown, before it counts as resolved.
pub const ALERT_SHOWN_MS: i64 = 15 * 60 * 1000;
/// Milliseconds between two alerts of a kind. A size may swing around a step.
pub const ALERT_PAUSE_MS: i64 = 10 * 60 * 1000;
/// Milliseconds after which an alert that lasts is sent again.
pub const ALERT_REPEAT_MS: i64 = 24 * 60 * 60 * 1000;
/// The longest wait, in minutes, before an alert that was not received is sent again.
pub const ALERT_RETRY_MINUTES_MAX: i64 = 60;
/// Milliseconds that a request of an alert may take. The sweep waits for it.
pub const ALERT_TIMEOUT_MS: u32 = 10_000;
/// Rows that each gauge of the sweep examines. Beyond it, the metrics say "at least".
pub const METRICS_ROWS_MAX: i64 = 5000;
/// Seconds after which an isolate writes what it counted, unless the deployment sets `METRICS_S`.
pub const METRICS_S: u64 = 20;
/// The most seconds of `METRICS_S`. The runtime ends work 30 s after the answer.
pub const METRICS_S_MAX: u64 = 25;
/// Wake-ups of one sweep: ten calls to Queues. The next sweep takes the rest.
pub const SWEEP_DELIVERIES_MAX: usize = 1000;
/// Webhooks with open deliveries that one sweep walks. Each costs two rows read. The next sweep
/// continues behind them.
pub const SWEEP_SUBSCRIPTIONS_MAX: i64 = 5000;
/// Held deliveries that one throttle slot reads. It skips those of people whose erasure runs.
pub const HELD_LOOKED_MAX: i64 = 1000;
/// Old secrets that one run of the sweep erases.
pub const EXPIRE_SECRETS_MAX: i64 = 1000;
/// Milliseconds by which a wake-up may come early and still count. The clocks of two machines
/// differ.
pub const EARLY_MS_MAX: i64 = 1000;

/// Events of a company's tracking plan.
pub const PLAN_EVENTS_MAX: usize = 500;
/// Fields of one object of a plan. A wider object is a map, and its keys are data.
pub const PLAN_FIELDS_MAX: usize = 100;
/// Nested objects that a plan describes.
pub const PLAN_DEPTH_MAX: usize = 4;
/// Bytes of a plan as JSON. An isolate caches the plans of the companies that it serves.
pub const PLAN_BYTES_MAX: usize = 200 * 1024;
/// Plans that an isolate caches.
pub const PLANS_CACHED_MAX: usize = 50;
/// Server keys that an isolate knows, about 200 bytes each.
pub const KEYS_KNOWN_MAX: usize = 2000;
/// Companies of a cell that the sweep counts: beyond it, there are at least as many.
pub const COMPANIES_COUNTED_MAX: i64 = 10_000;
/// Cells that one invocation sweeps. Each further one gets an invocation of its own.
pub const SWEEP_CELLS_MAX: usize = 8;
/// Milliseconds after which the sweep of a cell ends, if there are several.
pub const SWEEP_CELL_MS_MAX: u64 = 25_000;
/// Companies whose cells an isolate remembers, and keys whose companies it remembers.
pub const PLACES_KNOWN_MAX: usize = 10_000;
/// Violations that are reported for one event.
pub const PLAN_SHOWN_MAX: usize = 10;
/// Characters of the place of a violation.
pub const PLAN_PATH_CHARS_MAX: usize = 200;
/// Kinds of violations (by event, field and reason) that are counted for one company. Made-up names
/// must not fill a table.
pub const PLAN_VIOLATIONS_MAX: usize = 200;
/// Kinds of violations of one company that an isolate collects before it writes them. The number is
/// higher, so that a flood of new kinds does not hide the known ones.
pub const PLAN_VIOLATIONS_UNWRITTEN_MAX: usize = 1000;
/// Kinds of violations of all companies that an isolate collects: at most about 1.6 KB each.
pub const PLAN_VIOLATIONS_ISOLATE: usize = 4000;
/// Events of each source that an inference examines. Most ids are random, so the sample is random
/// too.
pub const PLAN_SAMPLE_MAX: i64 = 10_000;
/// Latest events of each name and source that an inference takes.
pub const PLAN_SAMPLE_OF_NAME: i64 = 50;
/// Events that an inference takes in all.
pub const PLAN_SAMPLE_TAKEN: i64 = 2000;
/// Bytes above which an inference skips an event. A sample has at most 8 MB.
pub const PLAN_SAMPLE_BYTES_MAX: i64 = 4096;
/// Keys of one company that are not revoked. Lists show all of them.
pub const KEYS_MAX: i64 = 100;
/// Keys that a list shows, including the latest revoked ones.
pub const KEYS_SHOWN_MAX: i64 = 1000;
/// Milliseconds between two updates of a key's last use: a row an hour, not a row a request.
pub const KEY_USE_MS: i64 = 60 * 60 * 1000;

/// Characters of an `Idempotency-Key`. Stripe allows the same.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Milliseconds for which the answer to a request with an `Idempotency-Key` is stored.
pub const IDEMPOTENCY_KEY_MS: i64 = 24 * 60 * 60 * 1000;
/// Milliseconds after which a request with an `Idempotency-Key` that left no answer counts as dead.
/// It is longer than any request runs: a test of a webhook takes up to 30 s.
pub const IDEMPOTENCY_CLAIM_MS: i64 = 60_000;
/// Seconds after which a caller may try again while a request with the same key runs.
pub const IDEMPOTENCY_WAIT_S: u32 = 1;
/// Idempotency keys of one company within a day, and of the operator. A new key counts them.
pub const IDEMPOTENCY_KEYS_MAX: i64 = 5000;
/// Bytes of an answer that is stored for a repeated request. Most have a few hundred. With the
/// limit above, a company can fill 220 MB at most.
pub const IDEMPOTENCY_ANSWER_BYTES_MAX: usize = 32 * 1024;
/// Old idempotency keys that one run of the sweep deletes.
pub const IDEMPOTENCY_PRUNE_MAX: i64 = 1000;

/// Seconds over which requests count against a rate limit, and after which a refused caller may try
/// again. The limits are in `wrangler.toml`, with this period.
pub const RATE_PERIOD_S: u32 = 10;
/// Seconds after which a caller may try again when the database cannot be reached.
pub const UNAVAILABLE_S: u32 = 10;
/// Milliseconds for which an isolate remembers whether the database answers (`/readyz`), so that
/// strangers cannot load D1 by asking.
pub const READY_KNOWN_MS: i64 = 5000;
/// Milliseconds for which `/readyz` says that the database is full, after it was too full for a
/// request of this isolate.
pub const READY_FULL_MS: i64 = 60_000;
/// Milliseconds that `/readyz` waits for D1. Monitors mostly wait ten seconds.
pub const READY_WAIT_MS: u64 = 5000;
/// Seconds after which a caller may try again when the database is full. Somebody must make room,
/// which takes longer than an outage.
pub const STORAGE_FULL_S: u32 = 60;
/// Bytes that a D1 database may have on the paid plan, unless the deployment sets `D1_BYTES_MAX`.
pub const D1_BYTES_MAX: i64 = 10_000_000_000;

/// Bytes of one message of the outage buffer: 128,000 less the share of the runtime and the other
/// fields of the message.
pub const BUFFER_BYTES_MAX: usize = 120_000;
/// Milliseconds that a request waits for the outage buffer to take a message. An overloaded queue
/// was seen to hang for a minute.
pub const BUFFER_WAIT_MS: u64 = 5000;
/// Longest pause in seconds between two tries to store a buffered request. It must be stored within
/// a minute of the database's recovery.
pub const BUFFER_RETRY_S_MAX: i64 = 20;
/// Minutes after which a buffered message is sent again instead of retried. Queues retries a
/// message at most 100 times.
pub const BUFFER_RENEW_MIN: i64 = 20;
/// Days after which a buffered request goes to the dead-letter queue.
pub const BUFFER_DAYS_MAX: i64 = 4;
/// Seconds between two tries to tell a company which items could not be stored. Its list of
/// rejected items has a limit per minute.
pub const GIVEN_UP_RETRY_S: u32 = 60;

/// Bytes at which a page of a backup ends; it has at least one row. A page becomes the body of a
/// request when it is restored.
pub const BACKUP_PAGE_BYTES: i64 = 400_000;
/// Rows of a page of a backup.
pub const BACKUP_PAGE_ROWS: i64 = 2000;
/// Bytes of a batch of rows to restore: D1 takes parameters of 2 MB. The largest row is a record's,
/// of 1.5 MB as JSON.
pub const RESTORE_BODY_BYTES_MAX: usize = 2_000_000;
/// Rows of a slice of the end of a restore. It reads each, with the erasure of its person.
pub const RESTORE_END_ROWS: i64 = 2000;
/// Such slices in one request: two queries each, of the 50 that the free plan has.
pub const RESTORE_END_SLICES_MAX: usize = 10;
/// How long the sweep waits for the next batch of a restore, ms: a restore that was left unfinished
/// holds no other company up.
pub const RESTORE_IDLE_MS: i64 = 15 * 60_000;
/// Rows of each table that one step deletes when a restore is given up.
pub const RESTORE_DROP_ROWS: i64 = 1000;
/// Such steps in one request.
pub const RESTORE_DROPS_MAX: usize = 10;

/// How long a worker has a move for itself, ms.
pub const MOVE_LEASE_MS: i64 = 30_000;
/// How long a step of a move works, ms. The lease has to outlast it, and a statement of D1 may take
/// as long again.
pub const MOVE_STEP_MS: i64 = 12_000;
/// Round trips of a step. Each has three statements or more, and D1 takes 1,000 queries of an
/// invocation.
pub const MOVE_TRIPS_MAX: usize = 150;
/// How long a move stops a company at most, ms. Then it is aborted.
pub const MOVE_FREEZE_MS_MAX: i64 = 120_000;
/// How long a step waits after a failure that passes, s.
pub const MOVE_RETRY_S: u32 = 3;
/// How long rows stay at the source after the switch, ms.
pub const MOVE_PURGE_AFTER_MS: i64 = 60_000;
/// How long a cell must be known before a company moves there, ms: isolates of a version that knew
/// no cells do not ask where a company is, and live for some minutes after a deployment.
pub const MOVE_AFTER_MS: i64 = 15 * 60_000;
/// Moves of a list.
pub const MOVES_SHOWN_MAX: i64 = 100;
/// Rows of a page that a move copies or compares. The bytes bound it first, except for small rows.
pub const MOVE_ROWS: i64 = 2000;
/// Bytes of a page that a move copies. The last row of a page may be of 1.5 MB, and D1 takes
/// parameters of 2 MB.
pub const MOVE_BYTES: i64 = 400_000;
/// Changed rows that a move copies in a round trip.
pub const MOVE_KEYS: usize = 500;
/// Rows that a move deletes in a round trip.
pub const MOVE_DROP_ROWS: i64 = 1000;
/// With fewer changes left than this, a move stops the company: a few round trips copy them.
pub const MOVE_CHANGES_FEW: usize = 100;
/// Keys of a company that the directory learns when it moves, the valid ones first.
pub const MOVE_HASHES_MAX: i64 = 10_000;
