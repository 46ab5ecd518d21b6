-- Fills the pool over REST before the measurements: each thread creates its share of the numbers and stops.
-- Arguments: the group, the numbers of each thread.
local threads = {}
created, refused = 0, 0

function setup(thread)
  thread:set('thread_number', #threads + 1)
  table.insert(threads, thread)
end

local headers = {
  ['Content-Type'] = 'application/json',
  ['Tenant-Id'] = '12345678',
  ['Application-Key'] = '53475e5f1463f9ab2052ead',
  ['User-Id'] = 'YWRtaW4=',
  ['User-Password'] = 'cGFzc3dvcmQ=',
}

function init(arguments)
  local group, share, asked = arguments[1], tonumber(arguments[2]), 0

  function request()
    -- Round and round: wrk throws the first request of the first thread away, so one number's turn comes only later.
    asked = asked % share + 1
    local number = string.format('21%02d%06d', thread_number, asked)
    local body = string.format(
      '{"phoneNumber":"%s","dnId":"%s","groupName":"%s","enabled":true}', number, number:sub(-6), group)
    return wrk.format('POST', '/interact/version/2/dnis', headers, body)
  end

  -- Numbers asked for once too often, until the last one is there, are refused as known: 409.
  function response(status)
    created = created + (status == 200 and 1 or 0)
    refused = refused + ((status == 200 or status == 409) and 0 or 1)
    if created >= share then
      wrk.thread:stop()
    end
  end
end

function done()
  local all_created, all_refused = 0, 0
  for _, thread in ipairs(threads) do
    all_created, all_refused = all_created + thread:get('created'), all_refused + thread:get('refused')
  end
  io.write(string.format('RESULT created=%d refused=%d\n', all_created, all_refused))
end
