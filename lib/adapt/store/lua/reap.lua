#!lua flags=allow-oom
-- Returns one domain whose lease is past to its queue, fence raised, so that a late result of its
-- last holder changes nothing. After too many in a row without a commit the open job ends dead:
-- something about this domain kills workers.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, n, and with an open job also
--      events, dead, dead:<entry id>, receipt
-- ARGV uid, client, reclaims max, crash wait ms, receipt ms, job id ("" = none), entry id, shard
-- Answers REAPED, CRASH_LOOP, or HELD: the lease is good, or the job is not the open one

local hash, hi, lo, ring, ring_hi, run, counters, events, dead, letter, receipt = unpack(KEYS)
local uid, client, reclaims_max, crash_wait_ms, receipt_ms, job_id, entry, shard = unpack(ARGV)

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

-- shared: rfc3339
-- Days since 1970 to a date, after Howard Hinnant's civil_from_days.
local function rfc3339(ms)
  local floor = math.floor
  local s = floor(ms / 1000)
  local day = floor(s / 86400) + 719468
  local era = floor(day / 146097)
  local doe = day - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month,
    doy - floor((153 * mp + 2) / 5) + 1, floor(s / 3600) % 24, floor(s / 60) % 60, s % 60,
    ms % 1000)
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

local function event(kind)
  local data = {job_id = job_id, type = kind, client_id = client, domain_id = uid,
    outcome = 'dead', reason = 'crash_loop'}
  return string.format('{"specversion":"1.0","type":"io.sesverify.job.finished.v1",' ..
    '"source":"/sesverify/jobs/%s","id":"job.%s.%s","time":"%s",' ..
    '"datacontenttype":"application/json","data":%s}', shard, shard, entry, rfc3339(now),
    cjson.encode(data))
end

local function bury(kind, reclaims)
  redis.call('HSET', letter, 'reason', 'crash_loop', 'error',
    string.format('%d workers in a row took this domain and never answered', reclaims), 'payload',
    '', 'at', now, 'client_id', client, 'domain_id', uid, 'job_id', job_id, 'type', kind)
  redis.call('ZADD', dead, now, entry)
  redis.call('XADD', events, '*', 'event', event(kind))
  redis.call('SET', receipt, 'dead', 'PX', receipt_ms)
  redis.call('HINCRBY', counters, 'dead', 1)
  redis.call('HINCRBY', counters, 'open', -1)
  redis.call('HDEL', hash, 'job', 'jid', 'jt')
end

expect('hash', hash, counters)
expect('zset', hi, lo, ring, ring_hi, run)
expect_counters(counters, 'reaped', 'crash_loop', 'dead', 'open')
if job_id ~= '' then
  expect('stream', events)
  expect('zset', dead)
  expect('hash', letter)
  expect('string', receipt)
end
local lease = redis.call('ZSCORE', run, uid)
if not lease or tonumber(lease) > now then
  return 'HELD'
end
local h = redis.call('HMGET', hash, 'cl', 'f', 'rc', 'jid', 'jt', 'again', 'todo', 'att')
if not h[1] then -- no record: nothing of it can be lost
  redis.call('ZREM', run, uid)
  return 'REAPED'
end
if h[1] ~= client or (h[4] or '') ~= job_id then
  return 'HELD'
end

local fields = {jid = h[4], jt = h[5], again = h[6], todo = h[7], att = h[8]}
local reclaims = (tonumber(h[3]) or 0) + 1
local looping = reclaims >= tonumber(reclaims_max)
-- The first one is due at once: its worker was killed by something else, most likely.
local wait = reclaims == 1 and 0 or math.min(crash_wait_ms, 1000 * 2 ^ math.min(reclaims, 20))
redis.call('HSET', hash, 'f', (tonumber(h[2]) or 0) + 1, 'rc', reclaims)
redis.call('HINCRBY', counters, 'reaped', 1)
if looping then
  wait = tonumber(crash_wait_ms)
  redis.call('HINCRBY', counters, 'crash_loop', 1)
  if fields.jid then
    give_back_attempt(fields)
    bury(fields.jt, reclaims)
    fields.jid = false
  end
end
hand_back(fields, now + wait)
return looping and 'CRASH_LOOP' or 'REAPED'
