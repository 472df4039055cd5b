// @ts-check
import { read, write } from "./storage.js";
import { Store } from "./store.js";

const NAME = "tool-gateway theme";
const THEMES = ["auto", "light", "dark"];

export const theme = new Store({ name: read("localStorage", NAME) || "auto" });

function apply() {
  document.documentElement.dataset.theme = theme.value.name;
}

export function nextTheme() {
  const name = THEMES[(THEMES.indexOf(theme.value.name) + 1) % THEMES.length];
  write("localStorage", NAME, name);
  theme.set({ name });
  apply();
}

apply();
