-- Seals a subscription's secrets, unless they changed meanwhile.
-- ?1 company, ?2 id, ?3 secret as read, ?4 headers as read, ?5 secret, ?6 old secret or null, ?7
-- headers
update subscriptions set secret = +?5, old_secret = +?6, headers = +?7, sealed = 1
where company = +?1 and id = +?2 and sealed = 0 and secret = +?3 and headers = +?4
