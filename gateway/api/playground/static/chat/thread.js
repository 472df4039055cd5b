// @ts-check
import { html, useLayoutEffect } from "../vendor/htm-preact.js";
import { conversation, removeMessage, replaceMessage } from "../conversation/conversation.js";
import { EXAMPLES } from "../conversation/examples.js";
import { askAgain, pendingCalls, runOf, say, session } from "../conversation/session.js";
import { useSticky } from "../lib/sticky.js";
import { useStore } from "../lib/store.js";
import { Message } from "./message.js";
import { Results } from "./results.js";

/** The messages so far, the one that is being written, and what the user can do next. */
export function Thread({ isRunning, onInspect }) {
  const { messages } = useStore(conversation);
  const { unfinished, inspected, error } = useStore(session);
  const calls = isRunning ? [] : pendingCalls();
  const { scroller, stick } = useSticky();
  return html`
    <div class="thread" ref=${scroller} role="log" aria-label="Conversation" aria-busy=${isRunning} tabindex="0">
      ${!messages.length && !isRunning && html`<${Welcome} />`}
      ${messages.map((message, index) => html`
        <${Message} key=${index} message=${message} isInspected=${inspected && runOf(message) === inspected}
          onChange=${(changed) => replaceMessage(index, changed)} onRemove=${() => removeMessage(index)}
          onInspect=${runOf(message) && (() => onInspect(runOf(message)))}>
          ${runOf(message) && html`<${Remarks} run=${runOf(message)} />`}
        <//>`)}
      ${unfinished && html`<${Unfinished} key=${unfinished.id} run=${unfinished} onDraw=${stick} />`}
      ${error && html`<p class="failure" role="alert">${error}</p>`}
      ${calls.length > 0 && html`<${Results} key=${calls[0].id} calls=${calls} />`}
      ${messages.length > 0 && !isRunning && html`<p class="row"><button type="button" class="quiet small" onClick=${askAgain}>Ask again</button></p>`}
    </div>
  `;
}

/**
 * An answer that is being written, or that never became part of the conversation.
 * @param {{run: import("../conversation/run.js").Run, onDraw: () => void}} props
 */
function Unfinished({ run, onDraw }) {
  const { status, message, error } = useStore(run);
  useLayoutEffect(onDraw);
  return html`
    ${(status === "running" || !isEmpty(message)) && html`
      <${Message} message=${message}>
        ${status === "running" && html`<p class="cursor"><span class="hidden">The model is writing</span></p>`}
      <//>`}
    ${error && html`<p class="failure" role="alert">${error.message} <code>${error.code}</code></p>`}
    <${Remarks} run=${run} />
  `;
}

/** What is to be said of an answer. */
function Remarks({ run }) {
  const { status, finish, notes } = run.value;
  return html`
    ${status === "stopped" && html`<p class="remark">Stopped.</p>`}
    ${finish === "length" && html`<p class="remark">Cut off: the token limit or the context was reached. <code>length</code></p>`}
    ${notes.map((note) => html`<p class="remark">${note}</p>`)}
  `;
}

/** @param {any} message */
function isEmpty({ content, reasoning_content, tool_calls }) {
  return !content && !reasoning_content && !tool_calls;
}

function Welcome() {
  const { model } = useStore(conversation);
  const start = (example) => {
    conversation.set(example.settings);
    say(example.message);
  };
  return html`
    <div class="welcome">
      <h2>See what the model sees</h2>
      <p>Send a message: its prompt, the raw answer and the events that a client gets appear in the inspector.</p>
      <ul>
        ${EXAMPLES.map((example) => html`
          <li><button type="button" disabled=${!model} onClick=${() => start(example)}>
            <strong>${example.title}</strong><span>${example.message}</span>
          </button></li>`)}
      </ul>
    </div>
  `;
}
