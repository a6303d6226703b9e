#!lua flags=no-writes
-- How far behind the shard is: what its oldest job and its most overdue look have waited.
--
-- KEYS jobs, ring
-- Answers the age of the oldest job in the inbox, ms; how long the look that has waited longest is
-- due, ms; how many clients have a look due

local jobs, ring = unpack(KEYS)

-- include expect

-- include now

expect('stream', jobs)
expect('zset', ring)
local oldest = redis.call('XRANGE', jobs, '-', '+', 'COUNT', 1)[1]
local first = redis.call('ZRANGE', ring, 0, 0, 'WITHSCORES')[2]
local waited = oldest and now - tonumber(string.match(oldest[1], '^%d+')) or 0
local overdue = first and now - tonumber(first) or 0
return {math.max(waited, 0), math.max(overdue, 0), redis.call('ZCOUNT', ring, '-inf', now)}
