(function () {
  var form = document.querySelector(".filter");
  if (!form) return;
  form.hidden = false;
  var rows = Array.prototype.slice.call(document.querySelectorAll("[data-crosses]"));
  function leaves(node, out) {
    if (out) node.setAttribute("data-out", "");
    else node.removeAttribute("data-out");
  }
  function empty(node) {
    var own = node.querySelectorAll("[data-crosses]");
    return own.length > 0 ? !node.querySelector("[data-crosses]:not([data-out])") : false;
  }
  function show(wanted) {
    var count = 0;
    rows.forEach(function (row) {
      var inside = row.getAttribute("data-crosses").split(" ");
      var out = wanted === "" ? false : inside.indexOf(wanted) === -1;
      leaves(row, out);
      if (!out) count += inside.indexOf("keep") === -1 ? 1 : 0;
    });
    document.querySelectorAll(".wide, .sentences, details, .exhibit, .chapter").forEach(function (node) {
      leaves(node, wanted === "" ? false : empty(node));
      if (node.tagName === "DETAILS") node.open = wanted !== "";
    });
    document.querySelectorAll(".chapter > h3").forEach(function (head) {
      var next = head.nextElementSibling;
      leaves(head, next ? next.hasAttribute("data-out") : false);
    });
    form.querySelector("output").textContent = wanted === "" ? "" : count.toLocaleString("en-US") + " entries";
  }
  form.addEventListener("change", function (event) {
    show(event.target.value);
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (node) {
      node.open = true;
    });
  });
})();
