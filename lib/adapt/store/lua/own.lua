#!lua
-- Claims, confirms, loosens, releases or drops a name for a client. One hash per registrable domain
-- holds every claimed name under it, so that one look finds who holds the name, one above or one
-- below. A claim that was never confirmed, or was loosened, stands in nobody's way after a while;
-- one that nothing came of is dropped, if nobody has claimed anew since it was seen.
--
-- KEYS {o:<registrable>}, fields "<domain> <account>" -> "<state> <uid> <time ms> <client>"
-- ARGV verb (claim, confirm, loosen, release, drop), domain, account, client, uid, overlap ("1" =
--      names above and below another's are fine), claiming ms, names max, and for drop: when it
--      was claimed, how long ago that has to be, ms
-- Answers { 1 }, or { 0, the name that is held; "" = too many names under it, or none to drop }

local owners = KEYS[1]
local verb, domain, account, client, uid = unpack(ARGV, 1, 5)
local overlap, claiming_ms, names_max = unpack(ARGV, 6, 8)
local seen_at, idle_ms = tonumber(ARGV[9]) or 0, tonumber(ARGV[10]) or 0
local field = domain .. ' ' .. account

-- include now

local function parse(value)
  local state, id, at, holder = string.match(value, '^(%S+) (%S+) (%d+) (.*)$')
  return {state = state, uid = id, at = tonumber(at) or 0, client = holder}
end

local function is_below(name, other)
  return #name > #other and string.sub(name, -#other - 1) == '.' .. other
end

local function stands_in_the_way(name, claim)
  if claim.client == client or (claim.state ~= 'held' and claim.at + claiming_ms < now) then
    return false
  end
  if name == domain then
    return true
  end
  return overlap ~= '1' and (is_below(name, domain) or is_below(domain, name))
end

local function find_other()
  local all = redis.call('HGETALL', owners)
  for i = 1, #all, 2 do
    local name = string.match(all[i], '^(%S+)')
    if name and stands_in_the_way(name, parse(all[i + 1])) then
      return name, all[i]
    end
  end
end

local mine = redis.call('HGET', owners, field)
mine = mine and parse(mine)
if verb == 'release' then
  if mine and mine.client ~= client then
    return {0, domain}
  end
  redis.call('HDEL', owners, field)
  return {1}
end
if verb == 'drop' then
  local same = mine and mine.state == 'claiming' and mine.client == client
  if not (same and mine.uid == uid and mine.at == seen_at and mine.at + idle_ms < now) then
    return {0, ''}
  end
  redis.call('HDEL', owners, field)
  return {1}
end
if verb == 'loosen' then
  if mine and mine.client == client then
    redis.call('HSET', owners, field, string.format('claiming %s %.0f %s', uid, now, client))
  end
  return {1}
end
if redis.call('HLEN', owners) >= tonumber(names_max) and not mine then
  return {0, ''}
end
local other = find_other()
if other then
  return {0, other}
end

local state = 'claiming'
if verb == 'confirm' or (mine and mine.client == client and mine.state == 'held') then
  state = 'held'
end
redis.call('HSET', owners, field, string.format('%s %s %.0f %s', state, uid, now, client))
return {1}
