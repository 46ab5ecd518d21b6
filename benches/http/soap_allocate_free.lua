-- SOAP Allocate of a new interaction, then Free of the number it was lent: every answer waits for the disk.
-- Arguments: the group to lend from, and a word that makes the interaction ids of this run its own.
package.path = (debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') or '.') .. '/?.lua;' .. package.path
local flow = require('flow')
local soap = require('soap')

setup, done = flow.setup, flow.done

function init(arguments)
  local group, run = arguments[1], arguments[2]
  flow.run({
    fixed = '2100000001',
    lend = function(n)
      local id = string.format('%s-%d-%d', run, thread_number, n)
      local children = '<s:uniqueId>' .. id .. '</s:uniqueId>\n<s:group>' .. group .. '</s:group>'
      return soap.request(soap.channel, 'agent', 'AllocateDnis', children)
    end,
    lent = function(body)
      return body:find('AllocateDnisRe', 1, true) and not body:find('available', 1, true)
    end,
    number = function(body)
      return body:match('result>(%d+)<')
    end,
    give_back = function(number)
      return soap.request(soap.administrator, 'dnis', 'FreeDnisAllocation', '<s:phone>' .. number .. '</s:phone>')
    end,
    given_back = function(body)
      return body:find('result>Success<', 1, true) or body:find('FreeDnisAllocationRequest', 1, true)
    end,
  })
end
