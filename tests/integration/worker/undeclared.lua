-- In a worker that is broken on purpose Redis is told of one key only; the others came as arguments, and are made keys again
-- here, where Redis does not see it.
local KEYS, ARGV = (function(keys, words)
  local args_count, all, args = 25, {keys[1]}, {}
  for i, word in ipairs(words) do
    if i <= #words - args_count then
      all[#all + 1] = word
    else
      args[#args + 1] = word
    end
  end
  return all, args
end)(KEYS, ARGV)
