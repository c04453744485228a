-- Whether a company is being copied to this cell, or switched to another.
select 1 as moving from away where state <> 'gone' limit 1
