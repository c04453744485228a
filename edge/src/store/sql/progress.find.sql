-- ?1 job
select place from progress where job = +?1
