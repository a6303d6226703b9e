-- The version of the record that this program writes, and never below the one that is there: a
-- newer program may have written, too.
local function raise_version(there)
  return math.max(tonumber(there) or 0, 2)
end
