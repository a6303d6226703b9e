#!lua flags=no-writes
-- Reads one domain and everywhere its name stands, at one instant. A key of a wrong type is told
-- instead of stopping: who asks wants to know.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, c:<client>, x:<uid>, and with an open job its
--      receipt
-- ARGV uid, client, job id ("" = none), 1 = the record's client need not be this one
-- Answers { MOVED } when the record has another client or open job by now, { DAMAGED }, or
-- { SEEN, now, fields, due:hi, due:lo, run, email, ring, ring:hi, first of hi, first of lo, number
-- of domains, bytes of x, receipt, its ms to live }

local hash, hi, lo, ring, ring_hi, run, mine, detail, receipt = unpack(KEYS)
local uid, client, job_id, any_client = unpack(ARGV)
local damaged = false

-- include now

local function read(answer)
  if type(answer) == 'table' and answer.err then
    damaged = true
    return false
  end
  return answer
end

local function first(due)
  local found = read(redis.pcall('ZRANGE', due, 0, 0, 'WITHSCORES'))
  return found and found[2] or false
end

local known = read(redis.pcall('HMGET', hash, 'cl', 'jid')) or {}
if not damaged and known[1] then
  if (any_client ~= '1' and known[1] ~= client) or (known[2] or '') ~= job_id then
    return {'MOVED'}
  end
end
local seen = {'SEEN', now, read(redis.pcall('HGETALL', hash)),
  read(redis.pcall('ZSCORE', hi, uid)), read(redis.pcall('ZSCORE', lo, uid)),
  read(redis.pcall('ZSCORE', run, uid)), read(redis.pcall('HGET', mine, uid)),
  read(redis.pcall('ZSCORE', ring, client)), read(redis.pcall('ZSCORE', ring_hi, client)),
  first(hi), first(lo), read(redis.pcall('HLEN', mine)), read(redis.pcall('STRLEN', detail)),
  false, -2}
if receipt then
  seen[14] = read(redis.pcall('GET', receipt))
  seen[15] = read(redis.pcall('PTTL', receipt))
end
if damaged then
  return {'DAMAGED'}
end
return seen
