// @ts-check
import { Component, html } from "../vendor/htm-preact.js";
import { useId } from "../lib/field.js";
import { useSticky } from "../lib/sticky.js";

/**
 * A part of the inspector: a heading, what belongs beside it, and a body that scrolls, to its end while
 * `isGrowing`.
 */
export function Pane({ title, note = "", controls = null, kind = "", isGrowing = false, children, ...more }) {
  const id = useId();
  const { scroller } = useSticky(isGrowing);
  return html`
    <div class=${`pane ${kind}`}>
      <header>
        <h3 id=${id}>${title}</h3>
        <span class="note">${note}</span>
        ${controls}
      </header>
      <div class="pane-body" ref=${scroller} tabindex="0" role="region" aria-labelledby=${id} ...${more}>${children}</div>
    </div>
  `;
}

/** Shows what `draw` returns, and calls it again only if `version` has changed: for parts of long texts. */
export class Unchanging extends Component {
  shouldComponentUpdate({ version }) {
    return version !== this.props.version;
  }

  render({ draw }) {
    return draw();
  }
}

/**
 * Divides `count` items into parts of `size`: `[[0, size], [size, 2 * size], …, [n, count]]`.
 * @param {number} count
 * @param {number} size
 */
export function parts(count, size) {
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => [
    index * size,
    Math.min((index + 1) * size, count),
  ]);
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The text of a special token, as a mark. */
export function Special({ text }) {
  return html`<mark class="special">${text}</mark>`;
}
