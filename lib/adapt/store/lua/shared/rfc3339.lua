-- Days since 1970 to a date, after Howard Hinnant's civil_from_days.
local function rfc3339(ms)
  local floor = math.floor
  local s = floor(ms / 1000)
  local day = floor(s / 86400) + 719468
  local era = floor(day / 146097)
  local doe = day - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month,
    doy - floor((153 * mp + 2) / 5) + 1, floor(s / 3600) % 24, floor(s / 60) % 60, s % 60,
    ms % 1000)
end
