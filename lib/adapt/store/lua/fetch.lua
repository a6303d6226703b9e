#!lua
-- Reads one entry that is pending for this consumer. One that is larger than allowed is moved to
-- the dead letters here, so that it never travels; one that was deleted from the stream is
-- acknowledged and counted.
--
-- KEYS jobs, n, events, dead, dead:<entry id>
-- ARGV entry id, consumer, bytes max, shard
-- Answers { READ, { name, value ... } }, { BURIED } or { GONE }

local jobs, counters, events, dead, letter = unpack(KEYS)
local entry, consumer, bytes_max, shard = unpack(ARGV)

-- include expect

-- include now

-- include rfc3339

-- All that can be told of a job that nobody read.
local function event(bytes)
  return string.format('{"specversion":"1.0","type":"io.sesverify.job.finished.v1",' ..
    '"source":"/sesverify/jobs/%s","id":"job.%s.%s","time":"%s",' ..
    '"datacontenttype":"application/json","data":{"job_id":"%s","outcome":"dead",' ..
    '"reason":"too_big","error":"the entry has %d bytes"}}', shard, shard, entry, rfc3339(now),
    entry, bytes)
end

-- The payload as it came when there is just the field it should be in, else every field.
local function payload(fields)
  if #fields == 2 and fields[1] == 'job' then
    return fields[2]
  end
  local lines = {}
  for i = 1, #fields, 2 do
    lines[#lines + 1] = fields[i] .. '=' .. fields[i + 1]
  end
  return table.concat(lines, '\n')
end

local function bury(fields, bytes)
  redis.call('HSET', letter, 'reason', 'too_big', 'error',
    string.format('the entry has %d bytes, at most %s are allowed', bytes, bytes_max), 'payload',
    payload(fields), 'at', now)
  redis.call('ZADD', dead, now, entry)
  redis.call('XADD', events, '*', 'event', event(bytes))
  redis.call('HINCRBY', counters, 'accepted', 1)
  redis.call('HINCRBY', counters, 'dead', 1)
  redis.call('XACK', jobs, 'verify', entry)
  redis.call('XDEL', jobs, entry)
end

expect('stream', jobs, events)
expect('hash', counters, letter)
expect('zset', dead)
expect_counters(counters, 'accepted', 'dead', 'vanished')
if #redis.call('XPENDING', jobs, 'verify', entry, entry, 1, consumer) == 0 then
  return {'GONE'}
end
local found = redis.call('XRANGE', jobs, entry, entry)[1]
if not found then
  redis.call('XACK', jobs, 'verify', entry)
  redis.call('HINCRBY', counters, 'vanished', 1)
  return {'GONE'}
end
local bytes = 0
for _, part in ipairs(found[2]) do
  bytes = bytes + #part
end
if bytes > tonumber(bytes_max) then
  bury(found[2], bytes)
  return {'BURIED'}
end
return {'READ', found[2]}
