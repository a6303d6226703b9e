#!lua
-- Makes a dead letter a job again: its payload, or the job that is given instead, goes to the end
-- of the inbox, and the letter is gone. Sent twice: the letter is gone already.
--
-- KEYS jobs, dead, dead:<entry id>
-- ARGV entry id, job ("" = the payload), bytes max
-- Answers { RETRIED, new entry id }, { GONE }, { EMPTY } or { TOO_BIG }

local jobs, dead, letter = unpack(KEYS)
local entry, job, bytes_max = unpack(ARGV)

-- include expect

expect('stream', jobs)
expect('zset', dead)
expect('hash', letter)
if not redis.call('ZSCORE', dead, entry) and redis.call('EXISTS', letter) == 0 then
  return {'GONE'}
end
if job == '' then
  if redis.call('HSTRLEN', letter, 'payload') > tonumber(bytes_max) then
    return {'TOO_BIG'}
  end
  job = redis.call('HGET', letter, 'payload') or ''
end
if job == '' then
  return {'EMPTY'}
end

local id = redis.call('XADD', jobs, '*', 'job', job)
redis.call('ZREM', dead, entry)
redis.call('DEL', letter)
return {'RETRIED', id}
