import type { Identifier } from "acorn";
import { isRequire } from "./module-syntax.ts";
import type { ScriptModule } from "./script-module.ts";
import { childrenOf, type Syntax } from "./syntax.ts";

/** What a program uses as a value of its own, and not only by the names of its members. */
export interface WholeUse {
  /** Modules of k6 that are passed around, spread or enumerated: all their members have to be there. */
  readonly natives: ReadonlySet<string>;
  /** `__ENV` is: each user may change its own. */
  readonly environment: boolean;
}

/** Users are many: what nobody asks for is not made for each of them. */
export function wholeUseOf(modules: readonly ScriptModule[]): WholeUse {
  const natives = new Set<string>();
  let environment = false;
  for (const module of modules) {
    for (const specifier of wholeSpecifiers(module)) {
      const target = module.imports.get(specifier);
      if (target?.kind === "native") natives.add(target.name);
    }
    environment ||= module.names.globals.some(
      (identifier) => name(identifier) === "__ENV" && !isRead(identifier, module),
    );
  }
  return { natives, environment };
}

const name = (identifier: Identifier): string => identifier.name;

/** `x` in `x.member` and `x[member]`. */
function isMemberOf(identifier: Identifier, module: ScriptModule): boolean {
  const parent = module.parents.get(identifier);
  return parent?.type === "MemberExpression" && parent.object === identifier;
}

/** `__ENV.NAME` where it is neither written nor deleted. */
function isRead(identifier: Identifier, module: ScriptModule): boolean {
  const member = module.parents.get(identifier);
  if (!member || !isMemberOf(identifier, module)) return false;
  const parent = module.parents.get(member);
  switch (parent?.type) {
    case "AssignmentExpression":
      return parent.left !== member;
    case "UpdateExpression":
    case "AssignmentPattern":
    case "ArrayPattern":
    case "RestElement":
    case "ForInStatement":
    case "ForOfStatement":
      return false;
    case "Property":
      return module.parents.get(parent)?.type !== "ObjectPattern";
    case "UnaryExpression":
      return parent.operator !== "delete";
    default:
      return true;
  }
}

function* wholeSpecifiers(module: ScriptModule): Generator<string> {
  for (const [identifier, binding] of module.names.bindings) {
    if (binding.kind !== "import" || identifier === binding.declaration || isMemberOf(identifier, module)) continue;
    const specifier = module.parents.get(binding.declaration);
    const declaration = specifier && module.parents.get(specifier);
    const isWhole =
      specifier?.type === "ImportDefaultSpecifier" ||
      specifier?.type === "ImportNamespaceSpecifier" ||
      (specifier?.type === "ImportSpecifier" && isDefault(specifier.imported));
    if (isWhole && declaration?.type === "ImportDeclaration") yield String(declaration.source.value);
  }
  yield* passedOn(module.program, module);
}

const isDefault = (node: Syntax): boolean =>
  (node.type === "Identifier" && node.name === "default") || (node.type === "Literal" && node.value === "default");

/** Modules that are exported again, required, or imported while running. */
function* passedOn(node: Syntax, module: ScriptModule): Generator<string> {
  const source =
    node.type === "ExportAllDeclaration" || node.type === "ExportNamedDeclaration" || node.type === "ImportExpression"
      ? node.source
      : node.type === "CallExpression" && isRequire(node, module)
        ? node.arguments[0]
        : undefined;
  if (source?.type === "Literal") yield String(source.value);
  for (const child of childrenOf(node)) yield* passedOn(child, module);
}
