import { type AnyNode, Comment, Document, type Element, isTag, Text } from "domhandler";
import {
  fits,
  innerHtml,
  nextTag,
  outerHtml,
  parentTag,
  previousTag,
  rootOf,
  selectAll,
  textOf,
  valueOf,
} from "./nodes.ts";

/** What makes a selection of one node. */
export type SelectionOf = (node: AnyNode, url: string) => unknown;

/** One element, with the properties of the DOM that scripts read. */
export class K6Element {
  readonly node: AnyNode;
  readonly #url: string;
  readonly #selectionOf: SelectionOf;

  constructor(node: AnyNode, url: string, selectionOf: SelectionOf) {
    this.node = node;
    this.#url = url;
    this.#selectionOf = selectionOf;
  }

  #of(node: AnyNode | null | undefined): K6Element | undefined {
    return node ? new K6Element(node, this.#url, this.#selectionOf) : undefined;
  }

  #all(nodes: readonly AnyNode[]): K6Element[] {
    return nodes.map((node) => new K6Element(node, this.#url, this.#selectionOf));
  }

  get #inner(): readonly AnyNode[] {
    return "children" in this.node ? this.node.children : [];
  }

  #attribute(name: string): string | undefined {
    return isTag(this.node) ? this.node.attribs[name] : undefined;
  }

  get nodeName(): string {
    if (isTag(this.node)) return this.node.name;
    return this.node instanceof Document ? "#document" : this.node instanceof Comment ? "#comment" : "#text";
  }

  get nodeType(): string {
    if (this.node instanceof Text) return "text";
    return this.node instanceof Document ? "document" : this.node instanceof Comment ? "comment" : "element";
  }

  get nodeValue(): string | undefined {
    return this.node instanceof Text || this.node instanceof Comment ? this.node.data : undefined;
  }

  get textContent(): string {
    return textOf(this.node);
  }

  get innerHTML(): string {
    return innerHtml(this.node);
  }

  get outerHTML(): string {
    return outerHtml(this.node);
  }

  get id(): string {
    return this.#attribute("id") ?? "";
  }

  get className(): string {
    return this.#attribute("class") ?? "";
  }

  get classList(): string[] {
    return this.className.split(/\s+/).filter((name) => name !== "");
  }

  /** Of the element itself or of the nearest around it. */
  get lang(): string {
    let at: AnyNode | null = this.node;
    while (at && !(isTag(at) && Object.hasOwn(at.attribs, "lang"))) at = at.parent;
    return at && isTag(at) ? (at.attribs["lang"] ?? "") : "";
  }

  get href(): string {
    const href = this.#attribute("href") ?? "";
    return href !== "" && URL.canParse(href, this.#url) ? new URL(href, this.#url).href : href;
  }

  get name(): string {
    return this.#attribute("name") ?? "";
  }

  get type(): string {
    return this.#attribute("type") ?? "";
  }

  get value(): string | string[] | undefined {
    return isTag(this.node) ? valueOf(this.node) : undefined;
  }

  get ownerDocument(): K6Element | undefined {
    return this.#of(rootOf(this.node));
  }

  get parentElement(): K6Element | undefined {
    return this.#of(parentTag(this.node));
  }

  get parentNode(): K6Element | undefined {
    return this.#of(this.node.parent);
  }

  get children(): K6Element[] {
    return this.#all(this.#inner.filter(isTag));
  }

  get childNodes(): K6Element[] {
    return this.#all(this.#inner);
  }

  get childElementCount(): number {
    return this.#inner.filter(isTag).length;
  }

  get firstChild(): K6Element | undefined {
    return this.#of(this.#inner[0]);
  }

  get lastChild(): K6Element | undefined {
    return this.#of(this.#inner.at(-1));
  }

  get firstElementChild(): K6Element | undefined {
    return this.#of(this.#inner.find(isTag));
  }

  get lastElementChild(): K6Element | undefined {
    return this.#of(this.#inner.findLast(isTag));
  }

  get nextSibling(): K6Element | undefined {
    return this.#of(this.node.next);
  }

  get previousSibling(): K6Element | undefined {
    return this.#of(this.node.prev);
  }

  get nextElementSibling(): K6Element | undefined {
    return this.#of(nextTag(this.node));
  }

  get previousElementSibling(): K6Element | undefined {
    return this.#of(previousTag(this.node));
  }

  getAttribute(name: string): string | undefined {
    return this.#attribute(name);
  }

  getAttributeNode(name: string): { name: string; value: string } | undefined {
    const value = this.#attribute(name);
    return value === undefined ? undefined : { name, value };
  }

  hasAttribute(name: string): boolean {
    return this.#attribute(name) !== undefined;
  }

  hasAttributes(): boolean {
    return isTag(this.node) && Object.keys(this.node.attribs).length > 0;
  }

  attributes(): Record<string, { name: string; value: string }> {
    if (!isTag(this.node)) return {};
    return Object.fromEntries(Object.entries(this.node.attribs).map(([name, value]) => [name, { name, value }]));
  }

  hasChildNodes(): boolean {
    return this.#inner.length > 0;
  }

  isSameNode(other: unknown): boolean {
    return other instanceof K6Element && other.node === this.node;
  }

  isEqualNode(other: unknown): boolean {
    return other instanceof K6Element && outerHtml(other.node) === outerHtml(this.node);
  }

  getElementsByClassName(names: string): K6Element[] {
    const wanted = names.split(/\s+/).filter((name) => name !== "");
    const has = (node: Element): boolean => {
      const classes = (node.attribs["class"] ?? "").split(/\s+/);
      return wanted.every((name) => classes.includes(name));
    };
    return wanted.length === 0 ? [] : this.#all(this.#select("*").filter(has));
  }

  getElementsByTagName(name: string): K6Element[] {
    return this.#all(this.#select("*").filter((node) => name === "*" || node.name === name.toLowerCase()));
  }

  querySelector(selector: string): K6Element | undefined {
    return this.#of(this.#select(selector)[0]);
  }

  querySelectorAll(selector: string): K6Element[] {
    return this.#all(this.#select(selector));
  }

  #select(selector: string): Element[] {
    return selectAll(selector, [...this.#inner]);
  }

  matches(selector: string): boolean {
    return isTag(this.node) && fits(this.node, selector);
  }

  contains(other: unknown): boolean {
    if (!(other instanceof K6Element)) return false;
    let at: AnyNode | null = other.node;
    while (at && at !== this.node) at = at.parent;
    return at !== null;
  }

  /** The element as a selection. */
  selection(): unknown {
    return this.#selectionOf(this.node, this.#url);
  }

  toString(): string {
    return outerHtml(this.node);
  }
}
