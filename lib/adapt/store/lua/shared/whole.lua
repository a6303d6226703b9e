-- A record as one text: name 0 value 0 ..., in the order of the names; '' when there is none.
local function whole(hash)
  local all, names, values = redis.call('HGETALL', hash), {}, {}
  for i = 1, #all, 2 do
    names[#names + 1] = all[i]
    values[all[i]] = all[i + 1]
  end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = name .. '\0' .. values[name] .. '\0'
  end
  return table.concat(names)
end
