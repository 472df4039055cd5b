// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { counted, Pane, parts, Unchanging } from "./pane.js";

const PART = 100; // events that are drawn together
const SHOWN = 300; // at first
const FORMS = [["short", "Short"], ["sent", "As sent"], ["parsed", "Parsed"]];

/** The events of an answer: as the client gets them, if that is known, and as the gateway read them. */
export function Events({ frames, events, isGrowing }) {
  const [chosen, setForm] = useState("");
  const [isWhole, setWhole] = useState(false);
  const form = chosen || (frames ? "short" : "parsed");
  const lines = form === "parsed" ? events : frames;
  const show = { sent: (frame) => frame, short: shortened, parsed: (event) => JSON.stringify(event) }[form];
  const first = isWhole ? 0 : Math.max(0, lines.length - SHOWN);
  const controls = html`
    <span class="row end" role="group" aria-label="Form of the events">
      ${FORMS.filter(([name]) => frames || name === "parsed").map(([name, label]) => html`
        <button type="button" class="small" aria-pressed=${name === form} onClick=${() => setForm(name)}>${label}</button>`)}
    </span>
  `;
  return html`
    <${Pane} title="Sent to the client" note=${counted(lines.length, "event")} controls=${controls} isGrowing=${isGrowing}>
      ${first > 0 && html`
        <button type="button" class="small" onClick=${() => setWhole(true)}>Show ${counted(first, "earlier event")}</button>`}
      ${parts(lines.length, PART).filter(([, end]) => end > first).map(([start, end]) => html`
        <${Unchanging} key=${`${form} ${start}`} version=${end} draw=${() =>
          html`<pre class="raw frames">${lines.slice(start, end).map(show).join("\n")}</pre>`} />`)}
    <//>
  `;
}

/**
 * What a chunk of a chat completion says, without what all chunks of an answer share.
 * @param {string} frame
 */
function shortened(frame) {
  return frame.replace(/^data: (\{.*"choices".*\})$/, (_, json) => {
    const { choices, usage } = JSON.parse(json);
    const { index, delta, ...more } = choices[0] ?? {};
    const fields = { ...(hasFields(delta) && { delta }), ...more, usage };
    const present = Object.entries(fields).filter(([, value]) => value != null);
    return present.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join("  ");
  });
}

/** @param {object | undefined} value */
function hasFields(value) {
  return value && Object.keys(value).length > 0;
}

/** A whole answer, or an error, as one event; null after a stream, whose events no capture has. */
export function wholeAnswer({ response }) {
  return response?.body ? [JSON.stringify(response.body, null, 2)] : null;
}
