-- Whether the company exists (a row) and its page's origin may send (allowed). ?1 company, ?2 origin or null
select ?2 is null or allowed_origins is null or exists (select 1 from json_each(allowed_origins) where value = ?2) as allowed
from companies where id = ?1
