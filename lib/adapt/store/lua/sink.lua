#!lua flags=allow-oom
-- Whose turn it is to serve a sink in this shard, and how the sink stands. Serving goes on while
-- the server is full: what is delivered can be deleted.
--
-- KEYS sink, events, sink:wait, sink:dead
-- ARGV verb (look, place, serve, leave, enable), group, worker, lease ms
-- Answers { 1 = the turn is this worker's, ms until another's ends, turn, disabled at ms (0 = it is
--           not), why, events read and not settled, events not read (1001 = or more), dead, now }

local sink, events, wait, dead = unpack(KEYS)
local verb, group, worker, lease_ms = unpack(ARGV)
local unread_max = 1001

-- include expect

-- include now

expect('hash', sink, wait)
expect('stream', events, dead)
expect_counters(sink, 'turn')
local h = redis.call('HMGET', sink, 'own', 'till', 'turn', 'off', 'why', 'born')
local owner, till, turn = h[1], tonumber(h[2]) or 0, tonumber(h[3]) or 0
local leased = owner and till > now
local disabled_at, why = tonumber(h[4]) or 0, h[5] or ''

-- The sink's place in the outbox, as Redis tells it.
local function find_place()
  local groups = redis.call('EXISTS', events) == 1 and redis.call('XINFO', 'GROUPS', events) or {}
  for _, group_of in ipairs(groups) do
    local told = {}
    for i = 1, #group_of, 2 do
      told[group_of[i]] = group_of[i + 1]
    end
    if told.name == group then
      return told
    end
  end
end

local place = find_place()

-- Redis does not know how many there are once its place was set by hand.
local function count_unread()
  if place.lag then
    return math.min(place.lag, unread_max)
  end
  return #redis.call('XRANGE', events, '(' .. place['last-delivered-id'], '+', 'COUNT', unread_max)
end

local serves = verb == 'serve' and (not leased or owner == worker)
if serves or verb == 'place' then
  if not place then
    redis.call('XGROUP', 'CREATE', events, group, h[6] and '0' or '$', 'MKSTREAM')
  end
  redis.call('HSETNX', sink, 'born', now)
  place = place or find_place()
end
if serves then
  redis.call('HSET', sink, 'own', worker, 'till', now + lease_ms)
  owner, leased, till = worker, true, now + lease_ms
elseif verb == 'leave' and owner == worker then
  redis.call('HDEL', sink, 'own', 'till')
  leased = false
elseif verb == 'enable' and disabled_at > 0 then
  turn = redis.call('HINCRBY', sink, 'turn', 1)
  redis.call('HDEL', sink, 'off', 'why')
  redis.call('DEL', wait)
  disabled_at, why = 0, ''
end
local mine = leased and owner == worker
return {mine and 1 or 0, (leased and not mine) and till - now or 0, turn, disabled_at, why,
  place and place.pending or 0, place and count_unread() or 0, redis.call('XLEN', dead), now}
