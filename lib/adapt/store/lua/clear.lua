#!lua flags=allow-oom
-- Deletes what is left of a shard that will not be, when nothing is in it any more.
--
-- KEYS jobs, events, n, meta, reshard, ring, ring:hi, run, dead
-- Answers '', or the key that still holds something

local jobs, events, counters, meta, marks = unpack(KEYS)

-- include expect

expect('stream', jobs, events)
for i = 6, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    return KEYS[i]
  end
end
for _, stream in ipairs({jobs, events}) do
  if redis.call('XLEN', stream) > 0 then
    return stream
  end
end

redis.call('DEL', jobs, events, counters, meta, marks)
return ''
