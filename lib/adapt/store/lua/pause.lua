#!lua flags=allow-oom
-- Notes that something is paused, or takes that note away. The first note stays. May run on a full
-- server: pausing is what an operator may want then, and the notes are few and short.
--
-- KEYS pause
-- ARGV verb (pause, resume), field, by, why, notes max
-- Answers 1, 0 when it was so already, -1 when there are too many notes

local notes = KEYS[1]
local verb, field, by, why, notes_max = unpack(ARGV)

-- include expect

-- include now

expect('hash', notes)
if verb == 'resume' then
  return redis.call('HDEL', notes, field)
end
if redis.call('HEXISTS', notes, field) == 1 then
  return 0
end
if redis.call('HLEN', notes) >= tonumber(notes_max) then
  return -1
end
redis.call('HSET', notes, field, string.format('%.0f\n%s\n%s', now, by, why))
return 1
