// @ts-check
import { html, useEffect, useRef } from "../vendor/htm-preact.js";

let count = 0;

/** A modal dialog, which the browser keeps the focus in. Escape closes it, unless there is no `onClose`. */
export function Dialog({ title, onClose, children }) {
  const ref = useRef(null);
  const id = useRef("");
  id.current ||= `dialog-${++count}`;
  const open = () => ref.current.showModal();
  useEffect(open, []);
  return html`
    <dialog ref=${ref} aria-labelledby=${id.current} onClose=${onClose ?? open}>
      <header>
        <h2 id=${id.current}>${title}</h2>
        ${onClose && html`<button type="button" class="quiet" onClick=${() => ref.current.close()}>Close</button>`}
      </header>
      ${children}
    </dialog>
  `;
}
