-- Requests of a file, one a line: METHOD, target, Cookie or "-", body bytes. At random, whatever the connection (in turn, a
-- connection would meet the same person again and again whenever one count divides the other); or, with "own" for a
-- third argument, each thread keeps to one of them: its connections are one person's.
local requests, threads = {}, 0
local own = false

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  own = args[3] == "own"
  math.randomseed(number)
  for line in io.lines(args[1]) do
    local method, target, cookie, size = line:match("^(%S+)\t(%S+)\t(.-)\t(%d+)$")
    local headers = { ["Host"] = args[2] }
    if cookie ~= "-" then headers["Cookie"] = cookie end
    local body = nil
    if size ~= "0" then body = string.rep("x", tonumber(size)) end
    requests[#requests + 1] = wrk.format(method, target, headers, body)
  end
end

function request()
  if own then return requests[(number - 1) % #requests + 1] end
  return requests[math.random(#requests)]
end

function done(summary, latency, rates)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "bytes": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d, ' ..
    '"status": %d, "p50_us": %.1f, "p99_us": %.1f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, e.connect, e.read, e.write, e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
