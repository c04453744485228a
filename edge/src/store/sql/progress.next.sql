-- The first subscription that has deliveries after a place. ?1 company, ?2 subscription
select company, subscription from deliveries where (company, subscription) > (?1, ?2) order by company, subscription limit 1
