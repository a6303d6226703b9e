#!lua
-- Asks for one permit: generic cell rate, burst 1. The key holds the microsecond from which the
-- next one is granted, and goes away by itself when it is long past.
--
-- KEYS {q:<account>:<region>:<action>}
-- ARGV interval us
-- Answers the microseconds to wait; 0 = granted

local key, interval = KEYS[1], tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = tonumber(redis.call('GET', key) or 0) or 0

local function keep(free_at)
  redis.call('SET', key, string.format('%.0f', free_at), 'PX', math.ceil(interval / 1000) + 1000)
end

-- Further ahead than one interval it can only be after the clock went back.
if arrival - now > interval then
  arrival = now + interval
  keep(arrival)
end
if arrival > now then
  return arrival - now
end
keep(now + interval)
return 0
