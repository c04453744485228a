-- Whether the company exists (a row), its page's origin may send (allowed), pages must prove who is
-- identified (strict), somebody watches what comes in (watched), and which version of its plan
-- events are held against (plan). ?1 company, ?2 null or the origin and the patterns that it fits
-- (domain/origin.rs), ?3 now ms
select ?2 is null or allowed_origins is null
         or exists (select 1 from json_each(allowed_origins) where instr(?2, char(10) || value || char(10)) > 0) as allowed,
       verification = 2 as strict,
       watched_until > ?3 as watched, plan
from companies where id = ?1
