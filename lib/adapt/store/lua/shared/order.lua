-- Ids of stream entries in their order. Decimal numbers as text, as large as they like: the second
-- part of an id has 64 bits, and one without it ends in -0.
local function is_less(a, b)
  return #a < #b or (#a == #b and a < b)
end

local function is_before(a, b)
  local a_ms, a_seq = string.match(a .. '-0', '^(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b .. '-0', '^(%d+)-(%d+)')
  return is_less(a_ms, b_ms) or (a_ms == b_ms and is_less(a_seq, b_seq))
end
