#!lua
-- What the user of this connection is not allowed, of all that the store needs: asked once at
-- start, so that nobody finds out in the middle. Made by tests/house/test_acl.py.
--
-- KEYS meta
-- ARGV one name of each kind of key
-- Answers the commands and keys that are refused

local needs = {
  'del', 'exists', 'get', 'getrange', 'hdel', 'hexists', 'hget', 'hgetall', 'hincrby', 'hlen',
  'hmget', 'hscan', 'hset', 'hsetnx', 'hstrlen', 'info', 'pexpire', 'ping', 'pttl', 'role', 'scan',
  'script|load', 'set', 'strlen', 'time', 'type', 'wait', 'xack', 'xadd', 'xautoclaim', 'xclaim',
  'xdel', 'xgroup|create', 'xgroup|delconsumer', 'xgroup|setid', 'xinfo|consumers', 'xinfo|groups',
  'xinfo|stream', 'xlen', 'xpending', 'xrange', 'xreadgroup', 'xrevrange', 'xtrim', 'zadd',
  'zcard', 'zcount', 'zrange', 'zrem', 'zscore',
}

local refused = {}
for _, need in ipairs(needs) do
  local words = {}
  for word in string.gmatch(need, '[^|]+') do
    words[#words + 1] = word
  end
  words[#words + 1] = KEYS[1]
  if not redis.acl_check_cmd(unpack(words)) then
    refused[#refused + 1] = need
  end
end
for _, key in ipairs(ARGV) do
  if redis.acl_check_cmd('del', KEYS[1]) and not redis.acl_check_cmd('del', key) then
    refused[#refused + 1] = key
  end
end
return refused
