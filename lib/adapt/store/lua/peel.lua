#!lua flags=no-writes
-- Reads a page of a stream. An entry that is too large does not travel.
--
-- KEYS stream
-- ARGV id behind which to begin, entries max, bytes max of one entry, bytes max of the page
-- Answers { 1 when entries were deleted from the stream, then { id, name, value ... } or
-- { id, bytes } of each }

local stream = KEYS[1]
local after, entries_max = ARGV[1], ARGV[2]
local entry_bytes_max, page_bytes_max = tonumber(ARGV[3]), tonumber(ARGV[4])

if redis.call('EXISTS', stream) == 0 then
  return {0}
end
local told = redis.call('XINFO', 'STREAM', stream)
local info = {}
for i = 1, #told, 2 do
  info[told[i]] = told[i + 1]
end
local page, total = {info['entries-added'] > info.length and 1 or 0}, 0
for _, entry in ipairs(redis.call('XRANGE', stream, '(' .. after, '+', 'COUNT', entries_max)) do
  local bytes = 0
  for _, word in ipairs(entry[2]) do
    bytes = bytes + #word
  end
  total = total + math.min(bytes, entry_bytes_max)
  if #page > 1 and total > page_bytes_max then
    break
  end
  page[#page + 1] = bytes > entry_bytes_max and {entry[1], bytes} or {entry[1], unpack(entry[2])}
end
return page
