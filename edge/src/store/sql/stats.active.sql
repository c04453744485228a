-- How many people own an event in a range, by the ledger (domain/ledger.rs). A link knows its first and its last event, so that only one that begins before
-- the range and ends after it is searched. The plus keeps the index of links by profile out, which would look each link up. ?1 company, ?2 from ms, ?3 to ms
select count(distinct l.profile) as n from links as l
where l.company = ?1 and +l.profile is not null and l.last_ts >= ?2 * 1000 and l.first_ts < ?3 * 1000
  and (l.first_ts >= ?2 * 1000 or l.last_ts < ?3 * 1000 or exists (
    select 1 from events as e indexed by events_timeline
    where e.company = ?1 and e.session = l.session and e.ts >= ?2 * 1000 and e.ts < ?3 * 1000
      and (e.ts >= l.at or not exists (
        select 1 from links as b where b.company = ?1 and b.session = l.session and (b.at, b.id) < (l.at, l.id)))
      and e.ts < coalesce((
        select min(b.at) from links as b where b.company = ?1 and b.session = l.session and (b.at, b.id) > (l.at, l.id)), 9007199254740991)))
