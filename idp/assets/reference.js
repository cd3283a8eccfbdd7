// @ts-check
// Search and copy buttons of the reference. The page works without it: both stay hidden then.

const box = document.querySelector(".search");
const input = document.getElementById("search");
const status = document.getElementById("found");
const nothing = document.getElementById("nothing");

if (box instanceof HTMLElement && input instanceof HTMLInputElement) {
  const entries = [...document.querySelectorAll("[data-words]")].filter((entry) => entry instanceof HTMLElement);
  const groups = [...document.querySelectorAll(".toc-group, .group")].filter((group) => group instanceof HTMLElement);

  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.words?.includes(word));
    for (const group of groups) {
      const within = [...group.querySelectorAll("[data-words]")];
      const none = within.every((entry) => entry instanceof HTMLElement && entry.hidden);
      group.hidden = words.length > 0 && none;
    }
    const found = entries.filter((entry) => entry.matches("article") && !entry.hidden).length;
    if (nothing) nothing.hidden = found > 0;
    if (status) status.textContent = words.length > 0 ? `${found} operations` : "";
  };

  box.hidden = false;
  input.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !typing) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && event.target === input) {
      input.value = "";
      search();
    }
  });
}

for (const button of document.querySelectorAll("button.copy")) {
  if (!(button instanceof HTMLButtonElement) || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement?.querySelector("code");
    await navigator.clipboard.writeText(code?.textContent ?? "");
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
