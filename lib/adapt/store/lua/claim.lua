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

-- include expect

-- include now

-- include ring

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
