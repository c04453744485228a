-- Lets an address come again, as somebody new. ?1 company, ?2 hash
delete from tombstones where company = ?1 and hash = ?2 returning hash
