-- Builds the requests of the Interact SOAP API, with the demo's credentials.

local soap = {}

local function headers(more)
  local all = { ['Content-Type'] = 'text/xml; charset=utf-8', SOAPAction = '""', ['Tenant-Id'] = '12345678' }
  for name, value in pairs(more) do
    all[name] = value
  end
  return all
end

local dnis_key = '53475e5f1463f9ab2052ead'

soap.channel = headers({ ['Application-Key'] = '53736e07e4b05772e6475c2d' })
soap.ivr = headers({ ['Application-Key'] = dnis_key })
soap.administrator = headers({
  ['Application-Key'] = dnis_key,
  ['User-Id'] = 'YWRtaW4=',
  ['User-Password'] = 'cGFzc3dvcmQ=',
})

function soap.request(with_headers, service, operation, children)
  local body = '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:s="http://com/jacada/interact/'
    .. service .. '/soap">\n<soapenv:Header/>\n<soapenv:Body>\n<s:' .. operation .. 'Request>\n' .. children .. '\n</s:'
    .. operation .. 'Request>\n</soapenv:Body>\n</soapenv:Envelope>\n'
  return wrk.format('POST', '/interact/version/2/' .. service .. '/soap', with_headers, body)
end

return soap
