-- The question that haproxy.cfg asks with `http-request lua.passerelle`.

-- `cookie=1`: the answer says the client's cookies without the gateway's, which are for the gateway: an application that
-- saw them could speak for its users.
local ADDRESS = "http://127.0.0.1:8000/_gateway/auth?redirect=1&cookie=1"
local PATIENCE_MS = 30000 -- a first question may wait for API Particulier

-- What says who asks, and whether a person does. Nothing else is told.
local TOLD = { "cookie", "accept", "origin", "x-requested-with", "sec-fetch-mode", "sec-fetch-site",
               "sec-websocket-key", "sec-websocket-version", "x-forwarded-for" }

-- Of the answer, what concerns this hop alone.
local OF_THE_HOP = { ["cache-control"] = true, ["connection"] = true, ["content-length"] = true, ["date"] = true,
                     ["keep-alive"] = true, ["transfer-encoding"] = true }

local function each(headers, use)
    for name, values in pairs(headers) do
        for _, value in pairs(values) do
            use(name, value)
        end
    end
end

local function question(txn)
    local received = txn.http:req_get_headers()
    local told = {}
    for _, name in ipairs(TOLD) do
        if received[name] then
            told[name] = {}
            for number = 0, #received[name] do
                table.insert(told[name], received[name][number])
            end
        end
    end
    told["x-forwarded-method"] = { txn.f:method() }
    told["x-forwarded-host"] = { txn.f:req_hdr("host") or "" }
    told["x-forwarded-uri"] = { txn.f:pathq() }
    return told
end

local function pass_on(txn, answer)
    local reply = txn:reply({ status = answer.status })
    each(answer.headers, function(name, value)
        if not OF_THE_HOP[name] or name == "cache-control" then
            reply:add_header(name, value)
        end
    end)
    if txn.f:method() ~= "HEAD" then
        reply:set_body(answer.body or "")
    end
    txn:done(reply)
end

-- HAProxy says nothing when a header found no room (tune.maxrewrite): look, before the application misses it.
local function set_all(txn, headers)
    txn.http:req_del_header("cookie")
    each(headers, function(name, value)
        if not OF_THE_HOP[name] then
            txn.http:req_set_header(name, value)
        end
    end)
    local sent, whole = txn.http:req_get_headers(), true
    each(headers, function(name, value)
        if not OF_THE_HOP[name] and not (sent[name] and sent[name][0] == value) then
            whole = false
        end
    end)
    return whole
end

core.register_action("passerelle", { "http-req" }, function(txn)
    local asked, answer = pcall(function()
        return core.httpclient():get({ url = ADDRESS, headers = question(txn), timeout = PATIENCE_MS })
    end)
    if not asked or not answer or not answer.headers or answer.status == 0 then
        txn:done(txn:reply({ status = 503 }))
    elseif answer.status ~= 200 then
        pass_on(txn, answer)
    elseif not set_all(txn, answer.headers) then
        txn:done(txn:reply({ status = 503 }))
    end
end, 0)
