// @ts-check
// Shows and hides a password. The page works without it: the button stays hidden then.

for (const button of document.querySelectorAll("button[data-reveal]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  const input = document.getElementById(button.dataset.reveal ?? "");
  if (!(input instanceof HTMLInputElement)) continue;
  const show = button.getAttribute("aria-label") ?? "";
  const hide = button.dataset.hide ?? "";

  /** @param {boolean} visible */
  const set = (visible) => {
    input.type = visible ? "text" : "password";
    button.classList.toggle("is-on", visible);
    button.setAttribute("aria-label", visible ? hide : show);
  };

  button.addEventListener("click", () => {
    set(input.type === "password");
    input.focus();
  });
  // A browser may keep what was typed into a text field, never what was typed into a password field.
  input.form?.addEventListener("submit", () => set(false));
  button.hidden = false;
}
