/** What is so near to the screen is drawn before it is scrolled to. */
const NEAR = "300px";
/** Every so many drawings what is far off is drawn too: searching and reading aloud look there. */
const FAR_EVERY = 5;

/**
 * Keeps the children of an element as some markup says, one child for each part, changing only what differs: focus,
 * selection, what is scrolled or opened by hand stay where they are, and a second in which little happened costs little.
 * What is far off the screen is drawn more seldom.
 */
export class PartDrawer {
  readonly #element: Element;
  readonly #template = document.createElement("template");
  readonly #far = new Set<Element>();
  readonly #watch: IntersectionObserver;
  #parts: readonly (() => string)[] = [];
  readonly #drawn: string[] = [];
  #count = 0;

  constructor(element: Element) {
    this.#element = element;
    element.replaceChildren();
    this.#watch = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) this.#moved(target, isIntersecting);
      },
      { rootMargin: NEAR },
    );
  }

  /** @param parts - give one element each, made by `html`, which lets no text become an element */
  draw(parts: readonly (() => string)[]): void {
    this.#parts = parts;
    this.#count += 1;
    const isAll = this.#count % FAR_EVERY === 0;
    parts.forEach((_, index) => {
      const mine = this.#element.children[index];
      if (isAll || !mine || !this.#far.has(mine)) this.#drawPart(index);
    });
    while (this.#element.children.length > parts.length) this.#forget(this.#element.lastElementChild);
    this.#drawn.length = Math.min(this.#drawn.length, parts.length);
  }

  #moved(element: Element, isNear: boolean): void {
    if (!isNear) this.#far.add(element);
    else if (this.#far.delete(element)) this.#drawPart([...this.#element.children].indexOf(element));
  }

  #forget(element: Element | null): void {
    if (!element) return;
    this.#watch.unobserve(element);
    this.#far.delete(element);
    element.remove();
  }

  #drawPart(index: number): void {
    const part = this.#parts[index]?.();
    if (part === undefined || part === this.#drawn[index]) return;
    this.#drawn[index] = part;
    this.#template.innerHTML = part;
    const wanted = this.#template.content.firstElementChild;
    if (!wanted) throw new Error("a part of the page is no element");
    const mine = this.#element.children[index];
    if (mine && morphNode(mine, wanted)) return;
    if (mine) {
      mine.before(wanted);
      this.#forget(mine);
    } else this.#element.append(wanted);
    this.#watch.observe(wanted);
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
