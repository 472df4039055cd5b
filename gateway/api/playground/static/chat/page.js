// @ts-check
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { openJson, saveJson } from "../lib/files.js";
import { useHotkeys } from "../lib/hotkeys.js";
import { useStore } from "../lib/store.js";
import { LiveInspector } from "../inspector/live.js";
import { models, refreshModels } from "../pages/model_list.js";
import { CodeDialog } from "./code_dialog.js";
import { Composer } from "./composer.js";
import { conversation, fromFile, toFile } from "../conversation/conversation.js";
import { toBody } from "../conversation/request.js";
import { attempt, isRunning, pendingCalls, restart, session, stop } from "../conversation/session.js";
import { Settings } from "./settings.js";
import { Thread } from "./thread.js";

const VIEWS = [["settings", "Settings"], ["thread", "Conversation"], ["inspector", "Inspector"]];

/** The conversation, with its settings on one side and what the model saw on the other. */
export function ChatPage() {
  const [view, setView] = useState("thread");
  const { messages } = useStore(conversation);
  const { unfinished, inspected } = useStore(session);
  useStatus(unfinished);
  useModels(unfinished);
  useDefaultModel();
  useHotkeys({
    "/": () => document.getElementById("message")?.focus(),
    n: restart,
    Escape: stop,
  });
  return html`
    <div class="workspace" data-view=${view}>
      <p class="views" role="group" aria-label="View">
        ${VIEWS.map(([name, label]) => html`
          <button type="button" aria-pressed=${name === view} onClick=${() => setView(name)}>${label}</button>`)}
      </p>
      <${Settings} />
      <section class="conversation" aria-label="Chat">
        <${Toolbar} isEmpty=${!messages.length} />
        <${Thread} isRunning=${isRunning()} />
        <${Composer} isRunning=${isRunning()} isDisabled=${pendingCalls().length > 0} />
      </section>
      <${LiveInspector} run=${inspected} />
    </div>
  `;
}

/** Draws the page when the request begins and ends, but not with each token. */
function useStatus(run) {
  const [, setStatus] = useState("");
  useEffect(() => run?.subscribe(({ status }) => setStatus(status)), [run]);
}

/** Learns the models, and anew when a request is over, which may have loaded one. */
function useModels(unfinished) {
  useEffect(() => {
    if (!unfinished) refreshModels();
  }, [unfinished]);
}

/** Chooses the first model, unless the conversation has one that exists. */
function useDefaultModel() {
  const { list } = useStore(models);
  const { model } = useStore(conversation);
  useEffect(() => {
    const names = list.filter((one) => !one.capabilities.embeddings).map((one) => one.id);
    if (names.length && !names.includes(model)) conversation.set({ model: names[0] });
  }, [list, model]);
}

function Toolbar({ isEmpty }) {
  const [body, setBody] = useState(null);
  const load = async () => {
    const file = await openJson();
    restart();
    fromFile(file);
  };
  return html`
    <div class="toolbar">
      <button type="button" class="quiet" disabled=${isEmpty} onClick=${restart}>New</button>
      <button type="button" class="quiet" disabled=${isEmpty}
        onClick=${() => saveJson("conversation.json", toFile())}>Save</button>
      <button type="button" class="quiet" onClick=${() => attempt(load)}>Load</button>
      <button type="button" class="quiet end" disabled=${isEmpty}
        onClick=${() => attempt(() => setBody(toBody(conversation.value)))}>Copy as code</button>
    </div>
    ${body && html`<${CodeDialog} body=${body} onClose=${() => setBody(null)} />`}
  `;
}
