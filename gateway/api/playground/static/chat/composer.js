// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { say, stop } from "../conversation/session.js";

/** Where the user writes the next message. Enter sends it, Shift+Enter breaks the line. */
export function Composer({ isRunning, obstacle }) {
  const [text, setText] = useState("");
  const send = (event) => {
    event.preventDefault();
    if (!text.trim() || isRunning || obstacle) return;
    say(text);
    setText("");
  };
  const pressed = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };
  return html`
    <form class="composer" onSubmit=${send}>
      <label class="hidden" for="message">Message</label>
      <textarea id="message" rows="2" value=${text} placeholder=${obstacle || "Ask something"}
        onInput=${(event) => setText(event.target.value)} onKeyDown=${pressed}></textarea>
      ${isRunning
        ? html`<button type="button" class="stop" onClick=${stop}>Stop</button>`
        : html`<button type="submit" class="primary" disabled=${!text.trim() || obstacle}>Send</button>`}
    </form>
  `;
}
