-- An identify or alias that a secret key tells of a browser session stands at the pages' door, where the session's links are, and is a server's word all the same.
alter table events add column told integer; -- 1: a server told it, though its source is 0
alter table incoming add column told integer; -- 1: it came in by the servers' door and its event stands at the pages'
alter table links add column told integer; -- 1: a server's identify made it
-- Of how many of a person's sessions servers alone have told is asked whenever the person is shown.
create index links_told on links (company, profile) where told = 1;
