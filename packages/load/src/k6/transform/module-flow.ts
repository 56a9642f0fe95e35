import type { Class, Identifier, ImportDeclaration, Pattern, Property, SpreadElement } from "acorn";
import {
  exportNamesOf,
  isRequire,
  keyName,
  memberName,
  moduleExportName,
  unwrap,
  declaredNames,
} from "./module-syntax.ts";
import type { Flow } from "./flow.ts";
import { nativeGlobals } from "./native-model.ts";
import type { ImportTarget, ScriptModule } from "./script-module.ts";
import { childrenOf, type FunctionSyntax, isFunction, type Syntax } from "./syntax.ts";
import { type CallSite, type CallSyntax, FlowNode, UserFunction, type Value } from "./values.ts";

const { nothing } = FlowNode;

/** How arguments meet parameters: shifted, all of them from a spread on, and whether the callee is surely this one. */
interface Shape {
  readonly offset: number;
  readonly spreadFrom: number;
  readonly sure: boolean;
}

/** Globals whose members are the language's own. */
const builtInObjects: ReadonlySet<string> = new Set(
  "console Math JSON Object Array Number String Date Reflect Promise Symbol".split(" "),
);

/** Adds one module's constraints to the flow. */
export class ModuleFlow {
  readonly #flow: Flow;
  readonly #module: ScriptModule;

  constructor(flow: Flow, module: ScriptModule) {
    this.#flow = flow;
    this.#module = module;
  }

  run(): void {
    const top = this.#function("module");
    this.#flow.topLevels.set(this.#module, top);
    for (const node of this.#module.program.body) this.#walk(node, top);
  }

  #function(kind: UserFunction["kind"], syntax?: FunctionSyntax): UserFunction {
    const made = new UserFunction(this.#module, kind, syntax);
    this.#flow.functions.push(made);
    if (syntax) this.#flow.functionOf.set(syntax, made);
    if (syntax?.async) this.#flow.usesPromises = true;
    return made;
  }

  #variable(identifier: Identifier): FlowNode | undefined {
    const binding = this.#module.names.bindings.get(identifier);
    return binding && this.#flow.binding(binding);
  }

  readonly #walked = new Map<Syntax, FlowNode>();

  /** Adds what a node means and returns what its value may be. Once for each node. */
  #walk(node: Syntax, owner: UserFunction): FlowNode {
    const value = this.#walkNode(node, owner);
    this.#walked.set(node, value);
    return value;
  }

  #walkNode(node: Syntax, owner: UserFunction): FlowNode {
    if (isFunction(node)) return this.#walkFunction(node, "plain");
    switch (node.type) {
      case "Identifier":
        return this.#identifier(node);
      case "CallExpression":
      case "NewExpression":
      case "TaggedTemplateExpression":
        return this.#walkCall(node, owner);
      case "MemberExpression":
        return this.#walkMember(node, owner);
      case "AssignmentExpression": {
        const value = this.#walk(node.right, owner);
        this.#assign(node.left, value, owner);
        // The logical assignments may leave what was there.
        return value;
      }
      case "VariableDeclarator": {
        const value = node.init ? this.#walk(node.init, owner) : nothing;
        this.#assign(node.id, value, owner);
        return nothing;
      }
      case "ArrayExpression":
        for (const element of node.elements) {
          if (!element) continue;
          const value = element.type === "SpreadElement" ? this.#spread(element, owner) : this.#walk(element, owner);
          value.flowTo(this.#flow.elements);
        }
        return nothing;
      case "ObjectExpression":
        for (const property of node.properties) {
          if (property.type === "SpreadElement") this.#walk(property.argument, owner);
          else this.#walkProperty(property, owner);
        }
        return nothing;
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#walkClass(node, owner);
      case "ConditionalExpression":
        this.#walk(node.test, owner);
        return union(this.#walk(node.consequent, owner), this.#walk(node.alternate, owner));
      case "LogicalExpression":
        return union(this.#walk(node.left, owner), this.#walk(node.right, owner));
      case "SequenceExpression":
        return node.expressions.reduce((_, expression) => this.#walk(expression, owner), nothing);
      case "AwaitExpression":
        this.#flow.usesPromises = true;
        return this.#walk(node.argument, owner);
      case "ChainExpression":
      case "ParenthesizedExpression":
        return this.#walk(node.expression, owner);
      case "YieldExpression": {
        const value = node.argument ? this.#walk(node.argument, owner) : nothing;
        value.flowTo(this.#flow.elements);
        return this.#flow.anything();
      }
      case "ReturnStatement":
        if (node.argument) this.#walk(node.argument, owner).flowTo(owner.returns);
        return nothing;
      case "ForOfStatement": {
        const values = this.#flow.readComputed(this.#walk(node.right, owner));
        const target = node.left.type === "VariableDeclaration" ? node.left.declarations[0]?.id : node.left;
        if (target) this.#assign(target, values, owner);
        this.#walk(node.body, owner);
        return nothing;
      }
      case "ForInStatement":
        this.#walk(node.right, owner);
        this.#walk(node.body, owner);
        return nothing;
      case "ImportDeclaration":
        this.#walkImport(node);
        return nothing;
      case "ImportExpression":
        this.#flow.usesPromises = true;
        this.#walk(node.source, owner);
        return this.#importedBy(node.source);
      case "ExportNamedDeclaration":
      case "ExportDefaultDeclaration":
      case "ExportAllDeclaration":
        this.#walkExport(node, owner);
        return nothing;
      case "CatchClause":
        if (node.param) this.#assign(node.param, this.#flow.anything(), owner);
        this.#walk(node.body, owner);
        return nothing;
      case "ThrowStatement":
        this.#walk(node.argument, owner).flowTo(this.#flow.outside);
        return nothing;
      default:
        for (const child of childrenOf(node)) this.#walk(child, owner);
        return nothing;
    }
  }

  #identifier(node: Identifier): FlowNode {
    const variable = this.#variable(node);
    if (variable) return variable;
    if (node.name === "Promise") this.#flow.usesPromises = true;
    const global = Object.hasOwn(nativeGlobals, node.name) ? nativeGlobals[node.name] : undefined;
    if (!global) return nothing;
    const made = new FlowNode();
    made.add(global);
    return made;
  }

  #walkFunction(node: FunctionSyntax, kind: UserFunction["kind"]): FlowNode {
    const made = this.#function(kind, node);
    const result = new FlowNode();
    result.add(made);
    if (node.type !== "ArrowFunctionExpression" && node.id) this.#variable(node.id)?.add(made);
    for (const parameter of node.params) {
      const value = new FlowNode();
      made.params.push(value);
      if (parameter.type === "RestElement") {
        value.flowTo(this.#flow.elements);
        this.#assign(parameter.argument, nothing, made);
      } else {
        this.#assign(parameter, value, made);
      }
    }
    if (node.body.type === "BlockStatement") this.#walk(node.body, made);
    else this.#walk(node.body, made).flowTo(made.returns);
    return result;
  }

  #assign(target: Pattern, value: FlowNode, owner: UserFunction): void {
    switch (target.type) {
      case "Identifier": {
        const variable = this.#variable(target);
        value.flowTo(variable ?? this.#flow.property(target.name));
        return;
      }
      case "MemberExpression":
        this.#walk(target.object, owner);
        if (target.computed) this.#walk(target.property, owner);
        value.flowTo(this.#target(target));
        value.flowTo(this.#flow.writtenAs(memberName(target) ?? ""));
        return;
      case "AssignmentPattern":
        this.#assign(target.left, union(value, this.#walk(target.right, owner)), owner);
        return;
      case "ObjectPattern":
        for (const property of target.properties) {
          if (property.type === "RestElement") {
            this.#assign(property.argument, nothing, owner);
            continue;
          }
          if (property.computed) this.#walk(property.key, owner);
          const name = keyName(property);
          if (name === "then") this.#flow.usesPromises = true;
          const read = name === undefined ? this.#flow.readComputed(value) : this.#flow.read(value, name);
          this.#assign(property.value, read, owner);
        }
        return;
      case "ArrayPattern":
        for (const element of target.elements)
          if (element) this.#assign(element, this.#flow.readComputed(value), owner);
        return;
      case "RestElement":
        this.#assign(target.argument, nothing, owner);
        return;
      default:
        // Other expressions cannot be assigned to; the parser has said so.
        return;
    }
  }

  #target(member: Extract<Syntax, { type: "MemberExpression" }>): FlowNode {
    const name = memberName(member);
    if (name === "then") this.#flow.usesPromises = true;
    return name === undefined ? this.#flow.elements : this.#flow.property(name);
  }

  #walkMember(node: Extract<Syntax, { type: "MemberExpression" }>, owner: UserFunction): FlowNode {
    const from = this.#walk(node.object, owner);
    if (node.computed) this.#walk(node.property, owner);
    if (this.#isBuiltIn(node.object)) return nothing;
    const name = memberName(node);
    if (name === "then" || name === "asyncRequest") this.#flow.usesPromises = true;
    return name === undefined ? this.#flow.readComputed(from) : this.#flow.read(from, name);
  }

  #isBuiltIn(node: Syntax): boolean {
    return node.type === "Identifier" && builtInObjects.has(node.name) && !this.#module.names.bindings.has(node);
  }

  #walkProperty(property: Property, owner: UserFunction): void {
    if (property.computed) this.#walk(property.key, owner);
    const kind = property.kind === "get" ? "getter" : property.kind === "set" ? "setter" : "plain";
    const value = isFunction(property.value)
      ? this.#walkFunction(property.value, kind)
      : this.#walk(property.value, owner);
    this.#walked.set(property.value, value);
    const name = keyName(property);
    if (name === "then") this.#flow.usesPromises = true;
    this.#member(name, kind, value);
    value.flowTo(this.#flow.literalMembers);
  }

  /** A member of an object or a class under a name, or under one that is computed. */
  #member(name: string | undefined, kind: UserFunction["kind"], value: FlowNode): void {
    const target = name === undefined ? this.#flow.elements : this.#flow.property(name);
    if (kind === "getter") for (const getter of value.functions()) getter.returns.flowTo(target);
    else if (kind === "plain") {
      value.flowTo(target);
      value.flowTo(this.#flow.writtenAs(name ?? ""));
    }
  }

  #walkClass(node: Class & Syntax, owner: UserFunction): FlowNode {
    const result = new FlowNode();
    const superclass = node.superClass ? this.#walk(node.superClass, owner) : nothing;
    const initializer = this.#function("initializer");
    let constructor: UserFunction | undefined;
    for (const member of node.body.body) {
      if (member.type === "StaticBlock") {
        for (const child of member.body) this.#walk(child, initializer);
        continue;
      }
      if (member.computed) this.#walk(member.key, owner);
      if (member.type === "PropertyDefinition") {
        if (member.value) this.#member(keyName(member), "plain", this.#walk(member.value, initializer));
        continue;
      }
      const kinds = { get: "getter", set: "setter", constructor: "constructor", method: "plain" } as const;
      const kind = kinds[member.kind];
      const value = this.#walkFunction(member.value, kind);
      if (kind === "constructor") [constructor] = value.functions();
      else this.#member(keyName(member), kind, value);
    }
    constructor ??= this.#function("constructor");
    result.add(constructor);
    if (node.id) this.#variable(node.id)?.add(constructor);
    // `super(…)` and classes without a constructor call the one above.
    superclass.flowTo(this.#superOf(constructor));
    return result;
  }

  readonly #superclasses = new Map<UserFunction, FlowNode>();

  #superOf(constructor: UserFunction): FlowNode {
    const node = this.#superclasses.get(constructor) ?? new FlowNode();
    this.#superclasses.set(constructor, node);
    return node;
  }

  #spread(element: SpreadElement, owner: UserFunction): FlowNode {
    return this.#flow.readComputed(this.#walk(element.argument, owner));
  }

  #walkCall(node: CallSyntax, owner: UserFunction): FlowNode {
    const calleeSyntax = node.type === "TaggedTemplateExpression" ? node.tag : node.callee;
    const target = unwrap(calleeSyntax);
    const isMember = target.type === "MemberExpression";
    const callee = calleeSyntax.type === "Super" ? this.#superOf(owner) : this.#walk(calleeSyntax, owner);
    const method = isMember ? memberName(target) : undefined;
    const applied =
      isMember && (method === "call" || method === "apply" || method === "bind")
        ? this.#walked.get(target.object)
        : undefined;
    const syntaxes = node.type === "TaggedTemplateExpression" ? node.quasi.expressions : node.arguments;
    const values = syntaxes.map((argument) =>
      argument.type === "SpreadElement" ? this.#spread(argument, owner) : this.#walk(argument, owner),
    );
    const required = this.#requireTarget(node);
    const result = new FlowNode();
    if (required) required.flowTo(result);
    const known = this.#isKnown(target);
    const site: CallSite = {
      module: this.#module,
      syntax: node,
      caller: owner,
      callee,
      applied: method === "bind" ? undefined : applied,
      argumentValues: values,
      literalValues: syntaxes.flatMap((argument) => this.#literalMembers(argument)),
      method,
      known,
      mode: "plain",
    };
    this.#flow.calls.push(site);
    const spreadFrom = syntaxes.findIndex(({ type }) => type === "SpreadElement");
    const offset = node.type === "TaggedTemplateExpression" ? 1 : 0;
    callee.onValue((value, sure) => this.#call(value, values, { offset, spreadFrom, sure }, result));
    if (applied) {
      applied.onValue((value, sure) => {
        if (value.type !== "user") return;
        if (method === "bind") result.add(value);
        if (method === "apply") for (const parameter of value.params) parameter.markAnything();
        else
          this.#call(
            value,
            values.slice(1),
            { offset: 0, spreadFrom: spreadFrom === 0 ? 0 : spreadFrom - 1, sure },
            result,
          );
      });
    }
    if (!known) this.#callOutside(values, result);
    return result;
  }

  #literalMembers(argument: Syntax): { at: Syntax; node: FlowNode }[] {
    if (argument.type !== "ObjectExpression") return [];
    return argument.properties.flatMap((property): { at: Syntax; node: FlowNode }[] => {
      if (property.type === "SpreadElement") return [{ at: property, node: this.#flow.literalMembers }];
      return [{ at: property, node: this.#walked.get(property.value) ?? nothing }];
    });
  }

  #call(value: Value, args: readonly FlowNode[], { offset, spreadFrom, sure }: Shape, result: FlowNode): void {
    if (value.type === "user") {
      const rest = value.syntax?.params.findIndex(({ type }) => type === "RestElement") ?? -1;
      for (const [i, argument] of args.entries()) {
        const at = i + offset;
        const parameters =
          spreadFrom >= 0 && i >= spreadFrom
            ? value.params.slice(at)
            : [value.params[rest >= 0 && at > rest ? rest : at] ?? this.#flow.elements];
        for (const parameter of parameters) argument.flowTo(parameter, sure);
        if (this.#usesArguments(value.module)) argument.flowTo(this.#flow.elements);
      }
      value.returns.flowTo(result, sure);
    } else if (value.type === "native") {
      if (value.returns) result.add(value.returns());
      if (!value.callbacks) return;
      for (const argument of args) {
        argument.onValue((callback) => {
          if (callback.type !== "user") return;
          const given = value.callbackArgument?.();
          if (given) for (const parameter of callback.params) parameter.add(given);
          callback.returns.flowTo(result);
        });
      }
    }
  }

  readonly #argumentsUse = new Map<ScriptModule, boolean>();

  /** `arguments` of a function is as good as any array, if it is used at all. */
  #usesArguments(module: ScriptModule): boolean {
    const known = this.#argumentsUse.get(module) ?? module.names.globals.some(({ name }) => name === "arguments");
    this.#argumentsUse.set(module, known);
    return known;
  }

  #callOutside(args: readonly FlowNode[], result: FlowNode): void {
    result.markAnything();
    for (const argument of args) argument.flowTo(this.#flow.outside);
  }

  /** Whether a callee can only be functions of the script, or of k6: nothing unknown hides behind it. */
  #isKnown(target: Syntax): boolean {
    if (target.type === "Super" || isFunction(target)) return true;
    if (target.type === "MemberExpression")
      return target.object.type === "Identifier" && this.#isNativeImport(target.object);
    if (target.type !== "Identifier") return false;
    const binding = this.#module.names.bindings.get(target);
    if (!binding) return Object.hasOwn(nativeGlobals, target.name);
    if (binding.kind === "function" || binding.kind === "class") return true;
    if (binding.kind === "import") return this.#isNativeImport(target);
    if (binding.kind !== "const") return false;
    const declarator = this.#module.parents.get(binding.declaration);
    return (
      declarator?.type === "VariableDeclarator" && declarator.id === binding.declaration && isFunction(declarator.init)
    );
  }

  #isNativeImport(identifier: Identifier): boolean {
    const binding = this.#module.names.bindings.get(identifier);
    if (binding?.kind !== "import") return false;
    const specifier = this.#module.parents.get(binding.declaration);
    const declaration = specifier && this.#module.parents.get(specifier);
    if (declaration?.type !== "ImportDeclaration") return false;
    return this.#module.imports.get(String(declaration.source.value))?.kind === "native";
  }

  #requireTarget(node: CallSyntax): FlowNode | undefined {
    if (node.type !== "CallExpression" || !isRequire(node, this.#module)) return undefined;
    const [argument] = node.arguments;
    return argument && this.#importedBy(argument);
  }

  #importedBy(argument: Syntax): FlowNode {
    if (argument.type !== "Literal" || typeof argument.value !== "string") return nothing;
    const target = this.#module.imports.get(argument.value);
    return target ? this.#namespaceOf(target) : nothing;
  }

  #namespaceOf(target: ImportTarget): FlowNode {
    const node = new FlowNode();
    if (target.kind === "native") node.add(this.#flow.native(target.name));
    else if (target.kind === "node") return this.#flow.anything();
    else if (target.module.format === "cjs") return this.#flow.property("exports");
    else node.add(this.#flow.namespace(target.module));
    return node;
  }

  #walkImport(node: ImportDeclaration): void {
    const target = this.#module.imports.get(String(node.source.value));
    if (!target) return;
    const namespace = this.#namespaceOf(target);
    for (const specifier of node.specifiers) {
      const local = this.#variable(specifier.local);
      if (!local) continue;
      if (specifier.type === "ImportNamespaceSpecifier") {
        namespace.flowTo(local);
        continue;
      }
      const name = specifier.type === "ImportDefaultSpecifier" ? "default" : moduleExportName(specifier.imported);
      if (name === "asyncRequest") this.#flow.usesPromises = true;
      // The default export of a CommonJS module is what it exports.
      if (name === "default" && target.kind === "script" && target.module.format === "cjs") namespace.flowTo(local);
      const isScriptCommonJs = target.kind === "script" && target.module.format === "cjs";
      (isScriptCommonJs ? this.#flow.read(namespace, name) : this.#flow.readExport(namespace, name)).flowTo(local);
      if (target.kind === "node") local.markAnything();
    }
  }

  #walkExport(node: Extract<Syntax, { type: `Export${string}Declaration` }>, owner: UserFunction): void {
    const exported = (name: string): FlowNode => this.#flow.exported(this.#module, name);
    if (node.type === "ExportDefaultDeclaration") {
      this.#walk(node.declaration, owner).flowTo(exported("default"));
      return;
    }
    const source = node.source ? this.#module.imports.get(String(node.source.value)) : undefined;
    if (node.type === "ExportAllDeclaration") {
      if (!source) return;
      if (node.exported) this.#namespaceOf(source).flowTo(exported(moduleExportName(node.exported)));
      // `export *` is followed name by name where the importing module asks, through the linked module itself.
      else if (source.kind === "script") this.#reexportAll(source.module);
      return;
    }
    if (node.declaration) {
      this.#walk(node.declaration, owner);
      for (const name of declaredNames(node.declaration)) this.#variable(name)?.flowTo(exported(name.name));
    }
    for (const { local, exported: as } of node.specifiers) {
      const name = moduleExportName(as);
      if (source) this.#flow.read(this.#namespaceOf(source), moduleExportName(local)).flowTo(exported(name));
      else if (local.type === "Identifier") this.#variable(local)?.flowTo(exported(name));
    }
  }

  #reexportAll(from: ScriptModule): void {
    for (const name of exportNamesOf(from, new Set())) {
      if (name !== "default") this.#flow.exported(from, name).flowTo(this.#flow.exported(this.#module, name));
    }
  }
}

function union(a: FlowNode, b: FlowNode): FlowNode {
  const node = new FlowNode();
  a.flowTo(node);
  b.flowTo(node);
  return node;
}
