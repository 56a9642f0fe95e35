/** What a strict reader of XML 1.0 sees: an element with decoded attributes and text. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const NAME = "[A-Za-z_:][\\w:.-]*";
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
// oxlint-disable-next-line no-control-regex -- checks for them
const ILLEGAL = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/**
 * Reads elements, attributes, text and references; throws on anything that is not well-formed: an illegal character, a
 * bare `<` or `&`, an unknown or illegal reference, a duplicate attribute, tags that do not nest, a second root.
 */
export function parseXml(source: string): XmlElement {
  const illegal = ILLEGAL.exec(source);
  if (illegal) throw new Error(`illegal character U+${illegal[0].codePointAt(0)?.toString(16)}`);
  let rest = source.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, "").trimEnd();
  const root: XmlElement = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  const tag = new RegExp(`^<(/?)(${NAME})((?:\\s+${NAME}="[^"<]*")*)\\s*(/?)>`);
  while (rest !== "") {
    const current = open.at(-1);
    if (!current) throw new Error("closed too much");
    const next = rest.indexOf("<");
    if (next !== 0) {
      const text = next < 0 ? rest : rest.slice(0, next);
      if (current === root && text.trim() !== "") throw new Error("text outside the root");
      current.text += decode(text);
      rest = rest.slice(text.length);
      continue;
    }
    const match = tag.exec(rest);
    if (!match) throw new Error(`no tag at: ${rest.slice(0, 80)}`);
    const [all, slash = "", name = "", attributeText = "", empty = ""] = match;
    rest = rest.slice(all.length);
    if (slash) {
      if (current.name !== name || attributeText !== "") throw new Error(`</${name}> closes <${current.name}>`);
      open.pop();
      continue;
    }
    const element: XmlElement = { name, attributes: attributesOf(attributeText), children: [], text: "" };
    current.children.push(element);
    if (current === root && root.children.length > 1) throw new Error("a second root");
    if (!empty) open.push(element);
  }
  const [only] = root.children;
  if (open.length !== 1 || !only) throw new Error("not closed");
  return only;
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [, name = "", value = ""] of text.matchAll(new RegExp(`(${NAME})="([^"]*)"`, "g"))) {
    if (name in found) throw new Error(`attribute ${name} twice`);
    found[name] = decode(value);
  }
  return found;
}

function decode(text: string): string {
  return text.replace(/&([^;]{0,10};)?/g, (_all, reference: string | undefined) => {
    if (reference === undefined) throw new Error("bare &");
    const name = reference.slice(0, -1);
    const code = /^#(\d+)$/.exec(name)?.[1];
    const character = code === undefined ? entities[name] : String.fromCodePoint(Number(code));
    if (character === undefined || ILLEGAL.test(character)) throw new Error(`reference &${reference}`);
    return character;
  });
}

/** All elements of that name, at any depth. */
export function elementsNamed(element: XmlElement, name: string): XmlElement[] {
  const own = element.name === name ? [element] : [];
  return [...own, ...element.children.flatMap((child) => elementsNamed(child, name))];
}
