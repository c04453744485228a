-- The newest migration that was applied. Wrangler writes this table.
select max(name) as name from d1_migrations
