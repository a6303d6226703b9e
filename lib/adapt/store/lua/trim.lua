#!lua flags=allow-oom
-- Deletes the oldest events of the outbox: those that are older than their time and that every
-- consumer group has read and acknowledged. Without a group age alone decides.
--
-- KEYS events, n
-- ARGV keep ms, entries max
-- Answers { how many were deleted, 1 when there are more, the group that still needs an event that
--      is older than its time; '' = none }

local events, counters = KEYS[1], KEYS[2]
local keep_ms, entries_max = tonumber(ARGV[1]), tonumber(ARGV[2])
local groups_max = 256

-- include expect

-- include now

-- include order

-- The first event that a group may still ask for, and its name.
local function needed_by(group)
  local told = {}
  for i = 1, #group, 2 do
    told[group[i]] = group[i + 1]
  end
  if told.pending > 0 then
    return redis.call('XPENDING', events, told.name)[2], told.name
  end
  return told['last-delivered-id'], told.name
end

-- Those in front of an id, the oldest first. Redis knows no end in front of 0-0.
local function find_before(id, count)
  return id ~= '0-0' and redis.call('XRANGE', events, '-', '(' .. id, 'COUNT', count) or {}
end

expect('stream', events)
expect('hash', counters)
expect_counters(counters, 'trimmed')
if redis.call('EXISTS', events) == 0 then
  return {0, 0, ''}
end
local groups = redis.call('XINFO', 'GROUPS', events)
if #groups > groups_max then
  error({err = 'ERR ' .. events .. ' has more than ' .. groups_max .. ' consumer groups'})
end
local old = string.format('%.0f-0', math.max(now - keep_ms, 0))
local first_kept, holder = old, ''
for _, group in ipairs(groups) do
  local needed, name = needed_by(group)
  if is_before(needed, first_kept) then
    first_kept, holder = needed, name
  end
end
local found = find_before(first_kept, entries_max + 1)
local more = #found > entries_max
if #found > 0 then
  local trimmed = redis.call('XTRIM', events, 'MINID', '=', more and found[#found][1] or first_kept)
  redis.call('HINCRBY', counters, 'trimmed', trimmed)
end
if more or #find_before(old, 1) == 0 then
  holder = '' -- it holds nothing that is old
end
return {more and entries_max or #found, more and 1 or 0, holder}
