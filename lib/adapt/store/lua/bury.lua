#!lua flags=allow-oom
-- Moves one malformed entry of the inbox to the dead letters, payload untouched, and tells so.
--
-- KEYS jobs, n, events, dead, dead:<entry id>
-- ARGV entry id, reason, error, payload, event
-- Answers BURIED, or DUPLICATE when the entry was settled before

local jobs, counters, events, dead, letter = unpack(KEYS)
local entry, reason, text, payload, event = unpack(ARGV)

-- shared: expect
-- A key of a foreign type stops the script here, before its first write.
local function expect(kind, ...)
  for _, key in ipairs({...}) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= kind then
      error({err = 'WRONGTYPE ' .. key .. ' holds a ' .. found .. ', not a ' .. kind})
    end
  end
end

-- So does a counter that holds no number: HINCRBY would fail after other writes.
local function expect_counters(key, ...)
  for i, value in ipairs(redis.call('HMGET', key, ...)) do
    if value and not string.match(value, '^%-?%d+$') then
      error({err = 'WRONGTYPE ' .. key .. ' holds no number in ' .. select(i, ...)})
    end
  end
end
-- end shared

-- shared: now
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- end shared

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
