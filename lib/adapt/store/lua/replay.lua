#!lua
-- Events go to a sink once more: all behind an entry of the outbox, or dead letters. Whoever serves
-- the sink notices by its turn, which is another number then.
--
-- KEYS sink, events, sink:wait, sink:dead
-- ARGV group, from (entry id; '' = dead letters), after (id of a dead letter), count
-- Answers { 1 = the sink has a place here, put back, gone from the outbox, where to go on ('' =
--           that was all) }

local sink, events, wait, dead = unpack(KEYS)
local group, from, after, count = unpack(ARGV)
local reader = 'courier'

-- include expect

expect('hash', sink, wait)
expect('stream', events, dead)
expect_counters(sink, 'turn')
if redis.call('EXISTS', events) == 0 or redis.pcall('XPENDING', events, group).err then
  return {0, 0, 0, ''}
end
if from ~= '' then
  redis.call('XGROUP', 'SETID', events, group, from)
  redis.call('HINCRBY', sink, 'turn', 1)
  return {1, 0, 0, ''}
end
local letters = redis.call('XRANGE', dead, '(' .. after, '+', 'COUNT', count)
local replayed, missing = 0, 0
for _, letter in ipairs(letters) do
  local entry = letter[2][2]
  if #redis.call('XRANGE', events, entry, entry) == 0 then
    missing = missing + 1
  else
    redis.call('XCLAIM', events, group, reader, 0, entry, 'FORCE', 'JUSTID')
    redis.call('HDEL', wait, entry)
    redis.call('XDEL', dead, letter[1])
    replayed = replayed + 1
  end
end
if replayed > 0 then
  redis.call('HINCRBY', sink, 'turn', 1)
end
return {1, replayed, missing, #letters == tonumber(count) and letters[#letters][1] or ''}
