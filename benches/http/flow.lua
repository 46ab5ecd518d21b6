-- What the wrk scripts beside this file share: a two-step flow (lend a number, give it back) that keeps the numbers it
-- was lent, and the counts that tell whether the answers were real.
--
-- wrk runs one Lua state a thread, for all of that thread's connections, and does not say which connection an answer
-- came by. So a thread keeps what was lent in a list: an answer to the first step puts a number in, and while there is
-- one in it the next request gives one back. In the steady state half of the requests lend and half give back.
--
-- The same script runs against the echo server, which answers with the request. It has no number in it; the script
-- then gives back a fixed one, so that both servers get requests of the same kinds, sizes and order.

local flow = {}

local threads = {}
lent, stepped, finished, foreign, wrong, example = {}, 0, 0, 0, 0, ''

-- With DELAY_MS in the environment every connection waits so long between an answer and its next request, so that a
-- server can be watched below its limit.
if os.getenv('DELAY_MS') then
  function delay()
    return tonumber(os.getenv('DELAY_MS'))
  end
end

-- Called by wrk once for each thread, in a state of its own; the counters are read from the threads at the end.
function flow.setup(thread)
  thread:set('thread_number', #threads + 1)
  table.insert(threads, thread)
end

-- steps.lend(n) and steps.give_back(number) build the requests; steps.lent(body) tells whether a body belongs to the
-- first step; steps.number(body) finds the number in it; steps.given_back(body) tells a good second answer; `fixed` is
-- given back where the answer has none.
function flow.run(steps)
  function request()
    local number = table.remove(lent)
    if number then
      return steps.give_back(number)
    end
    stepped = stepped + 1
    return steps.lend(stepped)
  end

  function response(status, _, body)
    if status == 200 and steps.lent(body) then
      local number = steps.number(body)
      if not number then
        foreign = foreign + 1
      end
      lent[#lent + 1] = number or steps.fixed
    elseif status == 200 and steps.given_back(body) then
      finished = finished + 1
    else
      wrong = wrong + 1
      example = status .. ' ' .. body:sub(1, 300)
    end
  end
end

local function sum(name)
  local total = 0
  for _, thread in ipairs(threads) do
    total = total + thread:get(name)
  end
  return total
end

-- One line for the script that started wrk: requests, microseconds, latency in microseconds, and the counts.
function flow.done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  if not flow.refused_is_right then
    failed = failed + errors.status
  end
  for _, thread in ipairs(threads) do
    if thread:get('example') ~= '' then
      io.write('WRONG ', thread:get('example'):gsub('\n', ' '), '\n')
      break
    end
  end
  io.write(string.format(
    'RESULT requests=%d duration=%d p50=%d p99=%d p999=%d failed=%d foreign=%d wrong=%d\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    failed, sum('foreign'), sum('wrong')))
end

return flow
