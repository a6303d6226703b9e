#!lua
-- Lets consumer groups of the outbox stand at its end; those that are not there are made.
--
-- KEYS events
-- ARGV names
-- Answers how many were made

local events = KEYS[1]

-- include expect

expect('stream', events)
local there, made = {}, 0
if redis.call('EXISTS', events) == 1 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    there[group[2]] = true
  end
end
for _, name in ipairs(ARGV) do
  if there[name] then
    redis.call('XGROUP', 'SETID', events, name, '$')
  else
    redis.call('XGROUP', 'CREATE', events, name, '$', 'MKSTREAM')
    made = made + 1
  end
end
return made
