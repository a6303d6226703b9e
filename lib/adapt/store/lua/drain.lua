#!lua flags=allow-oom
-- Deletes entries that pour.lua appended to another shard's stream, and takes the answers among
-- them out of this shard's counters.
--
-- KEYS stream, n
-- ARGV group that has to acknowledge them ("" = none), then of each entry id, outcome ("" = none)
-- Answers how many were there

local stream, counters = unpack(KEYS)
local group = ARGV[1]

-- include expect

expect('stream', stream)
expect('hash', counters)
expect_counters(counters, 'accepted', 'done', 'coalesced', 'rejected', 'dead')
local deleted = 0
for i = 2, #ARGV, 2 do
  local id, outcome = ARGV[i], ARGV[i + 1]
  if group ~= '' then
    redis.call('XACK', stream, group, id)
  end
  if redis.call('XDEL', stream, id) == 1 then
    deleted = deleted + 1
    if outcome ~= '' then
      redis.call('HINCRBY', counters, outcome, -1)
      redis.call('HINCRBY', counters, 'accepted', -1)
    end
  end
end
return deleted
