-- Whether the company exists (a row), its page's origin may send (allowed), pages must prove who is identified (strict), and which version of its plan
-- events are held against (plan). ?1 company, ?2 origin or null
select ?2 is null or allowed_origins is null or exists (select 1 from json_each(allowed_origins) where value = ?2) as allowed, verification = 2 as strict, plan
from companies where id = ?1
