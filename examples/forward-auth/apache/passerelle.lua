-- The question that passerelle.conf asks in the place of an access check: mod_lua and LuaSocket.

local http = require "socket.http"
local ltn12 = require "ltn12"

-- `cookie=1`: the answer says the client's cookies without the gateway's, which are for the gateway: an application that
-- saw them could speak for its users.
local ADDRESS = "http://127.0.0.1:8000/_gateway/auth?redirect=1&cookie=1"
http.TIMEOUT = 30 -- seconds; a first question may wait for API Particulier

-- What the gateway alone may say, as beginnings of names without hyphens. `gateway check` prints the headers of each
-- application: a name that no line here covers is one that a client may forge.
local OURS = { "xusager", "xcaf", "xgateway", "signature" }
-- Names under which applications believe other products, and what mod_proxy itself says.
local OTHERS = { "remote", "xremote", "auth-", "xauth", "proxy", "xforwarded", "xoriginal", "xrewrite", "xrealip", "forwarded" }

-- What says who asks, and whether a person does. Nothing else is told.
local TOLD = { "Cookie", "Accept", "Origin", "X-Requested-With", "Sec-Fetch-Mode", "Sec-Fetch-Site",
               "Sec-WebSocket-Key", "Sec-WebSocket-Version" }

-- Of the answer, what concerns this hop alone.
local OF_THE_HOP = { ["connection"] = true, ["content-length"] = true, ["date"] = true, ["keep-alive"] = true,
                     ["transfer-encoding"] = true }

local function begins(name, beginnings)
    for _, beginning in ipairs(beginnings) do
        if name:sub(1, #beginning) == beginning then
            return true
        end
    end
    return false
end

local function is_removed(name)
    local lower = name:lower()
    local folded = lower:gsub("[^a-z0-9]", "")
    -- `X_Usager_Nom` and `X.Usager.Nom` are X-Usager-Nom to many an application.
    return lower:find("[^a-z0-9-]") or begins(folded, OURS) or begins(folded, OTHERS) or begins(lower, OTHERS)
end

-- mod_proxy takes away what Connection names, and would take away what the gateway says.
local function without_nominations(connection)
    local kept = {}
    for token in connection:lower():gmatch("[^,%s]+") do
        if token == "close" or token == "keep-alive" or token == "upgrade" then
            table.insert(kept, token)
        end
    end
    return #kept > 0 and table.concat(kept, ", ") or nil
end

local function question(r)
    local told = {
        ["X-Forwarded-Method"] = r.method,
        ["X-Forwarded-Host"] = r.headers_in["Host"] or "",
        ["X-Forwarded-Uri"] = r.unparsed_uri,
        ["X-Forwarded-For"] = r.useragent_ip,
    }
    for _, name in ipairs(TOLD) do
        told[name] = r.headers_in[name]
    end
    return told
end

local function pass_on(r, status, headers, body)
    r.status = status
    for name, value in pairs(headers) do
        if name == "content-type" then
            r.content_type = value
        elseif not OF_THE_HOP[name] then
            r.err_headers_out[name] = value
        end
    end
    if r.method ~= "HEAD" then
        r:write(body)
    end
    return apache2.DONE
end

function ask(r)
    -- What Apache makes of a request (mod_rewrite in .htaccess, an index, an error page) has been asked about under the name
    -- that the client wrote, and is signed under it; the headers are the same.
    if not r.is_initial_req then
        return apache2.OK
    end
    for name in pairs(r:headers_in_table()) do
        if is_removed(name) then
            r.headers_in[name] = nil
        end
    end
    r.headers_in["Connection"] = without_nominations(r.headers_in["Connection"] or "")
    local pieces = {}
    local answered, status, headers = http.request({
        url = ADDRESS,
        headers = question(r),
        sink = ltn12.sink.table(pieces),
        redirect = false,
    })
    if not answered then
        r:err("the gateway does not answer: " .. tostring(status))
        return 503
    elseif status ~= 200 then
        return pass_on(r, status, headers, table.concat(pieces))
    end
    r.headers_in["Cookie"] = nil
    for name, value in pairs(headers) do
        if not OF_THE_HOP[name] and name ~= "cache-control" then
            r.headers_in[name] = value
        end
    end
    return apache2.OK
end
