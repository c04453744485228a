-- Holds a delivery whose subscription or company is switched off. ?1 company, ?2 id, ?3 generation
update deliveries set state = 'held'
where company = ?1 and id = ?2 and generation = ?3 and state = 'pending' and not exists (
  select 1 from subscriptions as s join companies as c on c.id = s.company
  where s.company = deliveries.company and s.id = deliveries.subscription and s.active = 1 and c.webhooks_enabled = 1)
