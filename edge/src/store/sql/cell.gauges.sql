-- What the last sweeps of the other cells measured, and their sizes.
select bytes, gauges from cells where cell <> 'DB'
