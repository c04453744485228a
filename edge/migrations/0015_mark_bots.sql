-- Events of the public key whose sender looks like a machine. A column that is null costs nothing.
alter table events add column bot integer; -- 1
