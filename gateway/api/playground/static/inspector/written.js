// @ts-check
import { html, useState } from "../vendor/htm-preact.js";
import { counted, Pane, parts, Special, Unchanging } from "./pane.js";

const PART = 100; // tokens that are drawn together
const LEVELS = 5; // of doubt, each a shade

/** What the model wrote, token by token. The arrow keys and the pointer choose one to be described. */
export function Written({ attempt, isGrowing }) {
  const { tokens, finish } = attempt;
  const [chosen, setChosen] = useState(-1);
  const choose = (index) => setChosen(Math.min(Math.max(index, 0), tokens.length - 1));
  const pressed = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(chosen + step);
  };
  const pointed = (event) => {
    const { index } = event.target.closest("[data-index]")?.dataset ?? {};
    if (index) setChosen(Number(index));
  };
  const counts = `${counted(tokens.length, "token")}${finish ? `, ${finish}` : ""}`;
  return html`
    <${Pane} title="Written by the model" note=${counts} isGrowing=${isGrowing} onKeyDown=${pressed} onMouseOver=${pointed} onClick=${pointed}>
      <p class="token-note" aria-live="polite">${tokens[chosen] ? description(tokens[chosen], chosen) : html`<${Legend} />`}</p>
      <div class="raw tokens">
        ${parts(tokens.length, PART).map(([start, end]) => {
          const marked = chosen >= start && chosen < end ? chosen : -1;
          return html`
            <${Unchanging} key=${start} version=${`${end} ${marked}`} draw=${() =>
              tokens.slice(start, end).map((token, index) =>
                html`<${Token} token=${token} index=${start + index} isChosen=${start + index === marked} />`)} />`;
        })}
      </div>
    <//>
  `;
}

function Token({ token, index, isChosen }) {
  const { text, special, forced, probability } = token;
  const doubt = probability == null ? 0 : Math.min(Math.floor((1 - probability) * LEVELS), LEVELS - 1);
  const kinds = ["token", `doubt-${doubt}`, forced && "forced", isChosen && "chosen"].filter(Boolean).join(" ");
  return html`<span class=${kinds} data-index=${index}>${special ? html`<${Special} text=${text} />` : text}</span>`;
}

function Legend() {
  return html`
    <span class="token doubt-4">improbable</span>
    <span class="token doubt-2">likely</span>
    <span class="token forced">forced by the grammar</span>
    <span>← → choose a token</span>
  `;
}

/**
 * @param {any} token
 * @param {number} index
 */
function description({ id, text, probability, forced, special }, index) {
  return [
    `token ${index + 1}`,
    JSON.stringify(text),
    id != null && `id ${id}`,
    probability != null && `probability ${probability.toPrecision(3)}`,
    forced && "forced by the grammar",
    special && "special",
  ].filter(Boolean).join(" · ");
}
