#!lua flags=allow-oom
-- What came of an attempt to deliver an event to a sink. May run on a full server: it ends work.
--
-- KEYS sink, events, sink:wait, sink:dead
-- ARGV verb (done, wait, dead, disable), group, worker, entry id, failed attempts, wait ms, error,
--      event id, type, subject, dead letters max
-- Answers 1, 0 when it was settled before or the turn is another worker's

local sink, events, wait, dead = unpack(KEYS)
local verb, group, worker, entry, attempts, wait_ms, error_text = unpack(ARGV)
local event_id, kind, subject, dead_max = unpack(ARGV, 8)

-- include expect

-- include now

expect('hash', sink, wait)
expect('stream', events, dead)
local open = redis.call('EXISTS', events) == 1 and
  redis.pcall('XPENDING', events, group, entry, entry, 1) or {}
local is_open = not open.err and #open > 0
if not is_open then
  redis.call('HDEL', wait, entry)
  return 0
end
if verb ~= 'done' and redis.call('HGET', sink, 'own') ~= worker then
  return 0
end
if verb == 'wait' then
  redis.call('HSET', wait, entry, string.format('%d %.0f', attempts, now + wait_ms))
  return 1
end
if verb == 'disable' then
  redis.call('HSET', sink, 'off', string.format('%.0f', now), 'why', error_text)
  return 1
end
if verb == 'dead' then
  redis.call('XADD', dead, 'MAXLEN', dead_max, '*', 'entry', entry, 'id', event_id, 'type', kind,
    'subject', subject, 'attempts', attempts, 'error', error_text, 'at', string.format('%.0f', now))
end
redis.call('XACK', events, group, entry)
redis.call('HDEL', wait, entry)
return 1
