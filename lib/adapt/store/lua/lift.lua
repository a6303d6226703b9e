#!lua flags=no-writes
-- Reads one domain with everything that leaves a shard with it, at one instant.
--
-- KEYS d:<uid>, due:hi, due:lo, run, c:<client>, x:<uid>
-- ARGV uid
-- Answers { fields (name 0 value 0 ..., '' = no such domain), then in the order of the keys due ms,
-- due ms, lease ms, email and x; false = not there }

local hash, hi, lo, run, mine, detail = unpack(KEYS)
local uid = ARGV[1]

-- include whole

return {whole(hash), redis.call('ZSCORE', hi, uid), redis.call('ZSCORE', lo, uid),
  redis.call('ZSCORE', run, uid), redis.call('HGET', mine, uid), redis.call('GET', detail)}
