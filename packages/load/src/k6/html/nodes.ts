import { selectAll } from "css-select";
import { type AnyNode, type Element, isTag, isText } from "domhandler";
import { serialize, serializeOuter } from "parse5";
import { adapter } from "parse5-htmlparser2-tree-adapter";

export const textOf = (node: AnyNode): string =>
  isText(node) ? node.data : "children" in node ? node.children.map(textOf).join("") : "";

export const outerHtml = (node: AnyNode): string => serializeOuter(node as never, { treeAdapter: adapter as never });
export const innerHtml = (node: AnyNode): string => serialize(node as never, { treeAdapter: adapter as never });

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
    const options = selectAll<AnyNode, Element>("option", node.children);
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
