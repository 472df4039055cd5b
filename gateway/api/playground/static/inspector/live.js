// @ts-check
import { html } from "../vendor/htm-preact.js";
import { useStore } from "../lib/store.js";
import { wholeAnswer } from "./events.js";
import { Inspector } from "./inspector.js";

/** The inspector of a request that was made on this page, which may be running. */
export function LiveInspector({ run }) {
  if (run) return html`<${Following} key=${run.id} run=${run} />`;
  return html`
    <section class="inspector empty" aria-label="Inspector">
      <p>What the model is shown, what it writes and what clients get appear here.</p>
    </section>
  `;
}

/** @param {{run: import("../conversation/run.js").Run}} props */
function Following({ run }) {
  const { frames } = useStore(run);
  const { capture, isWhole, error } = useStore(run.feed);
  return html`<${Inspector} capture=${capture} isWhole=${isWhole} frames=${frames.length ? frames : (wholeAnswer(capture) ?? frames)} error=${error} />`;
}
