// @ts-check
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { request } from "../lib/api.js";
import { counted, Pane, Special } from "./pane.js";

/** The prompt: special tokens are marks, and what was in the cache is shaded. */
export function Prompt({ attempt, model }) {
  const { prompt, prompt_tokens: count, cached_tokens: cached, grammar } = attempt;
  const boundary = useCachedLength(attempt, model);
  const counts = count == null ? "" : `${counted(count, "token")}${cached ? `, ${cached} of them cached` : ""}`;
  return html`
    <${Pane} kind="large" title="Shown to the model" note=${counts}>
      <pre class="raw">${segments(prompt, boundary).map(({ text, special, isCached }) => {
        const shown = special ? html`<${Special} text=${text} />` : text;
        return isCached ? html`<span class="cached">${shown}</span>` : shown;
      })}</pre>
      ${grammar && html`
        <details class="grammar">
          <summary>The grammar that the answer is held to</summary>
          <pre class="raw">${grammar}</pre>
        </details>`}
    <//>
  `;
}

/**
 * Cuts the parts of a prompt at the end of its cached text.
 * @param {{text: string, special: boolean}[]} prompt
 * @param {number} boundary
 */
function segments(prompt, boundary) {
  let start = 0;
  return prompt.flatMap(({ text, special }) => {
    const cut = Math.min(Math.max(boundary - start, 0), text.length);
    start += text.length;
    return [
      { text: text.slice(0, cut), special, isCached: true },
      { text: text.slice(cut), special, isCached: false },
    ].filter((segment) => segment.text);
  });
}

/** The number of characters of the cached tokens; 0 until it is known. */
function useCachedLength({ prompt, cached_tokens: cached }, model) {
  const [length, setLength] = useState(0);
  useEffect(() => {
    setLength(0);
    if (!cached) return undefined;
    const leaving = new AbortController();
    cachedLength(prompt, cached, model, leaving.signal).then(setLength, () => {}); // only the shade is missing
    return () => leaving.abort();
  }, [cached, prompt.length]);
  return length;
}

async function cachedLength(prompt, cached, model, signal) {
  const text = prompt.map((part) => part.text).join("");
  const body = { model, prompt: text, add_special_tokens: false, return_token_strs: true };
  const { token_strs: pieces } = await (await request("tokenize", { body, signal })).json();
  return pieces.slice(0, cached).join("").length;
}
