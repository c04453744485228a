-- Progress of the jobs that run for all companies.

-- Where a job that works in slices continues, or when it last ran.
create table progress (
  job   text not null primary key, -- name of the job
  place text not null              -- the job's own format
) strict, without rowid;
