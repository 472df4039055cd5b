// @ts-check
import { useEffect } from "../vendor/htm-preact.js";

/**
 * Does something now, whenever the page comes into view, and again and again while it is in view.
 * @param {() => unknown} work
 * @param {number} wait_ms
 */
export function usePolling(work, wait_ms) {
  useEffect(() => {
    const look = () => {
      if (!document.hidden) work();
    };
    look();
    const timer = setInterval(look, wait_ms);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [wait_ms]);
}
