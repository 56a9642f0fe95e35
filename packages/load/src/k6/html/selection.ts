import { type AnyNode, type Element, isTag } from "domhandler";
import { K6Element } from "./element.ts";
import { parse5, treeAdapter } from "./libraries.ts";
import { fits, innerHtml, nextTag, parentTag, previousTag, rootOf, selectAll, textOf, valueOf } from "./nodes.ts";
import { callWaiting, setMethodTwin, unbox } from "../runtime/waiting.ts";

const selectionOf = (node: AnyNode, url: string): Selection => new Selection([node], url);

type Callback = (this: unknown, i: number, element: K6Element) => unknown;

/** A document as browsers would read it, as the one element of a selection. */
export function parseHtml(text: string, url = ""): Selection {
  return new Selection([parse5().parse(text, { treeAdapter: treeAdapter() })], url);
}

/** Document order without duplicates. */
function unique(nodes: readonly AnyNode[]): AnyNode[] {
  return [...new Set(nodes)];
}

type Matcher = string | Selection | K6Element | ((i: number, element: K6Element) => unknown) | undefined;

/**
 * Elements of a page, with the methods of k6's `Selection`, which are those of jQuery that read. Nothing here changes the
 * page.
 */
export class Selection {
  readonly #nodes: readonly AnyNode[];
  readonly #url: string;

  constructor(nodes: readonly AnyNode[], url: string) {
    this.#nodes = nodes;
    this.#url = url;
  }

  get nodes(): readonly AnyNode[] {
    return this.#nodes;
  }

  #element(node: AnyNode): K6Element {
    return new K6Element(node, this.#url, selectionOf);
  }

  #of(nodes: readonly AnyNode[]): Selection {
    return new Selection(nodes, this.#url);
  }

  get length(): number {
    return this.#nodes.length;
  }

  size(): number {
    return this.#nodes.length;
  }

  find(selector: string): Selection {
    const inside = this.#nodes.flatMap((node) => ("children" in node ? selectAll(selector, node.children) : []));
    return this.#of(unique(inside));
  }

  get(i?: number): K6Element | K6Element[] | undefined {
    const elements = this.#nodes.map((node) => this.#element(node));
    return i === undefined ? elements : elements.at(i);
  }

  toArray(): Selection[] {
    return this.#nodes.map((node) => this.#of([node]));
  }

  eq(i: number): Selection {
    const node = this.#nodes.at(i);
    return this.#of(node ? [node] : []);
  }

  first(): Selection {
    return this.eq(0);
  }

  last(): Selection {
    return this.eq(-1);
  }

  slice(start: number, end?: number): Selection {
    return this.#of(this.#nodes.slice(start, end));
  }

  contents(): Selection {
    return this.#of(this.#nodes.flatMap((node) => ("children" in node ? node.children : [])));
  }

  children(matcher?: Matcher): Selection {
    return this.#filtered(
      this.#nodes.flatMap((node) => ("children" in node ? node.children.filter(isTag) : [])),
      matcher,
    );
  }

  parent(matcher?: Matcher): Selection {
    return this.#filtered(unique(this.#nodes.flatMap((node) => parentTag(node) ?? [])), matcher);
  }

  parents(matcher?: Matcher): Selection {
    return this.parentsUntil(undefined, matcher);
  }

  parentsUntil(until?: Matcher, matcher?: Matcher): Selection {
    return this.#filtered(unique(this.#nodes.flatMap((node) => this.#chain(node, parentTag, until))), matcher);
  }

  closest(matcher: Matcher): Selection {
    const found = this.#nodes.flatMap((node) => {
      const chain = [...(isTag(node) ? [node] : []), ...this.#chain(node, parentTag, undefined)];
      return chain.find((element) => this.#matches(element, 0, matcher)) ?? [];
    });
    return this.#of(unique(found));
  }

  next(matcher?: Matcher): Selection {
    return this.#filtered(
      this.#nodes.flatMap((node) => nextTag(node) ?? []),
      matcher,
    );
  }

  nextAll(matcher?: Matcher): Selection {
    return this.nextUntil(undefined, matcher);
  }

  nextUntil(until?: Matcher, matcher?: Matcher): Selection {
    return this.#filtered(unique(this.#nodes.flatMap((node) => this.#chain(node, nextTag, until))), matcher);
  }

  prev(matcher?: Matcher): Selection {
    return this.#filtered(
      this.#nodes.flatMap((node) => previousTag(node) ?? []),
      matcher,
    );
  }

  prevAll(matcher?: Matcher): Selection {
    return this.prevUntil(undefined, matcher);
  }

  prevUntil(until?: Matcher, matcher?: Matcher): Selection {
    return this.#filtered(unique(this.#nodes.flatMap((node) => this.#chain(node, previousTag, until))), matcher);
  }

  siblings(matcher?: Matcher): Selection {
    const found = this.#nodes.flatMap(
      (node) => node.parent?.children.filter((child) => isTag(child) && child !== node) ?? [],
    );
    return this.#filtered(unique(found), matcher);
  }

  has(inside: string): Selection {
    return this.#of(this.#nodes.filter((node) => "children" in node && selectAll(inside, node.children).length > 0));
  }

  is(matcher: Matcher): boolean {
    return this.#nodes.some((node, i) => this.#matches(node, i, matcher));
  }

  filter(matcher: Matcher): Selection {
    return this.#of(this.#nodes.filter((node, i) => this.#matches(node, i, matcher)));
  }

  not(matcher: Matcher): Selection {
    return this.#of(this.#nodes.filter((node, i) => !this.#matches(node, i, matcher)));
  }

  add(more: string | Selection): Selection {
    const nodes = more instanceof Selection ? more.nodes : this.#nodes.flatMap((node) => selectAll(more, rootOf(node)));
    return this.#of(unique([...this.#nodes, ...nodes]));
  }

  end(): Selection {
    return this;
  }

  each(callback: Callback): this {
    for (const [i, node] of this.#nodes.entries()) callback.call(this, i, this.#element(node));
    return this;
  }

  map(callback: (i: number, selection: Selection) => unknown): unknown[] {
    return this.#nodes.map((node, i) => callback(i, this.#of([node])));
  }

  attr(name: string, otherwise?: string): string | undefined {
    const [node] = this.#nodes;
    return node && isTag(node) && Object.hasOwn(node.attribs, name) ? node.attribs[name] : otherwise;
  }

  text(): string {
    return this.#nodes.map(textOf).join("");
  }

  html(): string | undefined {
    const [node] = this.#nodes;
    return node && innerHtml(node);
  }

  /** The value of the first form element; of a `select` that takes several, their list. */
  val(): string | string[] | undefined {
    const [node] = this.#nodes;
    return node && isTag(node) ? valueOf(node) : undefined;
  }

  /** `data-*` of the first element, read as JSON where it is that. */
  data(name?: string): unknown {
    const [node] = this.#nodes;
    if (!node || !isTag(node)) return undefined;
    const values = Object.entries(node.attribs).flatMap(([key, value]) =>
      key.startsWith("data-") ? [[camelCase(key.slice(5)), dataValue(value)] as const] : [],
    );
    return name === undefined ? Object.fromEntries(values) : values.find(([key]) => key === camelCase(name))?.[1];
  }

  serializeArray(): { name: string; value: string }[] {
    const fields = this.#nodes.flatMap((node) =>
      isTag(node) && node.name === "form"
        ? selectAll("input,select,textarea", node.children)
        : isTag(node)
          ? [node]
          : [],
    );
    return fields.flatMap((field) => {
      const name = field.attribs["name"];
      const type = field.attribs["type"]?.toLowerCase() ?? "";
      const isSkipped =
        name === undefined ||
        Object.hasOwn(field.attribs, "disabled") ||
        ["submit", "button", "image", "reset", "file"].includes(type) ||
        ((type === "checkbox" || type === "radio") && !Object.hasOwn(field.attribs, "checked"));
      if (isSkipped || !/^(input|select|textarea)$/.test(field.name)) return [];
      const value = valueOf(field);
      return (Array.isArray(value) ? value : [value ?? ""]).map((text) => ({ name, value: text }));
    });
  }

  serializeObject(): Record<string, string> {
    return Object.fromEntries(this.serializeArray().map(({ name, value }) => [name, value]));
  }

  serialize(): string {
    return new URLSearchParams(
      this.serializeArray().map(({ name, value }): [string, string] => [name, value]),
    ).toString();
  }

  #filtered(nodes: readonly AnyNode[], matcher: Matcher): Selection {
    return this.#of(matcher === undefined ? nodes : nodes.filter((node, i) => this.#matches(node, i, matcher)));
  }

  #matches(node: AnyNode, i: number, matcher: Matcher): boolean {
    if (matcher === undefined) return false;
    if (matcher instanceof Selection) return matcher.nodes.includes(node);
    if (matcher instanceof K6Element) return matcher.node === node;
    if (typeof matcher === "function") return Boolean(matcher(i, this.#element(node)));
    return isTag(node) && fits(node, matcher);
  }

  #chain(node: AnyNode, step: (node: AnyNode) => Element | undefined, until: Matcher): Element[] {
    const found: Element[] = [];
    for (let at = step(node); at && !this.#matches(at, 0, until); at = step(at)) found.push(at);
    return found;
  }
}

const camelCase = (name: string): string => name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function dataValue(text: string): unknown {
  if (!/^(-?\d|true$|false$|null$|\{|\[|")/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

setMethodTwin(Selection.prototype, "each", async function (this: unknown, callback: unknown) {
  const selection = this as Selection;
  for (const [i, element] of (selection.get() as K6Element[]).entries())
    await callWaiting(callback, [i, element], selection);
  return selection;
});
setMethodTwin(Selection.prototype, "map", async function (this: unknown, callback: unknown) {
  const results: unknown[] = [];
  for (const [i, one] of (this as Selection).toArray().entries())
    results.push(unbox(await callWaiting(callback, [i, one])));
  return results;
});
setMethodTwin(Selection.prototype, "filter", async function (this: unknown, callback: unknown) {
  const selection = this as Selection;
  const kept: AnyNode[] = [];
  for (const [i, element] of (selection.get() as K6Element[]).entries()) {
    if (unbox(await callWaiting(callback, [i, element]))) kept.push(element.node);
  }
  return new Selection(kept, "");
});
