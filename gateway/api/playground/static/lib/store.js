// @ts-check
import { useEffect, useState } from "../vendor/htm-preact.js";

/**
 * A value that components follow. Changes between two animation frames are drawn once.
 * @template {Record<string, any>} T
 */
export class Store {
  #followers = new Set();
  #frame = 0;

  /** @param {T} value */
  constructor(value) {
    this.value = value;
  }

  /** @param {Partial<T>} changes */
  set(changes) {
    this.value = { ...this.value, ...changes };
    this.changed();
  }

  /** Says that something inside of the value has changed. */
  changed() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#followers.forEach((follower) => follower(this.value));
    });
  }

  /**
   * @param {(value: T) => void} follower
   * @returns {() => void} ends it
   */
  subscribe(follower) {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

/**
 * The value of a store; the component is drawn again whenever it changes.
 * @template {Record<string, any>} T
 * @param {Store<T>} store
 * @returns {T}
 */
export function useStore(store) {
  const [, draw] = useState(0);
  useEffect(() => {
    draw((count) => count + 1); // it may have changed before this component subscribed
    return store.subscribe(() => draw((count) => count + 1));
  }, [store]);
  return store.value;
}
