#!lua flags=allow-oom
-- Hands a claimed domain back untouched. A repeated call is told that it worked: with the fence
-- unchanged, a domain can only have left the running set by this call or by a commit.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run
-- ARGV uid, client, fence, wait ms
-- Answers 1, or 0 when fenced

local hash, hi, lo, ring, ring_hi, run = unpack(KEYS)
local uid, client, fence, wait_ms = unpack(ARGV)

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

-- shared: bits
-- Lua's bit library works on signed 32 bits; these are unsigned.
local function union(a, b)
  return bit.bor(tonumber(a) or 0, tonumber(b) or 0) % 4294967296
end
-- end shared

-- shared: hand_back
-- Whoever looks next does what was owed and what was promised for after this look.
local function hand_back(fields, due)
  local urgent = fields.jid or fields.again
  if fields.again then
    local todo = union(fields.todo, math.floor(tonumber(fields.again) / 2))
    if todo > 0 then
      redis.call('HSET', hash, 'todo', todo)
    end
  end
  redis.call('HDEL', hash, 'own', 'again')
  redis.call('HSET', hash, 'nx', due)
  redis.call('ZREM', run, uid)
  redis.call('ZADD', urgent and hi or lo, due, uid)
  ring_update(client)
end

-- The attempt that an open recheck used comes back: it was not looked.
local function give_back_attempt(fields)
  local attempts = tonumber(fields.att) or 0
  if fields.jt ~= 'recheck' or attempts == 0 then
    return
  end
  if attempts == 1 then
    redis.call('HDEL', hash, 'att', 'la')
  else
    redis.call('HSET', hash, 'att', attempts - 1)
  end
end
-- end shared

expect('hash', hash)
expect('zset', hi, lo, ring, ring_hi, run)
local h = redis.call('HMGET', hash, 'f', 'cf', 'cl', 'jid', 'jt', 'again', 'todo', 'att')
if h[1] ~= fence or h[2] == fence or h[3] ~= client then
  return 0
end
if not redis.call('ZSCORE', run, uid) then
  return 1
end

local fields = {jid = h[4], jt = h[5], again = h[6], todo = h[7], att = h[8]}
give_back_attempt(fields)
hand_back(fields, now + wait_ms)
return 1
