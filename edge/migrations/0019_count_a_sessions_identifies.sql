-- How many identifies a session has. Its last link (by at and id) says so; on any other the number means nothing.
alter table links add column identifies integer not null default 1;
