// Every page works without this file.

// On a phone an unused filter is folded away.
if (matchMedia("(max-width: 44rem)").matches) {
  for (const box of document.querySelectorAll("[data-folds]")) box.open = false;
}

// How far an upload has come.
document.addEventListener("htmx:xhr:progress", (event) => {
  const form = event.target.closest("[data-sends-files]");
  if (!form || !event.detail.lengthComputable) return;
  const sending = form.querySelector("[data-sending]");
  sending.hidden = false;
  form.querySelector("[data-trouble]").hidden = true;
  sending.querySelector("progress").value = (100 * event.detail.loaded) / event.detail.total;
});

for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, (event) => {
    const form = event.target.closest("[data-sends-files]");
    if (!form) return;
    form.querySelector("[data-sending]").hidden = true;
    form.querySelector("[data-trouble]").hidden = false;
  });
}

// Paper for those who want it.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-prints]")) window.print();
});
const offerPaper = () => {
  for (const button of document.querySelectorAll("[data-prints]")) button.hidden = false;
};
offerPaper();
document.addEventListener("htmx:afterSettle", offerPaper);

// On a phone the menu scrolls sideways; where one is must be in sight.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
