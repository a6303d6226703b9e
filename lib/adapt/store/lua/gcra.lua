#!lua flags=allow-oom
-- Asks for one permit: generic cell rate, burst 1, slower after throttles, workers in turn. What
-- the numbers mean is told in sv/gcra.h; lib/core/gcra.c is the same rule in C. The limit holds
-- "<free from> <adapted interval> <slowed at>" in microseconds, the line the workers that were
-- refused since their last permit, by when that was. Both go away by themselves.
--
-- KEYS {q:<account>:<region>:<action>}, the same with :line
-- ARGV interval us, worker, throttled (0 or 1)
-- Answers { us to wait (0 = granted), adapted interval us, workers that want permits, now us }

local key, line = KEYS[1], KEYS[2]
local base, worker, throttled = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
local SLOWEST, RECOVER, GRACE, WORKERS_MAX = 32, 32, 16, 64
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- include expect

expect('string', key)
expect('zset', line)
local kept = redis.call('GET', key) or ''
local arrival, interval, slowed = string.match(kept, '^(%d+) ?(%d*) ?(%d*)$')
arrival, interval, slowed = tonumber(arrival) or 0, tonumber(interval) or 0, tonumber(slowed) or 0

-- What is kept may be of another configuration, or from before the clock went back.
interval = math.min(math.max(interval, base), base * SLOWEST)
if slowed > now then
  slowed = 0
end
arrival = math.min(arrival, now + interval)

if throttled and (slowed == 0 or now - slowed >= interval) then
  interval = math.min(interval * 2, base * SLOWEST)
  slowed = now
  arrival = now + interval
end

local function first()
  return redis.call('ZRANGE', line, 0, 0)[1]
end

local function answer(wait_us, more)
  local px = math.ceil(interval / 100) + 1000
  redis.call('SET', key, string.format('%.0f %.0f %.0f', arrival, interval, slowed), 'PX', px)
  redis.call('PEXPIRE', line, px)
  return {wait_us, interval, redis.call('ZCARD', line) + more, now}
end

local function refuse(wait_us)
  if redis.call('ZCARD', line) < WORKERS_MAX then
    redis.call('ZADD', line, 'NX', now, worker)
  end
  return answer(wait_us, 0)
end

if arrival > now then
  return refuse(arrival - now)
end
local grace = math.floor(interval / GRACE)
local turn = first()
if turn and turn ~= worker then
  if now - arrival < grace then
    return refuse(arrival + grace - now)
  end
  redis.call('ZREM', line, turn) -- it did not come: the next one's grace begins
  arrival, turn = now, first()
  if turn and turn ~= worker and grace > 0 then
    return refuse(grace)
  end
end
redis.call('ZREM', line, worker)
interval = math.max(interval - math.floor(interval / RECOVER), base)
arrival = now + interval
return answer(0, 1)
