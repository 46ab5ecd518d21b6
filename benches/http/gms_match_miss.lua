-- GMS match-interaction for a number that nobody holds: answered 404 from memory. Arguments: the number.
package.path = (debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') or '.') .. '/?.lua;' .. package.path
local flow = require('flow')

setup, done = flow.setup, flow.done
-- The answer asked for is a 404, which wrk counts among the errors.
flow.refused_is_right = true

function init(arguments)
  local miss = wrk.format(
    'POST',
    '/genesys/1/service/match-interaction',
    { ['Content-Type'] = 'application/x-www-form-urlencoded' },
    '_access_number=' .. arguments[1]
  )
  function request()
    return miss
  end

  -- The gateway answers 404 and nothing else; the echo server sends the form back.
  function response(status, _, body)
    if status ~= 404 and not (status == 200 and body:find('_access_number=', 1, true)) then
      wrong = wrong + 1
      example = status .. ' ' .. body:sub(1, 300)
    end
  end
end
