#!lua flags=allow-oom
-- Tells that a worker lives, or that it leaves, and who else lives. A full server lets it pass: the
-- list is short, and a full shard drains sooner when the workers know of each other.
--
-- KEYS {w}:hb, worker -> until when its last beat counts, ms
-- ARGV worker, expiry ms (0 = it leaves), expiry ms at most, names at most
-- Answers { how many live, their names ... }; no names when there are more than may be named

local beats = KEYS[1]
local worker, expiry_ms, expiry_most, names_most = unpack(ARGV)
names_most = tonumber(names_most)

-- include now

-- A key of a foreign type stops the script here: this is called every second, so TYPE is saved.
local all = redis.call('ZRANGE', beats, 0, names_most, 'WITHSCORES')
local names, gone = {}, {}
for i = 1, #all, 2 do
  local name, till = all[i], tonumber(all[i + 1])
  if name ~= worker and (till <= now or till > now + expiry_most) then
    gone[#gone + 1] = name -- expired, or left by a clock that was ahead
  elseif name ~= worker then
    names[#names + 1] = name
  end
end
if tonumber(expiry_ms) > 0 then
  redis.call('ZADD', beats, now + expiry_ms, worker)
  names[#names + 1] = worker
else
  gone[#gone + 1] = worker
end
if #gone > 0 then
  redis.call('ZREM', beats, unpack(gone))
end
if #all > 2 * names_most or #names > names_most then
  return {redis.call('ZCARD', beats)}
end
return {#names, unpack(names)}
