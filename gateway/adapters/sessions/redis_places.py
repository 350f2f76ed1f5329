"""`core.quota.settle` as one script, for Redis: the same rules in the same order, held to it by the contract suite.

All keys of one quota carry its name in braces: a Cluster keeps them on one node. Each has an end of its own.
"""

from gateway.core.quota import Claim, Turn

SETTLE = """
local base, now = KEYS[1], tonumber(ARGV[1])
local wish, member, line = ARGV[2], ARGV[3], ARGV[4]
local patience, hold, keep = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local most_waiting, away, closed_s = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local keep_share = tonumber(ARGV[11])
local windows, longest = {}, {}
for at = 12, #ARGV, 3 do
    local window = {series = ARGV[at], most = tonumber(ARGV[at + 1]), period = tonumber(ARGV[at + 2])}
    windows[#windows + 1] = window
    longest[window.series] = math.max(longest[window.series] or 0, window.period)
end
local held, since, order = base .. ':h:' .. line, base .. ':s:' .. line, base .. ':w:' .. line
local ends, number = base .. ':e:' .. line, base .. ':n:' .. line
local function seconds(value) return string.format('%.3f', value) end
local function lasts(key, for_s)
    local ms = math.ceil(for_s * 1000) + 1000
    if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
local function leave()
    redis.call('ZREM', held, member)
    redis.call('HDEL', since, member)
    redis.call('ZREM', order, member)
    redis.call('ZREM', ends, member)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', seconds(now))) do
    redis.call('ZREM', held, gone)
    redis.call('HDEL', since, gone)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', seconds(now))) do
    redis.call('ZREM', ends, gone)
    redis.call('ZREM', order, gone)
end
for series, period in pairs(longest) do
    redis.call('ZREMRANGEBYSCORE', base .. ':u:' .. series, '-inf', seconds(now - period))
end
local function opening(before)
    local opens, doors = now, 0
    for _, window in ipairs(windows) do
        local ahead = window.series == line and before or 0
        doors = math.max(doors, tonumber(redis.call('GET', base .. ':c:' .. window.series) or '0'))
        local rounds = math.floor(ahead / window.most)
        local place = window.most - (ahead - rounds * window.most) - 1
        local last = redis.call('ZREVRANGE', base .. ':u:' .. window.series, place, place, 'WITHSCORES')[2]
        local first = last and math.max(now, tonumber(last) + window.period) or now
        opens = math.max(opens, first + rounds * (window.period + away))
    end
    return math.max(opens, doors), doors > now
end
local function answer(granted, wait, ahead, waits, lasting, closed)
    return {granted and 1 or 0, seconds(wait), ahead, waits and 1 or 0, seconds(lasting), closed and 1 or 0}
end
if wish == 'leave' then
    leave()
    return answer(false, 0, 0, false, 0, false)
end
if wish == 'close' then
    for series, _ in pairs(longest) do
        local door = base .. ':c:' .. series
        local until_ = math.max(now + closed_s, tonumber(redis.call('GET', door) or '0'))
        if until_ > now then redis.call('SET', door, seconds(until_), 'PX', math.ceil((until_ - now) * 1000) + 1000) end
    end
    local _, closed = opening(0)
    return answer(false, 0, 0, false, 0, closed)
end
local others = redis.call('ZCARD', held) - (redis.call('ZSCORE', held, member) and 1 or 0)
if wish == 'use' then
    local opens, closed = opening(others)
    if closed or opens > now + patience then return answer(false, opens - now, 0, false, 0, closed) end
    for series, period in pairs(longest) do
        local uses = base .. ':u:' .. series
        redis.call('ZADD', uses, seconds(opens), seconds(opens) .. ' ' .. redis.call('INCR', base .. ':n'))
        lasts(base .. ':n', opens - now + period)
        lasts(uses, opens - now + period)
    end
    leave()
    return answer(true, opens - now, 0, false, 0, false)
end
local given = tonumber(redis.call('HGET', since, member) or '-1')
if given < 0 then
    local rank = redis.call('ZRANK', order, member)
    local ahead = rank or redis.call('ZCARD', order)
    if not rank and wish == 'stay' then return answer(false, 0, ahead, false, 0, false) end
    local opens, closed = opening(others + ahead)
    if opens > now then
        local queued = rank or ahead < most_waiting
        keep = keep + keep_share * (opens - now)
        if queued then
            if not rank then redis.call('ZADD', order, redis.call('INCR', number), member) end
            redis.call('ZADD', ends, seconds(now + keep), member)
            for _, key in ipairs({order, ends, number}) do lasts(key, keep) end
        end
        return answer(false, opens - now, ahead, queued, queued and keep or 0, closed)
    end
    given = now
end
local place_ends = math.min(now + hold, given + 2 * hold)
redis.call('ZREM', order, member)
redis.call('ZREM', ends, member)
redis.call('ZADD', held, seconds(place_ends), member)
redis.call('HSET', since, member, seconds(given))
lasts(held, 2 * hold)
lasts(since, 2 * hold)
return answer(true, 0, 0, false, place_ends - now, false)
"""


def arguments(now: float, claim: Claim) -> list[str | int | float]:
    """What `SETTLE` reads after its key."""
    values: list[str | int | float] = [f"{now:.3f}", str(claim.wish), claim.member, claim.line]
    values += [claim.patience_s, claim.hold_s, claim.keep_s, claim.waiting_at_most, claim.away_s, claim.closed_s]
    values.append(claim.keep_share)
    for window in claim.windows:
        values += [window.series, window.most, window.period_s]
    return values


def read_turn(answer: list[int | bytes]) -> Turn:
    granted, wait_s, ahead, waits, until_s, closed = answer
    return Turn(bool(granted), float(wait_s), int(ahead), bool(waits), float(until_s), bool(closed))
