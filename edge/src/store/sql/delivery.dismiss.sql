-- Ends what a deleted subscription leaves open. ?1 company, ?2 subscription, ?3 now ms
update deliveries set state = 'dismissed', finished_at = ?3
where company = ?1 and subscription = ?2 and state in ('pending', 'leased', 'held')
