-- How many events export.events goes through. ?1 company, ?2 received until ms, ?3 from ts, ?4 before ts, ?5 type; null for not asked
select count(*) as n from events
where company = ?1 and not (source = 0 and session = '') and received_at <= ?2
  and (?3 is null or ts >= ?3) and (?4 is null or ts < ?4) and (?5 is null or type = ?5)
