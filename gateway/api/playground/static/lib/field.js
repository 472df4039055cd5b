// @ts-check
import { html, useRef } from "../vendor/htm-preact.js";

let count = 0;

/** An id for an element of a component, the same whenever the component is drawn. */
export function useId() {
  const id = useRef("");
  return (id.current ||= `field-${++count}`);
}

/** A text area with a label. It grows with its text, up to the height that the style sets. */
export function TextArea({ label, value, onInput, error = "", hint = "", rows = 2, ...more }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <textarea id=${id} rows=${rows} value=${value} spellcheck=${false} aria-invalid=${Boolean(error)}
        aria-describedby=${`${id}-note`} onInput=${(event) => onInput(event.target.value)} ...${more}></textarea>
      <p id=${`${id}-note`} class=${error ? "note error" : "note"}>${error || hint}</p>
    </div>
  `;
}

/** A choice from `options`, which are pairs of a value and a label. */
export function Select({ label, value, options, onChange, error = "" }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
        ${options.map(([name, text]) => html`<option value=${name} selected=${name === value}>${text}</option>`)}
      </select>
      ${error && html`<p class="note error" role="alert">${error}</p>`}
    </div>
  `;
}

/** A number, or nothing. */
export function NumberField({ label, value, onInput, ...more }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} type="number" inputmode="decimal" value=${value} ...${more}
        onInput=${(event) => onInput(event.target.value)} />
    </div>
  `;
}

export function CheckBox({ label, checked, onChange, hint = "" }) {
  return html`
    <label class="check">
      <input type="checkbox" checked=${checked} onChange=${(event) => onChange(event.target.checked)} />
      <span>${label}${hint && html` <span class="note">${hint}</span>`}</span>
    </label>
  `;
}
