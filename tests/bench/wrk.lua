-- One request of one API, again and again:  wrk -s wrk.lua URL -- API OPERATION KEYS BYTES LIST
--   API        quorumfs, etcd-v3 or etcd-v2
--   OPERATION  put or get of a random key of KEYS, "bench/000000" and so on; list: a put of LIST keys
-- Prints one line of JSON.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

-- Base64 of three digits, so that the base64 of a key costs no arithmetic: its parts are multiples of three bytes.
local function base64(text)
  local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local coded = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for shift = 3, 0, -1 do
      local letter = math.floor(bits / 64 ^ shift) % 64 + 1
      coded[#coded + 1] = letters:sub(letter, letter)
    end
    if not b then coded[#coded - 1] = "=" end
    if not c then coded[#coded] = "=" end
  end
  return table.concat(coded)
end

local keys, list, value, value64
local digits64 = {}

local function key_text(key)
  return string.format("bench/%06d", key)
end

local function key_text64(key)
  return digits64.bench .. digits64[math.floor(key / 1000)] .. digits64[key % 1000]
end

local function random_key()
  return math.random(0, keys - 1)
end

-- Keys that differ, from anywhere.
local function of_list(item, text)
  local first, step, items = random_key(), math.floor(keys / list), {}
  for i = 1, list do items[i] = string.format(item, text((first + i * step) % keys), value) end
  return table.concat(items, ",")
end

local json = { ["Content-Type"] = "application/json" }
local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }
local requests = {
  quorumfs = {
    put = function() return wrk.format("PUT", "/key/" .. key_text(random_key()), nil, value) end,
    get = function() return wrk.format("GET", "/key/" .. key_text(random_key())) end,
    list = function()
      return wrk.format("POST", "/keys", json, "[" .. of_list('{"key":"%s","value":"%s"}', key_text) .. "]")
    end,
  },
  ["etcd-v3"] = {
    put = function()
      return wrk.format("POST", "/v3/kv/put", json,
        '{"key":"' .. key_text64(random_key()) .. '","value":"' .. value64 .. '"}')
    end,
    get = function()
      return wrk.format("POST", "/v3/kv/range", json, '{"key":"' .. key_text64(random_key()) .. '"}')
    end,
    list = function()
      return wrk.format("POST", "/v3/kv/txn", json,
        '{"success":[' .. of_list('{"request_put":{"key":"%s","value":"%s"}}', key_text64) .. "]}")
    end,
  },
  ["etcd-v2"] = {
    put = function() return wrk.format("PUT", "/v2/keys/" .. key_text(random_key()), form, "value=" .. value) end,
    get = function() return wrk.format("GET", "/v2/keys/" .. key_text(random_key()) .. "?quorum=true") end,
  },
}

function init(args)
  keys, list = tonumber(args[3]), tonumber(args[5])
  value = string.rep("v", tonumber(args[4]))
  value64 = base64(value)
  digits64.bench = base64("bench/")
  for i = 0, 999 do digits64[i] = base64(string.format("%03d", i)) end
  if args[1] == "etcd-v3" then value = value64 end
  math.randomseed(number)
  request = requests[args[1]][args[2]]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "max": %.6f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    latency.max / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
