// Before the first paint, so that nobody who chose dark sees a white flash.
(() => {
  try {
    const theme = localStorage.getItem("bellhop.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage is switched off: the system's theme is used */ }
})();
