/**
 * Keeps the children of an element as some markup says, one child for each part, changing only what differs: focus,
 * selection, what is scrolled or opened by hand stay where they are, and a second in which little happened costs little.
 */
export class PartDrawer {
  readonly #element: Element;
  readonly #template = document.createElement("template");
  #drawn: readonly string[] = [];

  constructor(element: Element) {
    this.#element = element;
    element.replaceChildren();
  }

  /** @param parts - one element each, made by `html`, which lets no text become an element */
  draw(parts: readonly string[]): void {
    parts.forEach((part, i) => {
      if (part !== this.#drawn[i]) this.#drawPart(part, i);
    });
    while (this.#element.children.length > parts.length) this.#element.lastElementChild?.remove();
    this.#drawn = parts;
  }

  #drawPart(part: string, index: number): void {
    this.#template.innerHTML = part;
    const wanted = this.#template.content.firstElementChild;
    if (!wanted) throw new Error("a part of the page is no element");
    const mine = this.#element.children[index];
    if (!mine) this.#element.append(wanted);
    else if (!morphNode(mine, wanted)) mine.replaceWith(wanted);
  }
}

function morphChildren(old: ParentNode & Node, wanted: ParentNode & Node): void {
  let mine = old.firstChild;
  let next = wanted.firstChild;
  while (next) {
    const following = next.nextSibling;
    if (!mine) old.append(next);
    else {
      const after: ChildNode | null = mine.nextSibling;
      if (!morphNode(mine, next)) old.replaceChild(next, mine);
      mine = after;
    }
    next = following;
  }
  while (mine) {
    const after: ChildNode | null = mine.nextSibling;
    mine.remove();
    mine = after;
  }
}

/** @returns whether the old node could become the new one */
function morphNode(old: ChildNode, wanted: ChildNode): boolean {
  if (old.nodeType !== wanted.nodeType || old.nodeName !== wanted.nodeName) return false;
  if (old instanceof Element && wanted instanceof Element) {
    morphAttributes(old, wanted);
    morphChildren(old, wanted);
  } else if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
  return true;
}

/** Whether details are open is the reader's choice; what can be focused, that of the scripts: it must not lose its focus. */
const isKept = (element: Element, name: string): boolean =>
  (name === "open" && element.nodeName === "DETAILS") || name === "tabindex" || name === "aria-keyshortcuts";

function morphAttributes(old: Element, wanted: Element): void {
  for (const { name, value } of wanted.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.attributes.length === wanted.attributes.length) return;
  const gone = Array.from(old.attributes, ({ name }) => name).filter((name) => !wanted.hasAttribute(name));
  for (const name of gone) if (!isKept(old, name)) old.removeAttribute(name);
}
