import { type AnyNode, type Element, isTag, isText } from "domhandler";
import { cssSelect, parse5, treeAdapter } from "./libraries.ts";

export const textOf = (node: AnyNode): string =>
  isText(node) ? node.data : "children" in node ? node.children.map(textOf).join("") : "";

export const outerHtml = (node: AnyNode): string =>
  parse5().serializeOuter(node as never, { treeAdapter: treeAdapter() as never });
export const innerHtml = (node: AnyNode): string =>
  parse5().serialize(node as never, { treeAdapter: treeAdapter() as never });

/** Every tag among `nodes` and below that a selector fits. @throws Error for a selector that is none */
export const selectAll = (selector: string, nodes: AnyNode | AnyNode[]): Element[] =>
  cssSelect().selectAll<AnyNode, Element>(selector, nodes);

/** Whether a selector fits a tag. @throws Error for a selector that is none */
export function fits(node: Element, selector: string): boolean {
  const { compile, is } = cssSelect();
  return is(node, compile<AnyNode, Element>(selector));
}

export function rootOf(node: AnyNode): AnyNode {
  let at: AnyNode = node;
  while (at.parent) at = at.parent as AnyNode;
  return at;
}

export const parentTag = (node: AnyNode): Element | undefined =>
  node.parent && isTag(node.parent) ? node.parent : undefined;

export function nextTag(node: AnyNode): Element | undefined {
  let at = node.next;
  while (at && !isTag(at)) at = at.next;
  return at ?? undefined;
}

export function previousTag(node: AnyNode): Element | undefined {
  let at = node.prev;
  while (at && !isTag(at)) at = at.prev;
  return at ?? undefined;
}

export function valueOf(node: Element): string | string[] | undefined {
  if (node.name === "textarea") return textOf(node);
  if (node.name === "option") return node.attribs["value"] ?? textOf(node);
  if (node.name === "select") {
    const options = selectAll("option", node.children);
    const chosen = options
      .filter((option) => Object.hasOwn(option.attribs, "selected"))
      .map((option) => String(valueOf(option)));
    if (Object.hasOwn(node.attribs, "multiple")) return chosen;
    return chosen[0] ?? (options[0] ? String(valueOf(options[0])) : undefined);
  }
  const value = node.attribs["value"];
  const type = node.attribs["type"]?.toLowerCase();
  return value ?? (type === "checkbox" || type === "radio" ? "on" : undefined);
}
