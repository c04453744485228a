-- What isolates counted, and the gauges of the last run of the sweep.
select job, place from progress where job in ('counters', 'gauges')
