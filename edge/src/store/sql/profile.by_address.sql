-- ?1 company, ?2 address
from identities as i join profiles as p on p.company = i.company and p.id = i.profile join companies as c on c.id = p.company
where i.company = +?1 and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = +?2 and p.erased_at is null
