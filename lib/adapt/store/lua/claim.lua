#!lua
-- Takes one due domain: out of its queue, into the running set under a lease, fence raised. A
-- repeated call by the same owner gets the same fence again.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, c:<client>
-- ARGV uid, client, lease ms, own (unique per process and attempt)
-- Answers { CLAIMED, fence, email, { name, value ... } }, or { LOST }: not due, or another's, or
-- { ORPHAN }: it was queued without a record and has been taken out

local hash, hi, lo, ring, ring_hi, run, mine = unpack(KEYS)
local uid, client, lease_ms, own = unpack(ARGV)

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

-- shared: ring
-- Keeps the client in the rings under its earliest due time; answers that time or nil.
local function ring_update(client)
  local urgent = redis.call('ZRANGE', hi, 0, 0, 'WITHSCORES')[2]
  local first = redis.call('ZRANGE', lo, 0, 0, 'WITHSCORES')[2]
  if urgent then
    redis.call('ZADD', ring_hi, urgent, client)
  else
    redis.call('ZREM', ring_hi, client)
  end
  if urgent and (not first or tonumber(urgent) < tonumber(first)) then
    first = urgent
  end
  if first then
    redis.call('ZADD', ring, first, client)
  else
    redis.call('ZREM', ring, client)
  end
  return first
end
-- end shared

expect('hash', hash, mine)
expect('zset', hi, lo, ring, ring_hi, run)
local owner, fence, holder = unpack(redis.call('HMGET', hash, 'cl', 'f', 'own'))
fence = tonumber(fence) or 0
if not owner then
  local queued = redis.call('ZREM', hi, uid) + redis.call('ZREM', lo, uid)
  ring_update(client)
  return {queued > 0 and 'ORPHAN' or 'LOST'}
end
if owner ~= client then
  error({err = 'ERR ' .. hash .. ' belongs to another client'})
end
if redis.call('ZSCORE', run, uid) then
  if holder ~= own then
    return {'LOST'}
  end
else
  local due = redis.call('ZSCORE', hi, uid) or redis.call('ZSCORE', lo, uid)
  if not due or tonumber(due) > now then
    return {'LOST'}
  end
  fence = fence + 1
  redis.call('ZREM', hi, uid)
  redis.call('ZREM', lo, uid)
  redis.call('ZADD', run, now + lease_ms, uid)
  redis.call('HSET', hash, 'f', fence, 'own', own)
  ring_update(client)
end
return {'CLAIMED', fence, redis.call('HGET', mine, uid) or '', redis.call('HGETALL', hash)}
