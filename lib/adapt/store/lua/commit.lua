#!lua flags=allow-oom
-- Writes the result of one look: state, events, receipt and next due time in one step, provided
-- that the fence is still ours and the state is the one that was claimed. Decides no status.
--
-- KEYS d:<uid>, due:hi, due:lo, ring, ring:hi, run, c:<client>, events, n, x:<uid>, meta, and
--      the receipt when a job is finished
-- ARGV uid, client, own, fence, sequence, from, to, fields (name 0 value 0 ...), fields to delete
--      (name 0 ...), wait ms (-1 = never), urgent, event, job id, outcome, job event,
--      give back, reset attempts, forget client, detail verb ("", set, delete), detail, change verb
--      (likewise), change, bytes of both and changes that are kept, receipt ms
-- Answers { COMMITTED, 1 when one more check was promised }, { ALREADY }, { FENCED } or
-- { CONFLICT, what differs }

local hash, hi, lo, ring, ring_hi, run, mine, events, counters, detail, meta, receipt = unpack(KEYS)
local uid, client, own, fence, sequence, from, to = unpack(ARGV, 1, 7)
local packed, dropped, wait_ms, urgent, event = unpack(ARGV, 8, 12)
local job_id, outcome, job_event, give_back, reset = unpack(ARGV, 13, 17)
local forget, detail_verb, detail_text, change_verb, change_text = unpack(ARGV, 18, 22)
local bytes_max, changes_max, receipt_ms = tonumber(ARGV[23]), tonumber(ARGV[24]), ARGV[25]

-- include expect

-- include now

-- include ring

-- include bits

-- include ours

-- include version

-- The fields to write: name -> value, false = delete. `todo` is the caller's to change.
local function unpack_fields()
  local fields, name = {}, nil
  for part in string.gmatch(packed, '([^%z]*)%z') do
    if name then
      fields[name] = part
    end
    name = not name and part or nil
  end
  for part in string.gmatch(dropped, '([^%z]*)%z') do
    fields[part] = false
  end
  for part in pairs(ours) do
    fields[part] = nil
  end
  return fields
end

local h = redis.call('HMGET', hash, 'cl', 'st', 'seq', 'f', 'cf', 'jid', 'again', 'todo', 'att',
  'wd', 'ver', 'own', 'cb')
local owner, status, last, current, committed, open_id = unpack(h, 1, 6)
local again, todo, attempts, withdrawn = tonumber(h[7]), h[8], tonumber(h[9]) or 0, h[10]
local holder, committer = h[12], h[13]
local fields = unpack_fields()
local me = string.sub(redis.sha1hex(own), 1, 4) -- enough to know a repetition by
-- One more check of a domain that was given back is worth something only if there is work in it.
local promised = again and (forget ~= '1' or again > 1)

-- What the claim returned must still be so: the caller rendered its events from it.
local function differs()
  if owner ~= client then
    return 'the domain is of client ' .. (owner or 'nobody')
  end
  if status ~= from then
    return 'the status is ' .. (status or 'none') .. ', not ' .. from
  end
  if (last or '0') ~= sequence then
    return 'the sequence is ' .. (last or 'none') .. ', not ' .. sequence
  end
  if job_id ~= '' and open_id ~= job_id then
    return 'the open job is ' .. (open_id or 'none') .. ', not ' .. job_id
  end
  if job_id == '' and open_id and tonumber(wait_ms) < 0 and not promised then
    return 'the open job ' .. open_id .. ' would wait for ever'
  end
end

-- The work that is owed: what the caller leaves of it and nobody withdrew, and what was promised
-- meanwhile.
local function owe()
  if fields.todo ~= nil then
    todo = fields.todo
  end
  todo = union(without(todo, withdrawn), again and math.floor(again / 2))
  fields.todo = todo > 0 and todo
  fields.again, fields.wd = false, false
end

local function count_attempts()
  if reset == '1' or (give_back == '1' and attempts <= 1) then
    fields.att = false
    fields.la = false
  elseif give_back == '1' then
    fields.att = attempts - 1
  end
end

-- Which history of this shard an event is of. Redis takes another replication id with every
-- fail-over and every restart, and just then its last writes may be lost, and told anew in another
-- way: what is told from then on has a higher epoch. The clock only makes those differ whose raise
-- itself was lost. A rented Redis may keep its id to itself; then the epoch stays.
local function find_epoch()
  local info = redis.pcall('INFO', 'replication')
  local id = type(info) == 'string' and string.match(info, 'master_replid:(%w+)')
  local known, epoch = unpack(redis.call('HMGET', meta, 'replid', 'epoch'))
  if not epoch or (id and id ~= known) then
    epoch = math.max((tonumber(epoch) or 0) + 1, now)
    redis.call('HSET', meta, 'replid', id or '', 'epoch', string.format('%.0f', epoch))
  end
  return string.format('%013.0f', epoch)
end

local function tell()
  if event ~= '' then
    local told = '{"epoch":"' .. find_epoch() .. '",' .. string.sub(event, 2)
    fields.seq = string.format('%.0f', sequence + 1)
    redis.call('XADD', events, '*', 'event', told)
  end
  if job_id ~= '' then
    redis.call('XADD', events, '*', 'event', job_event)
    redis.call('SET', receipt, outcome, 'PX', receipt_ms)
    redis.call('HINCRBY', counters, outcome, 1)
    redis.call('HINCRBY', counters, 'open', -1)
    fields.job, fields.jid, fields.jt = false, false, false
  end
  if from ~= to then
    redis.call('HINCRBY', counters, 'status_' .. from, -1)
    redis.call('HINCRBY', counters, 'status_' .. to, 1)
  end
end

local function schedule()
  local due = promised and now or now + wait_ms
  fields.nx = false
  redis.call('ZREM', run, uid)
  if promised or tonumber(wait_ms) >= 0 then
    redis.call('ZADD', (promised or urgent == '1') and hi or lo, due, uid)
    fields.nx = due
  end
  ring_update(client)
end

local function write_fields()
  local set, delete = {}, {}
  for name, value in pairs(fields) do
    if value then
      set[#set + 1] = name
      set[#set + 1] = value
    else
      delete[#delete + 1] = name
    end
  end
  redis.call('HDEL', hash, unpack(delete))
  redis.call('HSET', hash, unpack(set))
end

-- The first line holds the findings, each further one a change, the newest first. What does not fit
-- are the oldest changes.
local function write_detail()
  if detail_verb == '' and change_verb == '' then
    return
  end
  local kept = redis.call('GET', detail) or ''
  local first, changes = string.match(kept, '^([^\n]*)\n?(.*)$')
  if detail_verb ~= '' then
    first = detail_text
  end
  if change_verb ~= '' then
    changes = change_verb == 'set' and change_text .. '\n' .. changes or ''
  end
  local lines, bytes = {first}, #first
  for line in string.gmatch(changes, '[^\n]+') do
    bytes = bytes + 1 + #line
    if #lines > changes_max or bytes > bytes_max then
      break
    end
    lines[#lines + 1] = line
  end
  local text = table.concat(lines, '\n')
  if text == '' then
    redis.call('DEL', detail)
  elseif text ~= kept then
    redis.call('SET', detail, text)
  end
end

expect('hash', hash, mine, counters, meta)
expect('zset', hi, lo, ring, ring_hi, run)
expect('stream', events)
expect('string', detail, receipt)
expect_counters(counters, 'stale', 'conflict', 'open', 'done', 'rejected', 'dead',
  'status_' .. from, 'status_' .. to)
expect_counters(meta, 'epoch')
if committed == fence and committer == me then
  return {'ALREADY'} -- and the reply was lost
end
local held = redis.call('ZSCORE', run, uid)
local fenced = false
fenced = current ~= fence or holder ~= own or not held -- fence check
if fenced then
  redis.call('HINCRBY', counters, 'stale', 1)
  return {'FENCED'}
end
local why = differs()
if why then
  redis.call('HINCRBY', counters, 'conflict', 1)
  return {'CONFLICT', why}
end

fields.st, fields.cf, fields.cb, fields.own, fields.rc = to, fence, me, false, false
fields.ver = raise_version(h[11])
owe()
count_attempts()
tell()
schedule()
write_fields()
write_detail()
if forget == '1' and not promised then
  redis.call('HDEL', mine, uid)
end
return {'COMMITTED', promised and 1 or 0}
