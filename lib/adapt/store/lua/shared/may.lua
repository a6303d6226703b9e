-- Redis refuses a command when a script comes to it, and what was written before stays. A user who
-- lacks one of those below is refused here, before there is anything to stay (F15).
for _, words in ipairs({ COMMANDS }) do
  words[#words + 1] = KEYS[1]
  if not redis.acl_check_cmd(unpack(words)) then
    local command = table.concat(words, ' ', 1, #words - 1)
    return redis.error_reply('NOPERM this user may not run ' .. command .. ', which a script needs')
  end
end

