-- What a subscription's trouble does to it (circuit, rate, switching off), whose an event was when its delivery was written, how often an
-- attempt was interrupted, secrets sealed at rest, the catalogue of event names, and how long logs are kept.
alter table subscriptions add column sealed integer not null default 0;             -- secret, old_secret and header values are sealed (domain/vault.rs)
alter table subscriptions add column rate_limit integer;                            -- deliveries a second; null for no limit
alter table subscriptions add column rate_at integer;                               -- ms; until then this second's share is taken
alter table subscriptions add column trouble integer not null default 0;            -- attempts without an answer to keep, in a row
alter table subscriptions add column open_until integer;                            -- ms; not null while the circuit is open: no probe before
alter table subscriptions add column probe text;                                    -- the delivery that tries whether the receiver is back
alter table subscriptions add column disable_failures integer not null default 20;  -- deliveries given up in a row that switch it off; 0 for never
alter table subscriptions add column disable_ms integer not null default 86400000;  -- … once it has been failing for so long
alter table subscriptions add column released_at integer;                           -- ms; `dismiss` ends only what was written before
alter table subscriptions add column noted integer;                                 -- the settling that last wrote this row
alter table subscriptions add column became text check (became in ('failing', 'recovered', 'disabled')); -- what that meant, if anything

create index subscriptions_plain on subscriptions (company, id) where sealed = 0;
create index subscriptions_paced on subscriptions (company, id) where open_until is not null or rate_limit is not null;

alter table deliveries add column profile text;                                     -- whose the event was when this was written
alter table deliveries add column settled integer;                                   -- the settling that last ended an attempt
alter table deliveries add column interrupted integer not null default 0;           -- leases that ran out since it was last set going

drop index deliveries_held;
create index deliveries_held on deliveries (company, subscription, created_at) where state = 'held';

alter table companies add column log_days integer not null default 30;              -- finished deliveries and their attempts are kept so long

create table catalog (
  company text    not null,
  name    text    not null,
  seen    integer not null,
  last_at integer not null, -- ms, by our clock
  primary key (company, name)
) strict, without rowid;

-- Where a job that works through a table in slices goes on.
create table progress (
  job   text not null primary key,
  place text not null
) strict, without rowid;

-- Two triggers for one: what counts no revenue does not pay for planning its arithmetic.
drop trigger links_count;

create trigger links_count after update of events on links
when new.profile is not null and new.profile is old.profile and new.revenue is old.revenue
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      longest = case when new.id = '' then longest else max(longest, new.last_ts - new.first_ts) end
  where company = new.company and id = new.profile;
end;

create trigger links_count_revenue after update of revenue on links
when new.profile is not null and new.profile is old.profile and new.revenue is not old.revenue
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      longest = case when new.id = '' then longest else max(longest, new.last_ts - new.first_ts) end,
      revenue = (
        select json_group_object(key, sum) from (
          select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
            select key, value from json_each(profiles.revenue)
            union all select key, value from json_each(new.revenue)
            union all select key, -value from json_each(old.revenue)
          ) group by key having sum(value) <> 0
        )
      )
  where company = new.company and id = new.profile;
end;
