-- The next batch of rows that waits for the end of the restore.
-- ?1 after this job, ?2 before this job
select min(job) as last from progress where job > ?1 and job < ?2
