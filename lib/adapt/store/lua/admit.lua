#!lua
-- Settles one entry of the inbox at the door: receipt, refusal, order, limits, coalescing. In one
-- step it acknowledges the entry and writes what was decided; nothing is decided twice, because a
-- settled entry is no longer pending. The rules are those of sv/admission.h, word by word.
--
-- KEYS jobs, d:<uid>, due:hi, due:lo, ring, ring:hi, run, c:<client>, n, events, receipt
-- ARGV entry id, client, uid, job id, type, refusal, todo, withdrawn, email, domains max,
--      attempts max, cooldown ms, fields (name 0 value 0 ...), event head, event tail, receipt ms
-- Answers { outcome, retry at ms }

local jobs, hash, hi, lo, ring, ring_hi, run, mine, counters, events, receipt = unpack(KEYS)
local entry, client, uid, job_id, kind, refusal = unpack(ARGV, 1, 6)
local todo_bits, withdrawn, email = unpack(ARGV, 7, 9)
local domains_max, attempts_max, cooldown_ms = unpack(ARGV, 10, 12)
local packed, head, tail, receipt_ms = unpack(ARGV, 13, 16)

-- include expect

-- include order

-- include now

-- include ring

-- include bits

-- include rfc3339

-- include ours

-- include version

-- Whether a later register, adopt or remove of the domain was let in before this one: the inbox is
-- read in its order, but a worker may stand still with an entry in its hand. A word that is later
-- than the whole inbox was said in another one (somebody deleted it, the shards were changed), and
-- tells nothing about the order in this one.
local function is_superseded(last_word)
  if kind == 'recheck' or not last_word or not is_before(entry, last_word) then
    return false
  end
  local inbox = redis.call('XINFO', 'STREAM', jobs)
  for i = 1, #inbox, 2 do
    if inbox[i] == 'last-generated-id' then
      return not is_before(inbox[i + 1], last_word)
    end
  end
end

-- What is known of the domain and its client.
local function look()
  local h = redis.call('HMGET', hash, 'cl', 'st', 'job', 'again', 'att', 'la', 'todo', 'seq', 'f',
    'cf', 'wd', 'ver', 'cb', 'lw')
  if h[1] and h[1] ~= client then
    error({err = 'ERR ' .. hash .. ' belongs to another client'})
  end
  local running = redis.call('ZSCORE', run, uid) and true or false
  local counted = redis.call('HLEN', mine)
  -- A domain given back that waits for one more look is not counted against itself.
  if h[2] == 'removed' and redis.call('HEXISTS', mine, uid) == 1 then
    counted = counted - 1
  end
  return {
    known = h[2] and (h[2] ~= 'removed' or running), running = running, status = h[2],
    open = h[3] and true or false, again = tonumber(h[4]) or 0, attempts = tonumber(h[5]) or 0,
    attempted_at = tonumber(h[6]) or 0, todo = h[7], sequence = h[8] or '0', fence = h[9] or '0',
    committed = h[10], withdrawn = h[11], version = h[12], committer = h[13], domains = counted,
    superseded = is_superseded(h[14]),
  }
end

local function decide_recheck(view)
  if view.open and not view.running then
    return {outcome = 'COALESCED', due_now = true}
  end
  if view.running and view.again > 0 then
    return {outcome = 'COALESCED', again = true}
  end
  local attempts = view.attempts
  if attempts >= tonumber(attempts_max) then
    local retry_at = view.attempted_at + cooldown_ms
    if now < retry_at then
      return {outcome = 'COOLDOWN', retry_at = retry_at}
    end
    attempts = 0 -- the cooldown is over: the count starts anew
  end
  return {outcome = view.running and 'COALESCED' or 'OPENED', due_now = not view.running,
    again = view.running, attempts = attempts + 1}
end

local function decide(view)
  if view.superseded then
    return {outcome = view.known and 'SUPERSEDED' or 'REMOVED_SINCE'}
  end
  if not view.known then
    if kind == 'recheck' or kind == 'remove' then
      return {outcome = 'NOT_REGISTERED'}
    end
    if view.domains >= tonumber(domains_max) then
      return {outcome = 'DOMAIN_LIMIT'}
    end
    return {outcome = 'OPENED', due_now = true, anew = true}
  end
  if kind == 'recheck' then
    return decide_recheck(view)
  end
  if view.running then
    return {outcome = 'COALESCED', again = true}
  end
  return {outcome = view.open and 'COALESCED' or 'OPENED',
    due_now = kind ~= 'remove' or not view.open}
end

-- The receipt and event of a job that ends at the door.
local function finish(outcome, reason, retry_at)
  local told = '"outcome":"' .. outcome .. '"'
  if reason then
    told = told .. ',"reason":"' .. reason .. '"'
  end
  if retry_at then
    told = told .. ',"retry_at":"' .. rfc3339(retry_at) .. '"'
  end
  redis.call('SET', receipt, outcome, 'PX', receipt_ms)
  redis.call('XADD', events, '*', 'event', head .. told .. tail)
  redis.call('HINCRBY', counters, outcome, 1)
end

-- A fresh record; one that was given back keeps its numbers, so that events go on without a gap.
local function make(view)
  redis.call('DEL', hash)
  redis.call('HSET', hash, 'cl', client, 'st', 'new', 'seq', view.sequence, 'f', view.fence,
    'ver', raise_version())
  if view.committed then
    redis.call('HSET', hash, 'cf', view.committed)
  end
  if view.committer then
    redis.call('HSET', hash, 'cb', view.committer)
  end
  if view.status then
    redis.call('HINCRBY', counters, 'status_' .. view.status, -1)
  end
  redis.call('HINCRBY', counters, 'status_new', 1)
end

-- The domain moves to the front of its queue; one that is overdue keeps its place there.
local function move_up()
  local due = now
  local waiting = redis.call('ZSCORE', hi, uid) or redis.call('ZSCORE', lo, uid)
  if waiting and tonumber(waiting) < due then
    due = tonumber(waiting)
  end
  redis.call('ZREM', lo, uid)
  redis.call('ZADD', hi, due, uid)
  redis.call('HSET', hash, 'nx', due)
  ring_update(client)
end

-- What the job sets is taken over even if it is coalesced: the latest word counts. An empty value
-- deletes its field.
local function take_over(view, result)
  local name
  for part in string.gmatch(packed, '([^%z]*)%z') do
    if name and not ours[name] and name ~= 'todo' then
      if part == '' then
        redis.call('HDEL', hash, name)
      else
        redis.call('HSET', hash, name, part)
      end
    end
    name = not name and part or nil
  end
  if not result.anew and packed ~= '' then
    redis.call('HSET', hash, 'ver', raise_version(view.version))
  end
  if kind ~= 'register' and kind ~= 'adopt' then
    return
  end
  if result.anew or email ~= '' then
    redis.call('HSET', mine, uid, email)
  end
end

-- That this was the last word need be known only while an earlier entry is in somebody's hand: one
-- that was read is pending until it is settled, and none is read before those in front of it.
local function note_word()
  if #redis.call('XPENDING', jobs, 'verify', '-', '(' .. entry, 1) > 0 then
    redis.call('HSET', hash, 'lw', (string.gsub(entry, '-0$', ''))) -- a number takes least room
  else
    redis.call('HDEL', hash, 'lw')
  end
end

-- What is owed after this job: the latest word counts, so that a removal withdraws what was owed
-- before it, and what comes after it is owed beside it.
local function owe(bits)
  return union(without(bits, withdrawn), todo_bits)
end

local function write(view, result)
  if result.anew then
    make(view)
  end
  take_over(view, result)
  if kind ~= 'recheck' then
    note_word()
  end
  if result.attempts then
    redis.call('HSET', hash, 'att', result.attempts, 'la', now)
  end
  if view.running then
    if result.again then
      local promised = owe(math.floor(view.again / 2)) * 2 + 1
      redis.call('HSET', hash, 'again', promised)
      if tonumber(withdrawn) > 0 then -- also what the running look still owes
        redis.call('HSET', hash, 'wd', union(view.withdrawn, withdrawn))
      end
    end
    return
  end
  local todo = owe(not result.anew and view.todo or 0)
  if todo > 0 then
    redis.call('HSET', hash, 'todo', todo)
  else
    redis.call('HDEL', hash, 'todo')
  end
  if result.due_now then
    move_up()
  end
end

expect('stream', jobs, events)
expect('hash', hash, mine, counters)
expect('zset', hi, lo, ring, ring_hi, run)
expect('string', receipt)
expect_counters(counters, 'accepted', 'coalesced', 'rejected', 'duplicate', 'open', 'status_new',
  'status_removed')
if #redis.call('XPENDING', jobs, 'verify', entry, entry, 1) == 0 then
  return {'DUPLICATE', 0}
end
local known_job = redis.call('EXISTS', receipt) == 1
local view = look()

redis.call('XACK', jobs, 'verify', entry)
redis.call('XDEL', jobs, entry)
if known_job then
  redis.call('HINCRBY', counters, 'duplicate', 1)
  return {'DUPLICATE', 0}
end
redis.call('HINCRBY', counters, 'accepted', 1)
if refusal ~= '' then
  finish('rejected', refusal)
  return {'REFUSED', 0}
end
local result = decide(view)
if result.outcome == 'COOLDOWN' then
  finish('rejected', 'cooldown', result.retry_at)
elseif result.outcome == 'DOMAIN_LIMIT' then
  finish('rejected', 'domain_limit')
elseif result.outcome == 'NOT_REGISTERED' then
  finish('rejected', 'not_registered')
elseif view.superseded then
  finish('rejected', 'superseded')
else
  write(view, result)
  if result.outcome == 'COALESCED' then
    finish('coalesced')
  else
    redis.call('HSET', hash, 'job', entry, 'jid', job_id, 'jt', kind)
    redis.call('SET', receipt, 'open:' .. uid)
    redis.call('HINCRBY', counters, 'open', 1)
  end
end
return {result.outcome, result.retry_at or 0}
