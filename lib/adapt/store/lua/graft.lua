#!lua
-- Puts one domain that lift.lua read in another shard into this one, with its places and its share
-- of the counters, in one step.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, c:<client>, n, x:<uid>
-- ARGV uid, client, fields (name 0 value 0 ...), due ms, due ms, lease ms, email, x. Those behind
--      the fields are '' when it has none, and begin with '=' otherwise
-- Answers 1, 0 when it is here already, or -1 when another one is here under its name

local hash, hi, lo, ring, ring_hi, run, mine, counters, detail = unpack(KEYS)
local uid, client, packed, due_hi, due_lo, lease, email, text = unpack(ARGV)

-- include expect

-- include ring

-- include whole

local function given(value)
  return value ~= '' and string.sub(value, 2)
end

local fields, by_name, name = {}, {}, nil
for part in string.gmatch(packed, '([^%z]*)%z') do
  fields[#fields + 1] = part
  if name then
    by_name[name] = part
  end
  name = not name and part or nil
end
local status = 'status_' .. (by_name.st or 'new')

expect('hash', hash, mine, counters)
expect('zset', hi, lo, ring, ring_hi, run)
expect('string', detail)
expect_counters(counters, 'accepted', 'open', status)
local there = whole(hash)
if there ~= '' then
  return there == packed and 0 or -1
end

redis.call('HSET', hash, unpack(fields))
for set, score in pairs({[hi] = given(due_hi), [lo] = given(due_lo), [run] = given(lease)}) do
  if score then
    redis.call('ZADD', set, score, uid)
  end
end
ring_update(client)
if given(email) then
  redis.call('HSET', mine, uid, given(email))
end
if given(text) then
  redis.call('SET', detail, given(text))
end
redis.call('HINCRBY', counters, status, 1)
if by_name.job then
  redis.call('HINCRBY', counters, 'open', 1)
  redis.call('HINCRBY', counters, 'accepted', 1)
end
return 1
