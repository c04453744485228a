-- The catalogue of event names is written with the events themselves: a name that is new, or was not seen for an hour. Each door has room for so many names,
-- so that names which a stranger makes up leave a server's alone. `seen` is no longer counted or shown; it goes with a later version.
alter table catalog add column source integer not null default 0; -- 0 pages alone have sent it, 1 a server has
