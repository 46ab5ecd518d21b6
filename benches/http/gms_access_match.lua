-- GMS request-access with a code for one of many running interactions, then match-interaction with number and code:
-- every answer waits for the disk. Arguments: the group to lend from, a file with one interaction id a line.
package.path = (debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') or '.') .. '/?.lua;' .. package.path
local flow = require('flow')

setup, done = flow.setup, flow.done

local headers = { ['Content-Type'] = 'application/x-www-form-urlencoded' }

local function form(service, fields)
  return wrk.format('POST', '/genesys/1/service/' .. service, headers, fields)
end

function init(arguments)
  local group, ids = arguments[1], {}
  for id in io.lines(arguments[2]) do
    ids[#ids + 1] = id
  end
  flow.run({
    fixed = '_access_number=2100000001&_access_code=123456',
    lend = function(n)
      local id = ids[(n + thread_number * 17) % #ids + 1]
      return form('request-access', '_id=' .. id .. '&_resource_group=' .. group .. '&_provide_code=true')
    end,
    lent = function(body)
      return body:find('_resource_group=', 1, true) or body:find('<_access_number>', 1, true)
    end,
    number = function(body)
      local number, code = body:match('<_access_number>(%d+)<'), body:match('<_access_code>(%d+)<')
      return number and code and '_access_number=' .. number .. '&_access_code=' .. code
    end,
    give_back = function(number_and_code)
      return form('match-interaction', number_and_code)
    end,
    given_back = function(body)
      return body:find('<_data_id>', 1, true) or body:find('_access_number=', 1, true)
    end,
  })
end
