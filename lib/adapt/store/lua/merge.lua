#!lua
-- Adds the counters of a shard that will not be to those of this one, once.
--
-- KEYS n, reshard
-- ARGV mark (which shard's they are), then name, value of each
-- Answers 1, or 0 when they were added before

local counters, marks = unpack(KEYS)
local mark = ARGV[1]

-- include expect

expect('hash', counters, marks)
for i = 2, #ARGV, 2 do
  expect_counters(counters, ARGV[i])
end
if redis.call('HEXISTS', marks, mark) == 1 then
  return 0
end

redis.call('HSET', marks, mark, 1)
for i = 2, #ARGV, 2 do
  redis.call('HINCRBY', counters, ARGV[i], ARGV[i + 1])
end
return 1
