#!lua
-- Appends entries of another shard's stream to this one, in their order and each once, and counts
-- the answers among them here.
--
-- KEYS stream, reshard, n
-- ARGV mark (which stream they are of), 1 when entries were deleted in front of them, then of each
--      (there may be none) entry id, outcome of the answer that it is ("" = none), words
--      (<bytes>:<word> ...)
-- Answers how many were appended; those that were before are not

local stream, marks, counters = unpack(KEYS)
local mark, gaps = ARGV[1], ARGV[2]

-- include expect

-- include order

local function words_of(packed)
  local words, at = {}, 1
  while at <= #packed do
    local bytes, from = string.match(packed, '^(%d+):()', at)
    words[#words + 1] = string.sub(packed, from, from + bytes - 1)
    at = from + bytes
  end
  return words
end

expect('stream', stream)
expect('hash', marks, counters)
expect_counters(counters, 'accepted', 'done', 'coalesced', 'rejected', 'dead')
local last = redis.call('HGET', marks, mark)
local appended = 0
if not last and gaps == '1' then -- nobody shall take what follows for all there was
  redis.call('XDEL', stream, redis.call('XADD', stream, '*', 'gap', ''))
end
for i = 3, #ARGV, 3 do
  local id, outcome = ARGV[i], ARGV[i + 1]
  if not last or is_before(last, id) then
    last, appended = id, appended + 1
    redis.call('XADD', stream, '*', unpack(words_of(ARGV[i + 2])))
    redis.call('HSET', marks, mark, id)
    if outcome ~= '' then
      redis.call('HINCRBY', counters, outcome, 1)
      redis.call('HINCRBY', counters, 'accepted', 1)
    end
  end
end
return appended
