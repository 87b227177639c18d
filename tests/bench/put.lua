-- wrk: PUT of 128-byte values to 20,000 keys, each thread from another place in them.
local value = string.rep("v", 128)
local thread = 0
function setup(t)
  t:set("start", thread * 7919)
  thread = thread + 1
end
local n = 0
function request()
  n = n + 1
  return wrk.format("PUT", "/key/bench/" .. (start + n) % 20000, nil, value)
end
function done(summary, latency)
  io.write(string.format("%.0f requests/s  p50 %.2f ms  p99 %.2f ms  max %.0f ms  not 2xx: %d  socket errors: %d\n",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
