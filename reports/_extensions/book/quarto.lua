-- Quarto's PDF: the notes of tables and figures in small type, and the notice that records are synthetic on every page.

local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"') .. '"'
end

function Meta(meta)
  local notice = pandoc.utils.stringify(meta["synthetic-notice"] or "")
  if notice ~= "" then
    local running = notice:gsub(":[^.]*%.", ".")
    local call = "#set page(foreground: notices(" .. quoted(notice) .. ", " .. quoted(running) .. "))"
    quarto.doc.include_text("in-header", call)
  end
end

function Div(div)
  if div.classes:includes("table-note") or div.classes:includes("figure-note") then
    local blocks = pandoc.List({ pandoc.RawBlock("typst", "#exhibit-note[") })
    blocks:extend(div.content)
    blocks:insert(pandoc.RawBlock("typst", "]"))
    return blocks
  end
end
