#!lua
-- Reads one entry that is pending for this consumer. One that is larger than allowed is moved to
-- the dead letters here, so that it never travels, and one that was read too often and never
-- settled, because reading it may be what ends workers; one that was deleted from the stream is
-- acknowledged and counted.
--
-- KEYS jobs, n, events, dead, dead:<entry id>
-- ARGV entry id, consumer, bytes max, shard, deliveries max (0 = this one does not count)
-- Answers { READ, { name, value ... } }, { BURIED, reason } or { GONE }

local jobs, counters, events, dead, letter = unpack(KEYS)
local entry, consumer, bytes_max, shard, deliveries_max = unpack(ARGV)

-- include expect

-- include now

-- include rfc3339

-- All that can be told of a job that nobody read.
local function event(reason, told)
  return string.format('{"specversion":"1.0","type":"io.sesverify.job.finished.v1",' ..
    '"source":"/sesverify/jobs/%s","id":"job.%s.%s","time":"%s",' ..
    '"datacontenttype":"application/json","data":{"job_id":"%s","outcome":"dead",' ..
    '"reason":"%s","error":"%s"}}', shard, shard, entry, rfc3339(now), entry, reason, told)
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

local function bury(fields, reason, told)
  redis.call('HSET', letter, 'reason', reason, 'error', told, 'payload', payload(fields), 'at', now)
  redis.call('ZADD', dead, now, entry)
  redis.call('XADD', events, '*', 'event', event(reason, told))
  redis.call('HINCRBY', counters, 'accepted', 1)
  redis.call('HINCRBY', counters, 'dead', 1)
  redis.call('XACK', jobs, 'verify', entry)
  redis.call('XDEL', jobs, entry)
  return {'BURIED', reason}
end

expect('stream', jobs, events)
expect('hash', counters, letter)
expect('zset', dead)
expect_counters(counters, 'accepted', 'dead', 'vanished')
local pending = redis.call('XPENDING', jobs, 'verify', entry, entry, 1, consumer)[1]
if not pending then
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
  local reason = 'too_big'
  return bury(found[2], reason, string.format('the entry has %d bytes, at most %s are allowed',
    bytes, bytes_max))
end
if tonumber(deliveries_max) > 0 then
  local deliveries = pending[4]
  if deliveries >= tonumber(deliveries_max) then
    local reason = 'max_deliveries'
    return bury(found[2], reason, string.format('read %d times and never settled', deliveries))
  end
  redis.call('XCLAIM', jobs, 'verify', consumer, 0, entry, 'RETRYCOUNT', deliveries + 1, 'JUSTID')
end
return {'READ', found[2]}
