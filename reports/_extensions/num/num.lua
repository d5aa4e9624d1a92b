-- The shortcode {{< num id [field] >}}: a published number, looked up in results/ledger/printed.json.
-- Quarto runs this file (`shortcodes:` in _quarto.yml) and so does the bundled engine, through
-- ../book/bundled.lua, which sets the one field of `quarto` that is used here.

local LEDGER = "results/ledger/printed.json"
local numbers

local function fail(message)
  io.stderr:write("num: " .. message .. "\n")
  os.exit(1)
end

local function ledger()
  if numbers == nil then
    local path = pandoc.path.join({ quarto.project.directory, LEDGER })
    local file = io.open(path, "r")
    if file == nil then
      fail("cannot read " .. path)
    end
    numbers = pandoc.json.decode(file:read("a"), false).numbers
    file:close()
  end
  return numbers
end

-- What the number is: its label, the domain and the number of cases, for a reader who points at it.
local function tooltip(entry)
  local parts = {}
  for _, part in ipairs({ entry.label or "", entry.domain or "" }) do
    if type(part) == "string" and part ~= "" then
      table.insert(parts, part)
    end
  end
  if entry.text.n then
    table.insert(parts, "n = " .. entry.text.n)
  end
  return table.concat(parts, "; ")
end

local function num(args)
  local id = args[1] and pandoc.utils.stringify(args[1]) or fail("an id is needed")
  local field = args[2] and pandoc.utils.stringify(args[2]) or "value"
  local entry = ledger()[id] or fail("unknown number '" .. id .. "'")
  local text = entry.text[field] or fail("number '" .. id .. "' has no field '" .. field .. "'")
  local attributes = { { "data-id", id }, { "data-rule", entry.rule or "" } }
  local title = tooltip(entry)
  if title ~= "" then
    table.insert(attributes, { "title", title })
  end
  return pandoc.Span(pandoc.Inlines(text), pandoc.Attr("", { "num" }, attributes))
end

return { num = num }
