-- The settings of a company for a browser's request; no row if the company does not exist. allowed:
-- the origin may send. strict: identifies need a proof. watched: somebody watches received items.
-- plan: the version of the tracking plan in force.
-- ?1 company, ?2 null or the origin and the patterns that it matches (domain/origin.rs), ?3 now ms
select ?2 is null or allowed_origins is null
         or exists (select 1 from json_each(allowed_origins) where instr(?2, char(10) || value || char(10)) > 0) as allowed,
       verification = 2 as strict,
       watched_until > ?3 as watched, plan
from companies where id = +?1
