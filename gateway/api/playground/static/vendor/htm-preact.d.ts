// What the playground imports, for `make check-page`; a browser does not load this file.
export class Component {
  props: any;
  state: any;
  setState(state: any): void;
}
export function html(strings: TemplateStringsArray, ...values: any[]): any;
export function render(tree: any, parent: Element): void;
export function useEffect(effect: () => void | (() => void), inputs?: any[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: any[]): void;
export function useRef<T = any>(initial?: T): { current: T };
export function useState<T = any>(initial?: any): [T, (value: any) => void];
