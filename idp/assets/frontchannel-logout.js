// @ts-check
// Goes on once every client's frame is there, or after a few seconds. Without it a link leads on: a page that leaves by
// itself without a way to stop it is hard on slow readers (WCAG 2.2.1).
// In the language of old browsers, as some that fill pages in by themselves are.

(function () {
  var link = document.getElementById("continue");
  if (!(link instanceof HTMLAnchorElement)) return;
  var next = link.href;
  var gone = false;

  function go() {
    if (gone) return;
    gone = true;
    location.replace(next);
  }

  if (document.readyState === "complete") go();
  else window.addEventListener("load", go);
  setTimeout(go, 5000);
})();
