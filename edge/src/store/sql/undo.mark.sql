-- Notes an undo on the person who loses the link: what follows in the batch asks for the number. ?1 company, ?2 profile, ?3 message id, ?4 number, ?5 now ms
update profiles set edit = ?4, updated_at = ?5, searched = 0
where company = ?1 and id = ?2 and exists (select 1 from events where company = ?1 and source = 0 and message_id = ?3 and request = ?4 and session = '')
