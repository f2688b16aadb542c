-- For wrk -t1: each request is of another reader, at another IP address, with a form stamp of its own.
-- Arguments: a file with a stamp a line, and the number of the first reader.

local stamps, number = {}, 0

function init(arguments)
   for line in io.lines(arguments[1]) do stamps[#stamps + 1] = line end
   number = tonumber(arguments[2])
end

function request()
   number = number + 1
   local stamp = stamps[number % #stamps + 1]
   local body = string.format("email=reader%d@example.org&follow=all&homepage=&stamp=%s", number, stamp)
   local octets = {20 + math.floor(number / 16777216), math.floor(number / 65536) % 256, math.floor(number / 256) % 256, number % 256}
   return wrk.format("POST", nil, {
      ["Content-Type"] = "application/x-www-form-urlencoded",
      ["X-Forwarded-For"] = table.concat(octets, "."),
   }, body)
end
