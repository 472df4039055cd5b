// @ts-check
import { html } from "../vendor/htm-preact.js";

const PHASES = [["queue", "Queue"], ["load", "Load"], ["prefill", "Prefill"], ["decode", "Decode"]];

/** Where the time went, and how probable a call was. */
export function Timings({ timings, attempt }) {
  const phases = PHASES.map(([name, label]) => ({ name, label, ms: timings?.[`${name}_ms`] ?? 0 })).filter(({ ms }) => ms >= 1);
  const figures = [
    ...phases.map(({ name, label, ms }) => [label, duration(ms), name]),
    ["First token", duration(timings?.first_token_ms)],
    ["Total", duration(timings?.total_ms)],
    ["Tokens", timings?.tokens ?? attempt?.tokens.length ?? "–"],
    ["Skipped ahead", timings?.skipped_ahead ?? attempt?.tokens.filter((token) => token.forced).length ?? "–"],
    attempt?.call_probability != null && ["Call probability", percent(attempt.call_probability)],
  ].filter(Boolean);
  return html`
    <div class="timings">
      <div class="bar" aria-hidden="true">
        ${phases.map(({ name, ms }) => html`<span class=${`phase ${name}`} style=${{ flexGrow: ms }}></span>`)}
      </div>
      <dl>
        ${figures.map(([label, value, phase]) => html`
          <div><dt>${phase && html`<span class=${`dot ${phase}`}></span>`}${label}</dt><dd>${value}</dd></div>`)}
      </dl>
    </div>
  `;
}

/** @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms == null) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** @param {number} probability */
function percent(probability) {
  return `${(probability * 100).toFixed(1)} %`;
}
