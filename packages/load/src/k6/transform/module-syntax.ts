import type { CallExpression, Identifier } from "acorn";
import { boundBy } from "./scopes.ts";
import type { ScriptModule } from "./script-module.ts";
import type { Syntax } from "./syntax.ts";

/** The expression within parentheses and optional chains. */
export function unwrap(node: Syntax): Syntax {
  if (node.type === "ChainExpression" || node.type === "ParenthesizedExpression") return unwrap(node.expression);
  return node;
}

/** The name that a member expression reads, where it is fixed. Private names keep their `#`. */
export function memberName(node: Extract<Syntax, { type: "MemberExpression" }>): string | undefined {
  if (node.property.type === "PrivateIdentifier") return `#${node.property.name}`;
  if (!node.computed) return node.property.type === "Identifier" ? node.property.name : undefined;
  return node.property.type === "Literal" && typeof node.property.value === "string" ? node.property.value : undefined;
}

interface Keyed {
  readonly key: Syntax;
  readonly computed: boolean;
}

export function keyName({ key, computed }: Keyed): string | undefined {
  if (key.type === "PrivateIdentifier") return `#${key.name}`;
  if (key.type === "Literal") return String(key.value);
  return computed || key.type !== "Identifier" ? undefined : key.name;
}

/** `require("…")` with the global function. */
export function isRequire(node: CallExpression, module: ScriptModule): boolean {
  return node.callee.type === "Identifier" && node.callee.name === "require" && !module.names.bindings.has(node.callee);
}

export function moduleExportName(node: Syntax): string {
  if (node.type === "Identifier") return node.name;
  return node.type === "Literal" ? String(node.value) : "";
}

export function declaredNames(node: Syntax): Identifier[] {
  if (node.type === "VariableDeclaration") return node.declarations.flatMap(({ id }) => boundBy(id));
  return (node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") && node.id ? [node.id] : [];
}

/** Names that a module exports, those of `export *` included. */
export function exportNamesOf(module: ScriptModule, seen: Set<ScriptModule>): Set<string> {
  const names = new Set<string>();
  if (seen.has(module)) return names;
  seen.add(module);
  for (const node of module.program.body) {
    if (node.type === "ExportDefaultDeclaration") names.add("default");
    if (node.type === "ExportNamedDeclaration") {
      for (const { exported } of node.specifiers) names.add(moduleExportName(exported));
      if (node.declaration) for (const { name } of declaredNames(node.declaration)) names.add(name);
    }
    if (node.type === "ExportAllDeclaration") {
      if (node.exported) names.add(moduleExportName(node.exported));
      const source = module.imports.get(String(node.source.value));
      if (!node.exported && source?.kind === "script") {
        for (const name of exportNamesOf(source.module, seen)) if (name !== "default") names.add(name);
      }
    }
  }
  return names;
}
