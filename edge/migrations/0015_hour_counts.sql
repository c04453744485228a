-- The job that counts past hours before a request asks for them (store/stats/ahead.rs).

-- How far the sweep has counted the past hours of each company, and when it goes on.
create table hour_counts (
  company  text    not null primary key,
  since    integer not null,           -- it counts the hours from this one on, hours since 1970
  due_at   integer not null default 0, -- ms, when the company's next turn is due
  begun_at integer not null default 0, -- ms, when its last round began; 0: none has, or a request needs one
  round    text                        -- JSON, where its round continues; null: it has ended
) strict, without rowid;

-- Whose turn is next: hour_counts.claim.sql.
create index hour_counts_due on hour_counts (due_at);

-- Every new company is counted from its creation on.
create trigger hour_counts_company_added after insert on companies
begin
  insert into hour_counts (company, since) values (new.id, new.created_at / 3600000) on conflict do nothing;
end;

insert into hour_counts (company, since) select id, created_at / 3600000 from companies;
