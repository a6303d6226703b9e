-- Needs the script's hi, lo, ring and ring_hi.
-- Keeps the client in the rings under its earliest due time; answers that time or nil.
local function ring_update(client)
  local urgent = redis.call('ZRANGE', hi, 0, 0, 'WITHSCORES')[2]
  local first = redis.call('ZRANGE', lo, 0, 0, 'WITHSCORES')[2]
  if urgent then
    redis.call('ZADD', ring_hi, urgent, client)
  else
    redis.call('ZREM', ring_hi, client)
  end
  if urgent and (not first or tonumber(urgent) < tonumber(first)) then
    first = urgent
  end
  if first then
    redis.call('ZADD', ring, first, client)
  else
    redis.call('ZREM', ring, client)
  end
  return first
end
