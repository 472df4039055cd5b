// @ts-check
import { html, render, useEffect, useState } from "./vendor/htm-preact.js";
import { useHotkeys } from "./lib/hotkeys.js";
import { useStore } from "./lib/store.js";
import { nextTheme, theme } from "./lib/theme.js";
import { ChatPage } from "./chat/page.js";
import { Help } from "./help.js";
import { KeyDialog } from "./key_dialog.js";
import { ModelsPage } from "./pages/models.js";
import { RequestsPage } from "./pages/requests.js";

const PAGES = { chat: ChatPage, requests: RequestsPage, models: ModelsPage };
const LABELS = { chat: "Chat", requests: "Requests", models: "Models" };

function App() {
  const { page, id } = useRoute();
  const [isHelp, setHelp] = useState(false);
  const [attempt, setAttempt] = useState(0); // pages start anew with another key
  useHotkeys({
    "?": () => setHelp(true),
    c: () => go("chat"),
    r: () => go("requests"),
    m: () => go("models"),
  });
  return html`
    <${Header} page=${page} onHelp=${() => setHelp(true)} />
    <main><${PAGES[page]} key=${attempt} id=${id} /></main>
    ${isHelp && html`<${Help} onClose=${() => setHelp(false)} />`}
    <${KeyDialog} onKey=${() => setAttempt(attempt + 1)} />
  `;
}

function Header({ page, onHelp }) {
  const { name } = useStore(theme);
  return html`
    <header class="top">
      <h1><img src="playground/icon.svg" alt="" width="22" height="22" />tool-gateway</h1>
      <nav aria-label="Pages">
        ${Object.entries(LABELS).map(([target, label]) => html`
          <a href=${`#/${target}`} aria-current=${target === page ? "page" : "false"}>${label}</a>`)}
      </nav>
      <span class="end"><a href="docs">API</a></span>
      <button type="button" class="quiet icon" onClick=${nextTheme} aria-label=${`Theme: ${name}`} title=${`Theme: ${name}`}><${HalfCircle} /></button>
      <button type="button" class="quiet icon" onClick=${onHelp} aria-label="Hot keys" title="Hot keys">?</button>
    </header>
  `;
}

function HalfCircle() {
  return html`
    <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
      <circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" stroke-width="1.5" />
      <path d="M8 1.5a6.5 6.5 0 0 1 0 13z" fill="currentColor" />
    </svg>
  `;
}

/** @param {string} page */
function go(page) {
  location.hash = `#/${page}`;
}

/** The page in the address: `#/requests/ID` is `{page: "requests", id: "ID"}`. */
function useRoute() {
  const [route, setRoute] = useState(read());
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function read() {
  const [, page, id = ""] = location.hash.split("/");
  return { page: page in PAGES ? page : "chat", id: decoded(id) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

render(html`<${App} />`, document.body);
