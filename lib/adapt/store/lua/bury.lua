#!lua flags=allow-oom
-- Moves one malformed entry of the inbox to the dead letters, payload untouched, and tells so.
--
-- KEYS jobs, n, events, dead, dead:<entry id>
-- ARGV entry id, reason, error, payload, event
-- Answers BURIED, or DUPLICATE when the entry was settled before

local jobs, counters, events, dead, letter = unpack(KEYS)
local entry, reason, text, payload, event = unpack(ARGV)

-- include expect

-- include now

expect('stream', jobs, events)
expect('hash', counters, letter)
expect('zset', dead)
expect_counters(counters, 'accepted', 'dead')
if #redis.call('XPENDING', jobs, 'verify', entry, entry, 1) == 0 then
  return 'DUPLICATE'
end

redis.call('HSET', letter, 'reason', reason, 'error', text, 'payload', payload, 'at', now)
redis.call('ZADD', dead, now, entry)
redis.call('XADD', events, '*', 'event', event)
redis.call('HINCRBY', counters, 'accepted', 1)
redis.call('HINCRBY', counters, 'dead', 1)
redis.call('XACK', jobs, 'verify', entry)
redis.call('XDEL', jobs, entry)
return 'BURIED'
