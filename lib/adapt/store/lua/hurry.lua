#!lua
-- Brings the next look at a waiting domain forward to now, and notes that; the commit of that look
-- takes the note out. Its state, fence and class stay as they are; one that runs, is removed or is
-- due anyway is left alone.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi
-- ARGV uid, client
-- Answers 1, or 0 when it was left alone

local hash, hi, lo, ring, ring_hi = unpack(KEYS)
local uid, client = unpack(ARGV)

-- include expect

-- include now

-- include ring

expect('hash', hash)
expect('zset', hi, lo, ring, ring_hi)
if redis.call('HGET', hash, 'cl') ~= client then
  return 0
end
for _, due in ipairs({hi, lo}) do
  local at = tonumber(redis.call('ZSCORE', due, uid))
  if at and at > now then
    redis.call('ZADD', due, now, uid)
    redis.call('HSET', hash, 'nx', now, 'hu', 1)
    ring_update(client)
    return 1
  end
end
return 0
