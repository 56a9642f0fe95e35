import type { Class, Identifier, Pattern, Property, SpreadElement } from "acorn";
import { CallFlow } from "./call-flow.ts";
import type { Flow } from "./flow.ts";
import { ModuleLinks } from "./module-links.ts";
import { keyName, memberName, unwrap } from "./module-syntax.ts";
import { nativeGlobals } from "./native-model.ts";
import type { ScriptModule } from "./script-module.ts";
import { childrenOf, type FunctionSyntax, isFunction, type Syntax } from "./syntax.ts";
import { type CallSite, type CallSyntax, FlowNode, UserFunction } from "./values.ts";

const { nothing } = FlowNode;

/** Globals whose members are the language's own. */
const builtInObjects: ReadonlySet<string> = new Set(
  "console Math JSON Object Array Number String Date Reflect Promise Symbol".split(" "),
);

/** Adds one module's constraints to the flow. */
export class ModuleFlow {
  readonly #flow: Flow;
  readonly #module: ScriptModule;
  readonly #links: ModuleLinks;
  readonly #calls: CallFlow;

  constructor(flow: Flow, module: ScriptModule) {
    this.#flow = flow;
    this.#module = module;
    this.#links = new ModuleLinks(flow, module);
    this.#calls = new CallFlow(flow);
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
        this.#links.addImport(node);
        return nothing;
      case "ImportExpression":
        this.#flow.usesPromises = true;
        this.#walk(node.source, owner);
        return this.#links.importedBy(node.source);
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
    const variable = this.#links.variable(node);
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
    if (node.type !== "ArrowFunctionExpression" && node.id) this.#links.variable(node.id)?.add(made);
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
        const variable = this.#links.variable(target);
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
    if (node.id) this.#links.variable(node.id)?.add(constructor);
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
    const required = this.#links.requiredBy(node);
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
    callee.onValue((value, sure) => this.#calls.add(value, values, { offset, spreadFrom, sure }, result));
    if (applied) {
      applied.onValue((value, sure) => {
        if (value.type !== "user") return;
        if (method === "bind") result.add(value);
        if (method === "apply") for (const parameter of value.params) parameter.markAnything();
        else
          this.#calls.add(
            value,
            values.slice(1),
            { offset: 0, spreadFrom: spreadFrom === 0 ? 0 : spreadFrom - 1, sure },
            result,
          );
      });
    }
    if (!known) this.#calls.addOutside(values, result);
    return result;
  }

  #literalMembers(argument: Syntax): { at: Syntax; node: FlowNode }[] {
    if (argument.type !== "ObjectExpression") return [];
    return argument.properties.flatMap((property): { at: Syntax; node: FlowNode }[] => {
      if (property.type === "SpreadElement") return [{ at: property, node: this.#flow.literalMembers }];
      return [{ at: property, node: this.#walked.get(property.value) ?? nothing }];
    });
  }

  /** Whether a callee can only be functions of the script, or of k6: nothing unknown hides behind it. */
  #isKnown(target: Syntax): boolean {
    if (target.type === "Super" || isFunction(target)) return true;
    if (target.type === "MemberExpression")
      return target.object.type === "Identifier" && this.#links.isNative(target.object);
    if (target.type !== "Identifier") return false;
    const binding = this.#module.names.bindings.get(target);
    if (!binding) return Object.hasOwn(nativeGlobals, target.name);
    if (binding.kind === "function" || binding.kind === "class") return true;
    if (binding.kind === "import") return this.#links.isNative(target);
    if (binding.kind !== "const") return false;
    const declarator = this.#module.parents.get(binding.declaration);
    return (
      declarator?.type === "VariableDeclarator" && declarator.id === binding.declaration && isFunction(declarator.init)
    );
  }

  #walkExport(node: Extract<Syntax, { type: `Export${string}Declaration` }>, owner: UserFunction): void {
    if (node.type === "ExportDefaultDeclaration") {
      this.#walk(node.declaration, owner).flowTo(this.#flow.exported(this.#module, "default"));
      return;
    }
    if (node.type === "ExportNamedDeclaration" && node.declaration) this.#walk(node.declaration, owner);
    this.#links.addExport(node);
  }
}

function union(a: FlowNode, b: FlowNode): FlowNode {
  const node = new FlowNode();
  a.flowTo(node);
  b.flowTo(node);
  return node;
}
