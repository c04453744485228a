-- The profiles for which ?2 stands, which is not merged itself, in the order in which they were
-- merged.
-- ?1 company, ?2 profile
with recursive tree (id, winner, at) as (
  select ?2, null, 0
  union all
  select m.loser, m.winner, m.at from tree cross join merges as m indexed by merges_by_winner on m.company = +?1 and m.winner = tree.id
)
select g.id, g.winner, g.at, p.email, p.aliases, p.trusted_data from tree as g cross join profiles as p on p.company = +?1 and p.id = g.id order by g.at, g.id
