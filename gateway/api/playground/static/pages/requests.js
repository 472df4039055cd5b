// @ts-check
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { wholeAnswer } from "../inspector/events.js";
import { CaptureFeed } from "../inspector/feed.js";
import { Inspector } from "../inspector/inspector.js";
import { duration } from "../inspector/timings.js";
import { ApiError, getJson } from "../lib/api.js";
import { usePolling } from "../lib/polling.js";
import { useStore } from "../lib/store.js";

const POLL_MS = 5000;

/** The latest requests, of all clients; one of them in the inspector. */
export function RequestsPage({ id }) {
  const [{ list, error }, setState] = useState({ list: [], error: /** @type {ApiError | null} */ (null) });
  usePolling(async () => {
    try {
      setState({ list: (await getJson("captures")).data, error: null });
    } catch (failure) {
      setState(({ list: before }) => ({ list: before, error: failure }));
    }
  }, POLL_MS);
  return html`
    <div class="requests" data-view=${id ? "inspector" : "list"}>
      <section class="page" aria-label="Requests">
        <header class="page-header"><h2>Requests</h2><span class="note">the latest first</span></header>
        ${error && html`<p class="failure" role="alert">${error.message} <code>${error.code}</code></p>`}
        ${!error && !list.length && html`<p>None yet. Send one from the chat, or from any client.</p>`}
        <ul class="list">
          ${list.map((one) => html`<${Line} key=${one.id} capture=${one} isChosen=${one.id === id} />`)}
        </ul>
      </section>
      ${id ? html`<${Detail} key=${id} id=${id} />` : html`
        <section class="inspector empty" aria-label="Inspector"><p>Choose a request to see its prompt, its tokens and its events.</p></section>`}
    </div>
  `;
}

function Line({ capture, isChosen }) {
  const { id, time, endpoint, model, status, ms, first_words: words } = capture;
  return html`
    <li><a href=${`#/requests/${encodeURIComponent(id)}`} aria-current=${isChosen}>
      <span class="line-head">
        <span class=${`status ${status && status >= 400 ? "failed" : ""}`}>${status ?? "running"}</span>
        <span>${endpoint}</span>
        <time datetime=${time}>${new Date(time).toLocaleTimeString()}</time>
      </span>
      <span class="line-words">${words || "–"}</span>
      <span class="note">${model} · ${duration(ms)}</span>
    </a></li>
  `;
}

/** A request in the inspector, which may be running. */
function Detail({ id }) {
  const [feed] = useState(() => new CaptureFeed(id));
  const { capture, isWhole, error } = useStore(feed);
  useEffect(() => void feed.follow(), [feed]);
  return html`
    <${Inspector} capture=${capture} isWhole=${isWhole} frames=${wholeAnswer(capture)} error=${error}>
      <details class="body">
        <summary>Body of the request</summary>
        <pre class="raw">${JSON.stringify(capture.request, null, 2)}</pre>
      </details>
    <//>
  `;
}
