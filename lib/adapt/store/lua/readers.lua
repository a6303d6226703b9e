#!lua flags=no-writes
-- Who reads an outbox, and who has not read and acknowledged all of it.
--
-- KEYS events
-- Answers { name, 1 when something is left to read, ... }

local events = KEYS[1]

if redis.call('EXISTS', events) == 0 then
  return {}
end
local readers = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', events)) do
  local told = {}
  for i = 1, #group, 2 do
    told[group[i]] = group[i + 1]
  end
  local behind = redis.call('XRANGE', events, '(' .. told['last-delivered-id'], '+', 'COUNT', 1)
  readers[#readers + 1] = told.name
  readers[#readers + 1] = (told.pending > 0 or #behind > 0) and 1 or 0
end
return readers
