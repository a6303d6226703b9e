#!lua flags=allow-oom
-- Hands a claimed domain back untouched. A repeated call is told that it worked: with the fence
-- unchanged, a domain can only have left the running set by this call or by a commit. (Or by
-- another holder of the same fence, where Redis lost writes: handed back is what it is then, too.)
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run
-- ARGV uid, client, own, fence, wait ms
-- Answers 1, or 0 when fenced

local hash, hi, lo, ring, ring_hi, run = unpack(KEYS)
local uid, client, own, fence, wait_ms = unpack(ARGV)

-- include expect

-- include now

-- include ring

-- include bits

-- include hand_back

expect('hash', hash)
expect('zset', hi, lo, ring, ring_hi, run)
local h = redis.call('HMGET', hash, 'f', 'cf', 'cl', 'jid', 'jt', 'again', 'todo', 'att', 'wd',
  'own')
if h[1] ~= fence or h[2] == fence or h[3] ~= client then
  return 0
end
if not redis.call('ZSCORE', run, uid) then
  return 1
end
if h[10] ~= own then
  return 0
end

local fields = {jid = h[4], jt = h[5], again = h[6], todo = h[7], att = h[8], wd = h[9]}
give_back_attempt(fields)
hand_back(fields, now + wait_ms)
return 1
