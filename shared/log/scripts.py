"""The Lua scripts: the only writers of an event log.

Keys of one response, in one hash slot:
    {id}:log    stream; entry id = sequence number + 1; field `f` = the SSE frame
    {id}:meta   hash; attempt, seq (last written, -1 when empty), terminal (0/1), lost (0/1) and, of a
                resumable generation, cursor (the last upstream event whose frames are all here);
                waiter: the channel of the API process whose client waits for what it created
    {id}:watch  set; channels of the API processes that follow this response
A batch is published to each watching channel in the same call, as
    "<id> <first sequence number> <terminal>\n" + the frames
so that whoever hears it can read up to it.
"""

from __future__ import annotations

# Refusals of APPEND. Everything >= 0 is the last sequence number in the log now.
FENCED = -10  # a newer attempt owns the log
ENDED = -11  # the terminal event is there
GAP = -12  # the log, or its meta, is not where I left it

_PUBLISH = """
local function publish(id, first, terminal, frames)
  local watching = redis.call('SMEMBERS', KEYS[3])
  if #watching > 0 then
    local message = id .. ' ' .. first .. ' ' .. terminal .. '\\n' .. frames
    for _, channel in ipairs(watching) do redis.call('PUBLISH', channel, message) end
  end
end
local function expire(ms)
  for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ms) end
end
"""

# ARGV: id, attempt, ttl ms, channel or '', lost (0/1), first frames...
# -> {attempt, seq, terminal, lost, cursor, frames}; attempt only grows. A log that is empty gets the first
# frames, one of its owner that has fewer gets the rest of them. `frames`: all of a log that has ended
# before the process on `channel` came to hear it, if it is short; else ''.
ACQUIRE = (
    _PUBLISH
    + """
local id, attempt, ttl, channel = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local m = redis.call('HMGET', KEYS[2], 'attempt', 'seq', 'terminal', 'lost', 'cursor')
if channel ~= '' then
  redis.call('SADD', KEYS[3], channel)
  redis.call('HSET', KEYS[2], 'waiter', channel)
end
if not m[1] then
  redis.call('DEL', KEYS[1])
  for i = 6, #ARGV do redis.call('XADD', KEYS[1], (i - 5) .. '-0', 'f', ARGV[i]) end
  m = {ARGV[2], tostring(#ARGV - 6), '0', ARGV[5]}
  redis.call('HSET', KEYS[2], 'attempt', m[1], 'seq', m[2], 'terminal', m[3], 'lost', m[4])
  publish(id, 0, 0, table.concat(ARGV, '', 6))
  expire(ttl)
else
  local mine, seq = attempt >= tonumber(m[1]), tonumber(m[2])
  if channel ~= '' and m[3] == '1' and m[4] ~= '1' and seq < 256 then
    local all = {}
    for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do all[#all + 1] = entry[2][2] end
    if #all == seq + 1 then m[6] = table.concat(all) end
  end
  if attempt > tonumber(m[1]) then
    redis.call('HSET', KEYS[2], 'attempt', ARGV[2])
    m[1] = ARGV[2]
    if m[3] == '0' then expire(ttl) end
  end
  if channel ~= '' then redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2])) end
  if mine and m[3] == '0' and #ARGV - 6 > seq then
    for i = seq + 7, #ARGV do redis.call('XADD', KEYS[1], (i - 5) .. '-0', 'f', ARGV[i]) end
    m[2] = tostring(#ARGV - 6)
    redis.call('HSET', KEYS[2], 'seq', m[2])
    publish(id, seq + 1, 0, table.concat(ARGV, '', seq + 7))
  end
end
return {m[1], m[2], m[3], m[4] or '0', m[5] or '', m[6] or ''}
"""
)

# ARGV: id, attempt, first sequence number, terminal (0/1), ttl ms or 0, cursor or '', takes (0/1), frames...
# `takes`: a log that still belongs to an earlier attempt becomes mine by this. One that nobody has begun
# is begun by it only with all its events, the terminal one too: then SQL has said already whose it is.
APPEND = (
    _PUBLISH
    + """
local id, attempt, first = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local m = redis.call('HMGET', KEYS[2], 'attempt', 'seq', 'terminal')
if not m[1] then
  if ARGV[7] == '0' or ARGV[4] == '0' or first > 0 then return -12 end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'attempt', ARGV[2], 'lost', 0)
  m = {ARGV[2], '-1', '0'}
end
if tonumber(m[1]) > attempt then return -10 end
local is_mine = tonumber(m[1]) == attempt
if not is_mine and ARGV[7] == '0' then return -12 end
if m[3] == '1' then return -11 end
local seq, count = tonumber(m[2]), #ARGV - 7
if first > seq + 1 then return -12 end
if not is_mine then redis.call('HSET', KEYS[2], 'attempt', ARGV[2]) end
local known = seq + 1 - first
if known >= count then return seq end
for i = known + 1, count do redis.call('XADD', KEYS[1], (first + i) .. '-0', 'f', ARGV[7 + i]) end
local last = first + count - 1
redis.call('HSET', KEYS[2], 'seq', last, 'terminal', ARGV[4])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[2], 'cursor', ARGV[6]) end
publish(id, seq + 1, ARGV[4], table.concat(ARGV, '', 8 + known))
if tonumber(ARGV[5]) > 0 then expire(tonumber(ARGV[5])) end
return last
"""
)

# ARGV: id, attempt, ttl ms, cursor or '', frames... ; the whole log anew, from my journal
RESEED = (
    _PUBLISH
    + """
local id, attempt = ARGV[1], tonumber(ARGV[2])
local m = redis.call('HMGET', KEYS[2], 'attempt', 'terminal')
if m[1] and tonumber(m[1]) > attempt then return -10 end
if m[2] == '1' then return -11 end
redis.call('DEL', KEYS[1])
for i = 5, #ARGV do redis.call('XADD', KEYS[1], (i - 4) .. '-0', 'f', ARGV[i]) end
redis.call('HSET', KEYS[2], 'attempt', ARGV[2], 'seq', #ARGV - 5, 'terminal', 0, 'lost', 0)
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], 'cursor', ARGV[4])
else
  redis.call('HDEL', KEYS[2], 'cursor')
end
publish(id, 0, 0, table.concat(ARGV, '', 5))
expire(tonumber(ARGV[3]))
return #ARGV - 5
"""
)

# ARGV: old, new; '' for nobody
PASS_WAITER = """
local now = redis.call('HGET', KEYS[2], 'waiter') or ''
if now ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'waiter', ARGV[2])
return 1
"""

# ARGV: channel
LEAVE = """
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('HGET', KEYS[2], 'waiter') == ARGV[1] then redis.call('HSET', KEYS[2], 'waiter', '') end
return 1
"""
