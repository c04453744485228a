-- The sweep serves every company and every webhook in its turn: what is open is found by whose it is. Replaces an index by
-- time alone, in which one company's backlog stood before everybody else's deliveries.
drop index deliveries_due;
create index deliveries_due on deliveries (company, subscription, due_at, id) where state in ('pending', 'leased');

-- A company's erasures that are not through, the one that waited longest first.
create index erasures_waiting on erasures (company, erased_at) where completed_at is null;
