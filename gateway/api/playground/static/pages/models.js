// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { ApiError, request } from "../lib/api.js";
import { usePolling } from "../lib/polling.js";
import { useStore } from "../lib/store.js";
import { models, refreshModels } from "./model_list.js";

const MB = 2 ** 20;
const TRANSIENT = ["loading", "draining"];
const BUSY_MS = 500;
const CALM_MS = 5000;

/** The models, what they are doing, and the memory that they take. */
export function ModelsPage() {
  const { list, health, error } = useStore(models);
  usePolling(refreshModels, list.some(({ state }) => TRANSIENT.includes(state)) ? BUSY_MS : CALM_MS);
  return html`
    <section class="page" aria-label="Models">
      <header class="page-header">
        <h2>Models</h2>
        ${health && html`<${Memory} memory=${health.memory_mb} />`}
      </header>
      ${error && html`<p class="failure" role="alert">${error.message} <code>${error.code}</code></p>`}
      <ul class="cards">
        ${list.map((model) => html`<${ModelCard} key=${model.id} model=${model} />`)}
      </ul>
    </section>
  `;
}

function Memory({ memory }) {
  return html`
    <p class="memory">
      <label for="memory">${gigabytes(memory.models)} of ${gigabytes(memory.most)} GB in use</label>
      <meter id="memory" max=${memory.most} value=${memory.models}></meter>
    </p>
  `;
}

/** @param {number} mb */
function gigabytes(mb) {
  return (mb / 1024).toFixed(1);
}

function ModelCard({ model }) {
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const change = async (action) => {
    setError(null);
    try {
      const asked = request(`v1/models/${encodeURIComponent(model.id)}/${action}`, { method: "POST" });
      refreshModels();
      await asked;
    } catch (failure) {
      setError(failure);
    }
    refreshModels();
  };
  const able = Object.entries(model.capabilities).filter(([, can]) => can).map(([name]) => name.replaceAll("_", " "));
  return html`
    <li class="card">
      <header>
        <h3>${model.id}</h3>
        <span class=${`state ${model.state}`}>${model.state}</span>
      </header>
      <dl>
        <div><dt>Format</dt><dd>${model.format ?? "known once loaded"}</dd></div>
        <div><dt>Context</dt><dd>${model.context} tokens</dd></div>
        ${model.memory_mb > 0 && html`<div><dt>Memory</dt><dd>${gigabytes(model.memory_mb)} GB</dd></div>`}
        ${model.aliases.length > 0 && html`<div><dt>Aliases</dt><dd>${model.aliases.join(", ")}</dd></div>`}
      </dl>
      <p class="note">${able.join(" · ")}</p>
      <${Progress} model=${model} />
      ${(error || model.reason) && html`<p class="failure" role="alert">${error?.message ?? model.reason}</p>`}
      <p class="row">
        ${model.loaded
          ? html`<button type="button" onClick=${() => change("unload")}>Unload<span class="hidden"> ${model.id}</span></button>`
          : html`<button type="button" disabled=${model.state === "loading"} onClick=${() => change("load")}>
              Load<span class="hidden"> ${model.id}</span></button>`}
      </p>
    </li>
  `;
}

/** How far a model that is being downloaded or loaded has come, as far as that is known. */
function Progress({ model: { id, state, progress } }) {
  if (state !== "loading") return null;
  const { stage = "loading", share, done_bytes: done, total_bytes: total, bytes_per_s: rate } = progress ?? {};
  return html`
    <p class="progress">
      <label for=${`progress-${id}`}>${stage}${total != null && html`, ${gigabytes(done / MB)} of ${gigabytes(total / MB)} GB`}</label>
      ${rate > 0 && html`<span>${Math.round(rate / MB)} MB/s</span>`}
      <progress id=${`progress-${id}`} value=${share}></progress>
    </p>
  `;
}
