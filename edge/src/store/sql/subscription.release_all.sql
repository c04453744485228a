-- The company's webhooks are on again: what was held goes out. ?1 company
update subscriptions set releasing = coalesce(releasing, 'deliver') where company = ?1 and active = 1
