-- Fields that only the scripts write; nobody else's value for them counts.
local ours = {}
for name in string.gmatch('cl st seq f cf cb own att la again job jid jt nx rc ver wd lw', '%S+') do
  ours[name] = true
end
