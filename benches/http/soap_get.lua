-- SOAP Get of a lent number: reads only, one fixed request. Arguments: the number.
package.path = (debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') or '.') .. '/?.lua;' .. package.path
local flow = require('flow')
local soap = require('soap')

setup, done = flow.setup, flow.done

function init(arguments)
  local get = soap.request(soap.ivr, 'agent', 'GetDnisAllocation', '<s:phone>' .. arguments[1] .. '</s:phone>')
  function request()
    return get
  end
end
