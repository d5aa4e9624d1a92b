// Menu and search of the bundled engine's pages. The index is a script, so that it works from file:// too.
(function () {
  "use strict";
  document.documentElement.classList.add("js");

  const menu = document.querySelector(".menu");
  const sidebar = document.getElementById("sidebar");
  menu.addEventListener("click", function () {
    const open = sidebar.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  });

  const here = sidebar.querySelector('[aria-current="page"]');
  if (here && here.offsetTop > sidebar.clientHeight - 40) {
    sidebar.scrollTop = here.offsetTop - sidebar.clientHeight / 2;
  }

  const field = document.getElementById("query");
  const panel = document.getElementById("results");
  const SHOWN = 30;
  let index = null;

  function fold(text) {
    return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  }

  // Called by site/search-index.js when that script has loaded.
  window.bookSearch = function (entries) {
    index = entries.map(function (entry) {
      return { entry: entry, title: fold(entry.t), text: fold(entry.x) };
    });
    show();
  };

  function load() {
    if (index === null && !document.getElementById("index-script")) {
      const script = document.createElement("script");
      script.id = "index-script";
      script.src = "site/search-index.js";
      document.head.appendChild(script);
    }
  }

  // Every word must occur; words in the heading count most.
  function find(words) {
    const hits = [];
    for (const item of index) {
      let score = 0;
      for (const word of words) {
        const inText = item.text.split(word).length - 1;
        const inTitle = item.title.includes(word);
        if (!inText && !inTitle) {
          score = 0;
          break;
        }
        score += (inTitle ? 20 : 0) + Math.min(inText, 10);
      }
      if (score) {
        hits.push({ score: score, item: item });
      }
    }
    return hits.sort(function (a, b) {
      return b.score - a.score;
    });
  }

  function snippet(item, words) {
    const at = Math.max(0, item.text.indexOf(words[0]));
    const start = Math.max(0, item.entry.x.lastIndexOf(" ", Math.max(0, at - 60)));
    const text = item.entry.x.slice(start, at + 140).trim();
    return (start > 0 ? "\u2026 " : "") + text + (at + 140 < item.entry.x.length ? " \u2026" : "");
  }

  function append(parent, tag, text, className) {
    const node = document.createElement(tag);
    node.textContent = text;
    if (className) {
      node.className = className;
    }
    parent.appendChild(node);
    return node;
  }

  function marked(parent, text, words) {
    const pattern = words.map(function (word) {
      return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    });
    for (const piece of text.split(new RegExp("(" + pattern.join("|") + ")", "gi"))) {
      append(parent, words.includes(fold(piece)) ? "mark" : "span", piece);
    }
  }

  function show() {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    panel.textContent = "";
    panel.hidden = words.length === 0;
    document.documentElement.classList.toggle("searching", words.length > 0);
    if (!words.length) {
      return;
    }
    if (index === null) {
      load();
      return;
    }
    const hits = find(words);
    const count = hits.length === 1 ? "1 section" : hits.length + " sections";
    append(panel, "h2", hits.length ? count + " found for \u201c" + field.value.trim() + "\u201d" : "Nothing found for \u201c" + field.value.trim() + "\u201d");
    const list = append(panel, "ol", "");
    for (const hit of hits.slice(0, SHOWN)) {
      const link = append(append(list, "li", ""), "a", "");
      link.href = hit.item.entry.u;
      append(link, "span", hit.item.entry.t, "found-title");
      if (fold(hit.item.entry.c).replace(/\s+/g, " ") !== hit.item.title) {
        append(link, "span", hit.item.entry.c, "found-chapter");
      }
      marked(append(link, "span", "", "found-text"), snippet(hit.item, words), words);
    }
  }

  function close() {
    field.value = "";
    show();
  }

  field.addEventListener("focus", load);
  field.addEventListener("input", show);
  field.form.addEventListener("submit", function (event) {
    event.preventDefault();
    show();
    const first = panel.querySelector("a");
    if (first) {
      first.focus();
    }
  });
  // A result on this very page does not load it anew.
  panel.addEventListener("click", function (event) {
    if (event.target.closest("a")) {
      close();
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && !panel.hidden) {
      close();
      field.focus();
    }
  });

  const asked = new URLSearchParams(window.location.search).get("q");
  if (asked) {
    field.value = asked;
    show();
  }
})();
