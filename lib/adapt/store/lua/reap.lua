#!lua flags=allow-oom
-- Returns one domain whose lease is past to its queue, fence raised, so that a late result of its
-- last holder changes nothing. After too many in a row without a commit the open job ends dead:
-- something about this domain kills workers.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, n, and with an open job also
--      events, dead, dead:<entry id>, receipt
-- ARGV uid, client, reclaims max, crash wait ms, receipt ms, job id ("" = none), entry id, shard
-- Answers REAPED, CRASH_LOOP, or HELD: the lease is good, or the job is not the open one

-- No lease is longer: one beyond it was given by a clock that was ahead.
local LEASE_MOST_MS = 86400000

local hash, hi, lo, ring, ring_hi, run, counters, events, dead, letter, receipt = unpack(KEYS)
local uid, client, reclaims_max, crash_wait_ms, receipt_ms, job_id, entry, shard = unpack(ARGV)

-- include expect

-- include now

-- include ring

-- include bits

-- include rfc3339

-- include hand_back

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

-- Between half of it and all of it, another part for each domain and time: many domains end with
-- their worker, and only one of them is the reason. Those that come back apart from it live on.
local function spread(ms, reclaims)
  local from = reclaims % 13 + 1
  local part = tonumber(string.sub(uid, from, from + 3), 16) or 0
  return ms - math.floor(ms / 2 * part / 65536)
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
if not lease or (tonumber(lease) > now and tonumber(lease) <= now + LEASE_MOST_MS) then
  return 'HELD'
end
local h = redis.call('HMGET', hash, 'cl', 'f', 'rc', 'jid', 'jt', 'again', 'todo', 'att', 'wd')
if not h[1] then -- no record: nothing of it can be lost
  redis.call('ZREM', run, uid)
  return 'REAPED'
end
if h[1] ~= client or (h[4] or '') ~= job_id then
  return 'HELD'
end

local fields = {jid = h[4], jt = h[5], again = h[6], todo = h[7], att = h[8], wd = h[9]}
local reclaims = (tonumber(h[3]) or 0) + 1
local looping = reclaims >= tonumber(reclaims_max)
-- The first one is due at once: its worker was killed by something else, most likely.
local wait = reclaims == 1 and 0 or
  spread(math.min(crash_wait_ms, 1000 * 2 ^ math.min(reclaims, 20)), reclaims)
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
