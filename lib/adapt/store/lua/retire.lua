#!lua
-- Forgets readers of the inbox that are gone. One for which entries are pending stays, since they
-- would go with it; it is forgotten when they have been taken over.
--
-- KEYS jobs
-- ARGV group, own consumer, whose (own = only that one; others = all but that one), idle ms
-- Answers how many were forgotten; of very many not all at once

local jobs = KEYS[1]
local group, own, whose, idle_ms = unpack(ARGV)
local LOOKED_AT_MOST = 1000

-- include expect

expect('stream', jobs)
local answer = redis.pcall('XINFO', 'CONSUMERS', jobs, group)
if answer.err then
  if string.find(answer.err, 'no such key') or string.find(answer.err, '^NOGROUP') then
    return 0 -- no inbox yet, or it was lost
  end
  error(answer)
end
local retired = 0
for i = 1, math.min(#answer, LOOKED_AT_MOST) do
  local consumer = {}
  for j = 1, #answer[i], 2 do
    consumer[answer[i][j]] = answer[i][j + 1]
  end
  local is_meant = (consumer.name == own) == (whose == 'own')
  if is_meant and consumer.pending == 0 and consumer.idle >= tonumber(idle_ms) then
    redis.call('XGROUP', 'DELCONSUMER', jobs, group, consumer.name)
    retired = retired + 1
  end
end
return retired
