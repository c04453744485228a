-- The end of search.done.
  = w.value ->> 'text')
