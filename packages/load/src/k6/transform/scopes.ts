import type { Identifier, Pattern, Program } from "acorn";
import { childrenOf, isFunction, type Syntax } from "./syntax.ts";

type BindingKind = "var" | "let" | "const" | "function" | "class" | "param" | "import" | "catch";

export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  /** Where it is declared. */
  readonly declaration: Identifier;
}

class Scope {
  readonly bindings = new Map<string, Binding>();
  readonly parent: Scope | undefined;
  readonly holdsVars: boolean;

  constructor(parent: Scope | undefined, holdsVars: boolean) {
    this.parent = parent;
    this.holdsVars = holdsVars;
  }

  declare(identifier: Identifier, kind: BindingKind): void {
    if (!this.bindings.has(identifier.name)) {
      this.bindings.set(identifier.name, { name: identifier.name, kind, declaration: identifier });
    }
  }

  find(name: string): Binding | undefined {
    return this.bindings.get(name) ?? this.parent?.find(name);
  }
}

/** What every identifier of a module stands for. An identifier used as a value and absent here is a global. */
export interface Names {
  /** Uses and declarations alike. */
  readonly bindings: ReadonlyMap<Identifier, Binding>;
  /** Used as values, bound nowhere in the module. */
  readonly globals: readonly Identifier[];
  /** Names declared by `var` or as functions in a function's own scope, by function. */
  readonly varsOf: ReadonlyMap<Syntax, ReadonlySet<string>>;
}

/** The identifiers that a pattern binds. */
export function boundBy(pattern: Pattern | null | undefined): Identifier[] {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        boundBy(property.type === "RestElement" ? property.argument : property.value),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => boundBy(element));
    case "AssignmentPattern":
      return boundBy(pattern.left);
    case "RestElement":
      return boundBy(pattern.argument);
    default:
      return [];
  }
}

/** Resolves every identifier of a program by the rules of JavaScript's scopes. */
export function resolveNames(program: Program): Names {
  return new Resolver(program).names;
}

class Resolver {
  readonly #bindings = new Map<Identifier, Binding>();
  readonly #globals: Identifier[] = [];
  readonly #vars = new Map<Syntax, Set<string>>();
  readonly names: Names;

  constructor(program: Program) {
    const scope = new Scope(undefined, true);
    this.#hoistVars(program, scope, program);
    this.#declareLexical(program.body, scope);
    for (const node of program.body) this.#visit(node, scope);
    this.names = { bindings: this.#bindings, globals: this.#globals, varsOf: this.#vars };
  }

  #use(identifier: Identifier, scope: Scope): void {
    const binding = scope.find(identifier.name);
    if (binding) this.#bindings.set(identifier, binding);
    else this.#globals.push(identifier);
  }

  /** `var` and the functions of blocks reach up to the function they stand in. */
  #hoistVars(node: Syntax, scope: Scope, owner: Syntax): void {
    for (const child of childrenOf(node)) {
      if (child.type === "VariableDeclaration" && child.kind === "var") {
        for (const { id } of child.declarations) {
          for (const name of boundBy(id)) {
            scope.declare(name, "var");
            this.#varNames(owner).add(name.name);
          }
        }
      }
      if (!isFunction(child) && child.type !== "ClassDeclaration" && child.type !== "ClassExpression") {
        this.#hoistVars(child, scope, owner);
      }
    }
  }

  #varNames(owner: Syntax): Set<string> {
    const names = this.#vars.get(owner) ?? new Set<string>();
    this.#vars.set(owner, names);
    return names;
  }

  #declareLexical(statements: readonly Syntax[], scope: Scope, owner?: Syntax): void {
    for (const statement of statements) {
      const node = declarationIn(statement);
      if (node.type === "ImportDeclaration") {
        for (const { local } of node.specifiers) scope.declare(local, "import");
      } else if (node.type === "VariableDeclaration" && node.kind !== "var") {
        const kind = node.kind === "let" ? "let" : "const";
        for (const { id } of node.declarations) for (const name of boundBy(id)) scope.declare(name, kind);
      } else if (node.type === "FunctionDeclaration" && node.id) {
        scope.declare(node.id, "function");
        if (owner) this.#varNames(owner).add(node.id.name);
      } else if (node.type === "ClassDeclaration" && node.id) {
        scope.declare(node.id, "class");
      }
    }
  }

  #visitAll(nodes: Iterable<Syntax>, scope: Scope): void {
    for (const node of nodes) this.#visit(node, scope);
  }

  #visit(node: Syntax, scope: Scope): void {
    if (isFunction(node)) return this.#visitFunction(node, scope);
    switch (node.type) {
      case "Identifier":
        return this.#use(node, scope);
      case "BlockStatement":
      case "StaticBlock": {
        const inner = new Scope(scope, node.type === "StaticBlock");
        if (node.type === "StaticBlock") this.#hoistVars(node, inner, node);
        this.#declareLexical(node.body, inner);
        return this.#visitAll(node.body, inner);
      }
      case "SwitchStatement": {
        this.#visit(node.discriminant, scope);
        const inner = new Scope(scope, false);
        this.#declareLexical(
          node.cases.flatMap(({ consequent }) => consequent),
          inner,
        );
        return this.#visitAll(node.cases, inner);
      }
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement": {
        const inner = new Scope(scope, false);
        const head = node.type === "ForStatement" ? node.init : node.left;
        if (head) this.#declareLexical([head], inner);
        return this.#visitAll(childrenOf(node), inner);
      }
      case "CatchClause": {
        const inner = new Scope(scope, false);
        for (const name of boundBy(node.param)) inner.declare(name, "catch");
        return this.#visitAll(childrenOf(node), inner);
      }
      case "ClassDeclaration":
      case "ClassExpression": {
        const inner = new Scope(scope, false);
        if (node.id) {
          // The outer name of a declaration is the same class; one binding for both keeps the flow simple.
          if (node.type === "ClassExpression") inner.declare(node.id, "class");
          this.#use(node.id, inner);
        }
        if (node.superClass) this.#visit(node.superClass, inner);
        return this.#visit(node.body, inner);
      }
      case "MemberExpression":
        this.#visit(node.object, scope);
        if (node.computed) this.#visit(node.property, scope);
        return undefined;
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
        if (node.computed) this.#visit(node.key, scope);
        if (node.value) this.#visit(node.value, scope);
        return undefined;
      case "LabeledStatement":
        return this.#visit(node.body, scope);
      case "BreakStatement":
      case "ContinueStatement":
      case "MetaProperty":
        return undefined;
      case "ImportDeclaration":
        for (const { local } of node.specifiers) this.#use(local, scope);
        return undefined;
      case "ExportNamedDeclaration":
        if (node.declaration) return this.#visit(node.declaration, scope);
        if (!node.source)
          for (const { local } of node.specifiers) if (local.type === "Identifier") this.#use(local, scope);
        return undefined;
      case "ExportAllDeclaration":
        return undefined;
      default:
        return this.#visitAll(childrenOf(node), scope);
    }
  }

  #visitFunction(node: Syntax, outer: Scope): void {
    if (!isFunction(node)) return;
    let scope = outer;
    if (node.type === "FunctionDeclaration" && node.id) this.#use(node.id, outer);
    if (node.type === "FunctionExpression" && node.id) {
      scope = new Scope(outer, false);
      scope.declare(node.id, "function");
      this.#use(node.id, scope);
    }
    const inner = new Scope(scope, true);
    for (const parameter of node.params) for (const name of boundBy(parameter)) inner.declare(name, "param");
    this.#hoistVars(node.body, inner, node);
    if (node.body.type === "BlockStatement") {
      this.#declareLexical(node.body.body, inner, node);
      this.#visitAll(node.params, inner);
      this.#visitAll(node.body.body, inner);
    } else {
      this.#visitAll(node.params, inner);
      this.#visit(node.body, inner);
    }
  }
}

/** The declaration within an export, or the statement itself. */
function declarationIn(node: Syntax): Syntax {
  if (node.type === "ExportNamedDeclaration" && node.declaration) return node.declaration;
  if (node.type === "ExportDefaultDeclaration") return node.declaration;
  return node;
}
