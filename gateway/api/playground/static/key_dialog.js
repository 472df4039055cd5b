// @ts-check
import { html, useState } from "./vendor/htm-preact.js";
import { access, useKey } from "./lib/api.js";
import { Dialog } from "./lib/dialog.js";
import { useStore } from "./lib/store.js";

/** Asks for an API key whenever the gateway does. */
export function KeyDialog({ onKey }) {
  const { needsKey, key } = useStore(access);
  const [text, setText] = useState("");
  if (!needsKey) return null;
  const send = (event) => {
    event.preventDefault();
    useKey(text.trim());
    setText("");
    onKey();
  };
  return html`
    <${Dialog} title="API key">
      <form onSubmit=${send}>
        <p>${key ? "The gateway does not know this key." : "This gateway asks for one of its keys."}
          ${" "}It is kept until you close this tab.</p>
        <div class="field">
          <label for="key">Key</label>
          <input id="key" type="password" autocomplete="off" required value=${text}
            onInput=${(event) => setText(event.target.value)} />
        </div>
        <p class="row"><button type="submit" class="primary">Use this key</button></p>
      </form>
    <//>
  `;
}
