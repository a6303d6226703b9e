#!lua flags=allow-oom
-- Reads events for a sink: those nobody has read for it yet, or those that were read and are not
-- settled. The lease is written in any case: a read of one's own history is no write by itself, and
-- WAIT behind this script has to have one to wait for.
--
-- KEYS sink, events, sink:wait
-- ARGV group, worker, lease ms, after ('>' = what is new, else an entry id), count, open max,
--      event bytes max (a larger one is not ours, and answered as one that is gone)
-- Answers { 1 = the turn is this worker's and the sink is not disabled, 1 = too many are open,
--           then of each: entry id, event ('' = it is gone), failed attempts, ms until due }

local sink, events, wait = unpack(KEYS)
local group, worker, lease_ms, after, count, open_max, bytes_max = unpack(ARGV)
local reader = 'courier'

-- include expect

-- include now

expect('hash', sink, wait)
expect('stream', events)
local h = redis.call('HMGET', sink, 'own', 'off')
local open = redis.call('EXISTS', events) == 1 and redis.pcall('XPENDING', events, group) or nil
if h[1] ~= worker or h[2] or not open or open.err then
  return {0, 0}
end
if after == '>' and open[1] >= tonumber(open_max) then
  return {1, 1}
end
redis.call('HSET', sink, 'till', now + lease_ms)
local read = redis.call('XREADGROUP',
  'GROUP', group, reader, 'COUNT', count, 'STREAMS', events, after)
local out = {1, 0}

local function find_event(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'event' then
      return #fields[i + 1] <= tonumber(bytes_max) and fields[i + 1] or ''
    end
  end
  return ''
end

for _, entry in ipairs(read and read[1][2] or {}) do
  local kept = redis.call('HGET', wait, entry[1]) or ''
  local attempts, due = string.match(kept, '^(%d+) (%d+)$')
  out[#out + 1] = entry[1]
  out[#out + 1] = entry[2] and find_event(entry[2]) or ''
  out[#out + 1] = tonumber(attempts) or 0
  out[#out + 1] = math.max((tonumber(due) or 0) - now, 0)
end
return out
