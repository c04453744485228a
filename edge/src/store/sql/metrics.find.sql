-- What isolates counted, the gauges of the last run of the sweep, and the state of the alerts.
select job, place from progress where job in ('counters', 'gauges', 'alerts')
