#!lua
-- Puts a dead letter of another shard into this one, once.
--
-- KEYS dead, dead:<entry id>, reshard
-- ARGV mark (which letter it is), entry id, score, then name, value of each field
-- Answers 1, 0 when it was put here before, or -1 when another letter has this id

local dead, letter, marks = unpack(KEYS)
local mark, entry, score = unpack(ARGV, 1, 3)

-- include expect

expect('zset', dead)
expect('hash', letter, marks)
if redis.call('HEXISTS', marks, mark) == 1 then
  return 0
end
if redis.call('EXISTS', letter) == 1 or redis.call('ZSCORE', dead, entry) then
  return -1
end

redis.call('HSET', letter, unpack(ARGV, 4))
redis.call('ZADD', dead, score, entry)
redis.call('HSET', marks, mark, entry)
return 1
