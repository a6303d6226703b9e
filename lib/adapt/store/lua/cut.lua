#!lua flags=allow-oom
-- Takes one domain out of this shard that graft.lua put into another one, in one step. One that has
-- changed since it was read stays: somebody is at work here.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, c:<client>, n, x:<uid>
-- ARGV uid, client, fields (name 0 value 0 ...) as they were read
-- Answers 1, 0 when it is gone already, or -1 when it has changed

local hash, hi, lo, ring, ring_hi, run, mine, counters, detail = unpack(KEYS)
local uid, client, packed = unpack(ARGV)

-- include expect

-- include ring

-- include whole

expect('hash', hash, mine, counters)
expect('zset', hi, lo, ring, ring_hi, run)
expect('string', detail)
local status, job = unpack(redis.call('HMGET', hash, 'st', 'job'))
status = 'status_' .. (status or 'new')
expect_counters(counters, 'accepted', 'open', status)
local there = whole(hash)
if there ~= packed then
  return there == '' and 0 or -1
end

redis.call('ZREM', hi, uid)
redis.call('ZREM', lo, uid)
redis.call('ZREM', run, uid)
ring_update(client)
redis.call('HDEL', mine, uid)
redis.call('DEL', hash, detail)
redis.call('HINCRBY', counters, status, -1)
if job then
  redis.call('HINCRBY', counters, 'open', -1)
  redis.call('HINCRBY', counters, 'accepted', -1)
end
return 1
