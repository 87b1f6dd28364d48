-- What wrk sends: `wrk … requests.lua URL -- KIND TOKENS [PATIENT]`; KIND is echo, write, read, page or caseload,
-- TOKENS a file with one access token a line (and, for `read`, an id behind it). Prints its figures as JSON.

local kind, tokens, patient
local count = 0

function init(args)
   kind, patient = args[1], args[3] or "me"
   tokens = {}
   for line in io.lines(args[2]) do
      local token, id = line:match("(%S+)%s*(%S*)")
      tokens[#tokens + 1] = { authorization = "Bearer " .. token, id = id }
   end
   math.randomseed(os.time())
end

local function random_key()
   return string.format("%08x%08x%08x", math.random(0, 0x7fffffff), math.random(0, 0x7fffffff), count)
end

-- Check-ins as far apart as people's are, a day or so, however few share those of a run: what rules look at around one is
-- as much for one patient as for fifty.
local function mood()
   local at = os.date("!%Y-%m-%dT%H:%M:%SZ", 1000000000 + math.random(0, math.floor(700000000 / #tokens)))
   return string.format('{"occurred_at":"%s","time_zone":"Europe/Berlin","mood":%d,"anxiety":%d,"energy":5,"hope":6,' ..
      '"sleep_hours":7.5,"note":"Slept through, walked to the harbour and back, called Ana."}', at, math.random(3, 8), math.random(0, 9))
end

function request()
   count = count + 1
   local mine = tokens[count % #tokens + 1]
   local headers = { ["Authorization"] = mine.authorization }
   if kind == "echo" or kind == "write" then
      headers["Content-Type"] = "application/json"
   end
   if kind == "echo" then
      return wrk.format("POST", "/v1/bench/echo", headers, mood())
   elseif kind == "write" then
      headers["Idempotency-Key"] = random_key()
      return wrk.format("POST", "/v1/patients/me/mood-scores", headers, mood())
   elseif kind == "read" then
      return wrk.format("GET", "/v1/patients/me/mood-scores/" .. mine.id, headers)
   elseif kind == "page" then
      return wrk.format("GET", "/v1/patients/" .. patient .. "/timeline?limit=50", headers)
   end
   return wrk.format("GET", "/v1/caseload?limit=200", headers)
end

function done(summary, latency)
   local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
   io.write(string.format('JSON {"requests": %d, "seconds": %.3f, "bad": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
      summary.requests, summary.duration / 1e6, bad, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
