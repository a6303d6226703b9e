#!lua flags=allow-oom
-- Removes one dead letter.
--
-- KEYS dead, dead:<entry id>
-- ARGV entry id
-- Answers 1, or 0 when it was gone already

local dead, letter = unpack(KEYS)

-- include expect

expect('zset', dead)
expect('hash', letter)
local listed = redis.call('ZREM', dead, ARGV[1])
local kept = redis.call('DEL', letter)
return math.max(listed, kept)
