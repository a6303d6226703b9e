-- Needs the script's hash, hi, lo, run and uid, and the pieces ring and bits before it.
-- Whoever looks next does what was owed and what was promised for after this look.
local function hand_back(fields, due)
  local urgent = fields.jid or fields.again
  if fields.again then
    local todo = union(without(fields.todo, fields.wd), math.floor(tonumber(fields.again) / 2))
    if todo > 0 then
      redis.call('HSET', hash, 'todo', todo)
    else
      redis.call('HDEL', hash, 'todo')
    end
  end
  redis.call('HDEL', hash, 'own', 'again', 'wd')
  redis.call('HSET', hash, 'nx', due)
  redis.call('ZREM', run, uid)
  redis.call('ZADD', urgent and hi or lo, due, uid)
  ring_update(client)
end

-- The attempt that an open recheck used comes back: it was not looked.
local function give_back_attempt(fields)
  local attempts = tonumber(fields.att) or 0
  if fields.jt ~= 'recheck' or attempts == 0 then
    return
  end
  if attempts == 1 then
    redis.call('HDEL', hash, 'att', 'la')
  else
    redis.call('HSET', hash, 'att', attempts - 1)
  end
end
