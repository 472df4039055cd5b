// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { Select } from "../lib/field.js";
import { saveJson } from "../lib/files.js";
import { useHotkeys } from "../lib/hotkeys.js";
import { Events } from "./events.js";
import { Prompt } from "./prompt.js";
import { Timings } from "./timings.js";
import { Written } from "./written.js";

/**
 * A request as the gateway saw it: what the model was shown, what it wrote, what the client got.
 * `isWhole` says that the capture is complete, so that it can be saved.
 * `frames` are the server-sent events of the answer, or null; `error` says why there is no capture.
 */
export function Inspector({ capture, isWhole, frames, error, children }) {
  const [chosen, choose] = useState(0);
  const { attempts, timings } = capture;
  const attempt = attempts[Math.min(chosen, attempts.length - 1)];
  const save = () => isWhole && saveJson(`${capture.id}.capture.json`, capture);
  useHotkeys({ s: save });
  return html`
    <section class="inspector" aria-label="Inspector">
      <header class="toolbar">
        <h2><span class="hidden">Request </span><code>${capture.id}</code></h2>
        <button type="button" class="quiet end" disabled=${!isWhole} onClick=${save}>Save capture</button>
      </header>
      ${error && html`<p class="remark">Prompt and tokens are not shown. ${error.message} <code>${error.code}</code></p>`}
      <${Timings} timings=${timings} attempt=${attempt} />
      ${attempts.length > 1 && html`
        <${Select} label="Attempt" value=${String(chosen)} onChange=${(value) => choose(Number(value))}
          options=${attempts.map((one, index) => [String(index), `${index + 1}: answer ${one.choice + 1}`])} />`}
      ${attempt && html`<${Prompt} attempt=${attempt} model=${capture.model} />`}
      ${attempt && html`<${Written} key=${chosen} attempt=${attempt} isGrowing=${!isWhole} />`}
      <${Events} frames=${frames} events=${capture.events} isGrowing=${!isWhole} />
      ${children}
    </section>
  `;
}
