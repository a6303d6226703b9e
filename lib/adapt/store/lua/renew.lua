#!lua flags=allow-oom
-- Prolongs a lease that nobody took away. One that ran out but was not reaped is still good.
--
-- KEYS d:<uid>, run
-- ARGV uid, own, fence, lease ms
-- Answers 1, or 0 when fenced

local hash, run = unpack(KEYS)
local uid, own, fence, lease_ms = unpack(ARGV)

-- include now

local current, holder = unpack(redis.call('HMGET', hash, 'f', 'own'))
local fenced = false
fenced = current ~= fence or holder ~= own or not redis.call('ZSCORE', run, uid) -- fence check
if fenced then
  return 0
end
redis.call('ZADD', run, 'XX', now + lease_ms, uid)
return 1
