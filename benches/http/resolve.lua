-- ResolveCall of a lent number over the gateway's own SOAP service: a look, so reads only. Arguments: the number.
package.path = (debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') or '.') .. '/?.lua;' .. package.path
local flow = require('flow')
local soap = require('soap')

setup, done = flow.setup, flow.done

function init(arguments)
  local body = '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:g="urn:dnis-gateway:v1">\n'
    .. '<soapenv:Header/>\n<soapenv:Body>\n<g:ResolveCallRequest>\n<g:dialled>' .. arguments[1]
    .. '</g:dialled>\n</g:ResolveCallRequest>\n</soapenv:Body>\n</soapenv:Envelope>\n'
  local resolve = wrk.format('POST', '/gateway/v1/soap', soap.administrator, body)
  function request()
    return resolve
  end
end
