-- Answers that a repeated request of an admin or the operator gets again (`Idempotency-Key`).

-- One row a key, for a day. It holds hashes of the key and of the request, and a sealed answer.
create table idempotency_keys (
  company text    not null, -- '': the operator
  key     text    not null, -- SHA-256, hex
  request text    not null, -- SHA-256 of key, path and body, hex
  marker  integer not null, -- names the request that runs, or that was answered
  at      integer not null, -- ms, when that request began
  status  integer,          -- HTTP status of its answer; null: it runs, or it died
  answer  text,             -- body of its answer, sealed; null: too large
  primary key (company, key)
) strict;

-- Old rows to delete, for the sweep: idempotency_keys.prune.sql.
create index idempotency_keys_by_age on idempotency_keys (at);

-- A random text that helps to seal the company's answers. Erasing a person removes it, so no answer
-- that was stored before can be opened; the next request with a key sets another one.
alter table companies add column answers_salt text;
