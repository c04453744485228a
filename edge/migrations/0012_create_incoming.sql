-- What became of the items that came in: every rejected one, and the stored and duplicate ones that came while somebody watched. Three rings a company, each
-- of which keeps its newest: what was stored, what browsers sent in vain, what servers sent in vain. So a flood at one door pushes nothing out of the others.
create table incoming (
  company     text    not null,
  ring        integer not null check (ring in (0, 1, 2)),
  place       integer not null, -- ascends in its ring
  seq         integer not null, -- ascends in its company and is never used again: ms × 1000, or one more than the last
  at          integer not null, -- ms, when it came in
  source      integer not null check (source in (0, 1)), -- 0 browser, 1 server
  outcome     text    not null check (outcome in ('stored', 'duplicate', 'rejected')),
  message_id  text,             -- of one that is not rejected, the event's, which has all the rest
  type        text,
  code        text,             -- of a rejected one, as all that follows; a problem's
  message     text,
  field       text,
  data        text,             -- JSON: the shape of what was sent, never its values
  session     text,
  happened_at integer,          -- ms
  primary key (company, ring, place)
) strict, without rowid;

create unique index incoming_by_seq on incoming (company, seq);
create index incoming_by_message on incoming (company, message_id) where message_id is not null;
create index incoming_by_age on incoming (at);

-- Until when, ms, what is stored is noted too: somebody is looking.
alter table companies add column watched_until integer not null default 0;
