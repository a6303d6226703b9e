#!lua
-- Prolongs a lease that nobody took away. One that ran out but was not reaped is still good.
--
-- KEYS d:<uid>, run
-- ARGV uid, fence, lease ms
-- Answers 1, or 0 when fenced

local hash, run = unpack(KEYS)
local uid, fence, lease_ms = unpack(ARGV)

-- include now

local current = redis.call('HGET', hash, 'f')
local fenced = false
fenced = current ~= fence or not redis.call('ZSCORE', run, uid) -- fence check
if fenced then
  return 0
end
redis.call('ZADD', run, 'XX', now + lease_ms, uid)
return 1
