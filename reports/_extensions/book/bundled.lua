-- The bundled engine's one filter: runs the shortcode handlers that Quarto runs.
-- The engine writes {{< num a b >}} as []{.shortcode call="num a b"} before pandoc reads the text.

quarto = { project = { directory = "." } }

local handlers = dofile(pandoc.path.join({ "_extensions", "num", "num.lua" }))

function Span(span)
  if span.classes:includes("shortcode") then
    local words = {}
    for word in span.attributes.call:gmatch("%S+") do
      table.insert(words, pandoc.Inlines({ pandoc.Str(word) }))
    end
    local name = pandoc.utils.stringify(table.remove(words, 1))
    return handlers[name](words)
  end
end
