// @ts-check
import { useLayoutEffect, useRef } from "../vendor/htm-preact.js";

const NEAR_PX = 40; // to the end, so that the reader wants to see what comes

/**
 * Keeps the end of an element in view while `isGrowing`, unless the reader has scrolled away from it.
 * @returns `scroller` is the ref of the element; a component inside of it calls `stick` when it is drawn
 */
export function useSticky(isGrowing = true) {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const isAtEnd = useRef(true);
  const stick = () => {
    if (scroller.current && isGrowing && isAtEnd.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  };
  useLayoutEffect(stick);
  useLayoutEffect(() => {
    const element = scroller.current;
    const scrolled = () => {
      isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    };
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => element.removeEventListener("scroll", scrolled);
  }, []);
  return { scroller, stick };
}
