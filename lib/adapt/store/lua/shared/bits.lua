-- Lua's bit library works on signed 32 bits; these are unsigned.
local function union(a, b)
  return bit.bor(tonumber(a) or 0, tonumber(b) or 0) % 4294967296
end

local function without(a, b)
  return bit.band(tonumber(a) or 0, bit.bnot(tonumber(b) or 0)) % 4294967296
end
