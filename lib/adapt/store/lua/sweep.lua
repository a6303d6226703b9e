#!lua
-- Whose turn it is to walk an account's list. One worker at a time walks; a worker that is gone
-- loses its turn when its lease is over, and the next one begins anew.
--
-- KEYS {w:<account>:<region>}
-- ARGV verb (look, begin, page, finish), worker, lease ms, pages, domains, started at as look told
-- Answers { 1 = the turn is this worker's, started at, finished at (0 = under way), pages, domains,
--           ms until another worker's lease is over (0 = nobody walks), now ms }

local key = KEYS[1]
local verb, worker, lease_ms, pages, domains, seen = unpack(ARGV)

-- include expect

-- include now

expect('hash', key)
local h = redis.call('HMGET', key, 'st', 'fin', 'own', 'till', 'pg', 'dom')
local started, finished = tonumber(h[1]) or 0, tonumber(h[2]) or 0
local kept_pages, kept_domains = tonumber(h[5]) or 0, tonumber(h[6]) or 0
local leased = h[3] and (tonumber(h[4]) or 0) > now
local mine = leased and h[3] == worker

local function hold()
  redis.call('HSET', key, 'st', started, 'fin', finished, 'own', worker, 'till', now + lease_ms,
    'pg', kept_pages)
  mine, leased = true, true
end

if verb == 'begin' and not leased and started == tonumber(seen) then
  started, finished, kept_pages = now, 0, 0
  hold()
elseif verb == 'page' and mine then
  kept_pages = tonumber(pages)
  hold()
elseif verb == 'finish' and mine then
  finished, kept_pages, kept_domains = now, tonumber(pages), tonumber(domains)
  redis.call('HSET', key, 'fin', now, 'pg', pages, 'dom', domains)
  redis.call('HDEL', key, 'own', 'till')
  leased = false
end
local wait_ms = (leased and not mine) and tonumber(h[4]) - now or 0
return {mine and 1 or 0, started, finished, kept_pages, kept_domains, wait_ms, now}
