// @ts-check
import { html } from "./vendor/htm-preact.js";
import { Dialog } from "./lib/dialog.js";
import { CheckBox } from "./lib/field.js";
import { hotkeys } from "./lib/hotkeys.js";
import { useStore } from "./lib/store.js";

const KEYS = [
  ["Enter", "Send the message"],
  ["Shift + Enter", "Begin a new line in the message"],
  ["Esc", "Stop the answer"],
  ["/", "Go to the message"],
  ["n", "Begin a new conversation"],
  ["s", "Save the capture of the request in the inspector"],
  ["c", "Chat"],
  ["r", "Requests"],
  ["m", "Models"],
  ["← →", "Choose a token, in the pane of what was written"],
  ["?", "Show this list"],
];

export function Help({ onClose }) {
  const { on } = useStore(hotkeys);
  return html`
    <${Dialog} title="Hot keys" onClose=${onClose}>
      <dl class="keys">
        ${KEYS.map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}
      </dl>
      <${CheckBox} label="Use hot keys of one character" checked=${on} onChange=${(checked) => hotkeys.set({ on: checked })} />
    <//>
  `;
}
