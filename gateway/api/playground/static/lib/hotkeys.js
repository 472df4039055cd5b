// @ts-check
import { useEffect } from "../vendor/htm-preact.js";
import { Store } from "./store.js";

/** Single-character hot keys can be switched off, for people who use speech input. */
export const hotkeys = new Store({ on: true });

/**
 * Calls a function when its key is pressed. Keys in a text field, and all keys while a dialog is
 * open, are left alone, except Escape in a text field.
 * @param {Record<string, () => void>} actions by `KeyboardEvent.key`
 */
export function useHotkeys(actions) {
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    function pressed(event) {
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]")) return;
      if (event.key.length === 1 && (!hotkeys.value.on || isTyping(event.target))) return;
      event.preventDefault();
      action();
    }
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}
