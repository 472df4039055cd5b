// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { checkMessage, partsOf } from "../conversation/messages.js";
import { parse } from "../conversation/tools.js";
import { TextArea } from "../lib/field.js";
import { errorOf } from "./tool_settings.js";

const NAMES = { user: "You", assistant: "Model", tool: "Result", system: "System" };

/**
 * A message of the conversation. `onChange` and `onRemove` are missing while it is being written.
 * `children` follow its content.
 */
export function Message({ message, isInspected = false, onChange, onRemove, onInspect, children }) {
  const [isEdited, setEdited] = useState(false);
  const change = (changed) => {
    setEdited(false);
    onChange(changed);
  };
  return html`
    <article class=${`message ${message.role} ${isInspected ? "inspected" : ""}`}>
      <header>
        <h2>${NAMES[message.role] ?? message.role}${message.name && html` <code>${message.name}</code>`}</h2>
        ${onChange && !isEdited && html`
          <div class="actions">
            ${onInspect && html`<button type="button" class="quiet" aria-pressed=${isInspected} onClick=${onInspect}>Inspect</button>`}
            <button type="button" class="quiet" onClick=${() => setEdited(true)}>Edit</button>
            <button type="button" class="quiet" onClick=${onRemove}>Delete</button>
          </div>`}
      </header>
      ${isEdited
        ? html`<${Editor} message=${message} onDone=${change} onCancel=${() => setEdited(false)} />`
        : html`<${Content} message=${message} isRunning=${!onChange} />`}
      ${children}
    </article>
  `;
}

function Content({ message, isRunning }) {
  const { content, reasoning_content: thought, tool_calls: calls = [] } = message;
  const isThinking = isRunning && !content && !calls.length;
  return html`
    ${thought && html`<${Thinking} text=${thought} isRunning=${isThinking} />`}
    ${content && html`<p class="text">${content}</p>`}
    ${calls.map((call) => html`<${Call} key=${call.id} call=${call} />`)}
  `;
}

/** What the model thought: open while it thinks, folded afterwards, unless the reader decides otherwise. */
function Thinking({ text, isRunning }) {
  const [chosen, choose] = useState(/** @type {boolean | null} */ (null));
  const isOpen = chosen ?? isRunning;
  const toggle = (event) => {
    event.preventDefault();
    choose(!isOpen);
  };
  return html`
    <details class="thinking" open=${isOpen}>
      <summary onClick=${toggle}>${isRunning ? "Thinking" : "Thought"}</summary>
      <p class="text">${text}</p>
    </details>
  `;
}

function Call({ call }) {
  const { name, arguments: text } = partsOf(call);
  return html`
    <div class="call">
      <p class="call-name"><span class="tag">call</span> <code>${name}</code></p>
      <pre>${readable(text)}</pre>
    </div>
  `;
}

/**
 * Arguments with line breaks, once they are complete.
 * @param {string} text
 */
function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Edits a plain message as text, and one with calls as JSON. */
function Editor({ message, onDone, onCancel }) {
  const isPlain = typeof message.content === "string" && !message.tool_calls;
  const [text, setText] = useState(isPlain ? message.content : JSON.stringify(message, null, 2));
  const error = isPlain ? "" : errorOf(() => checkMessage(parse(text, "The message")));
  const save = (event) => {
    event.preventDefault();
    if (!error) onDone(isPlain ? { ...message, content: text } : JSON.parse(text));
  };
  return html`
    <form class="editor" onSubmit=${save}>
      <${TextArea} label=${isPlain ? "Content" : "Message, as JSON"} class=${isPlain ? "" : "code"} rows=${isPlain ? 3 : 10}
        value=${text} onInput=${setText} error=${error} autofocus=${true} />
      <p class="row">
        <button type="submit" class="primary small">Save</button>
        <button type="button" class="small" onClick=${onCancel}>Cancel</button>
      </p>
    </form>
  `;
}
