-- A key of a foreign type stops the script here, before its first write.
local function expect(kind, ...)
  for _, key in ipairs({...}) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= kind then
      error({err = 'WRONGTYPE ' .. key .. ' holds a ' .. found .. ', not a ' .. kind})
    end
  end
end

-- So does a counter that holds no number: HINCRBY would fail after other writes.
local function expect_counters(key, ...)
  for i, value in ipairs(redis.call('HMGET', key, ...)) do
    if value and not string.match(value, '^%-?%d+$') then
      error({err = 'WRONGTYPE ' .. key .. ' holds no number in ' .. select(i, ...)})
    end
  end
end
