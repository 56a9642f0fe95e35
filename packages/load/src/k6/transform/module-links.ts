import type { ExportAllDeclaration, ExportNamedDeclaration, Identifier, ImportDeclaration } from "acorn";
import type { Flow } from "./flow.ts";
import { declaredNames, exportNamesOf, isRequire, moduleExportName } from "./module-syntax.ts";
import type { ImportTarget, ScriptModule } from "./script-module.ts";
import type { Syntax } from "./syntax.ts";
import { type CallSyntax, FlowNode } from "./values.ts";

const { nothing } = FlowNode;

/** What a module's names stand for in other modules: its imports, what it requires, its exports. */
export class ModuleLinks {
  readonly #flow: Flow;
  readonly #module: ScriptModule;

  constructor(flow: Flow, module: ScriptModule) {
    this.#flow = flow;
    this.#module = module;
  }

  /** What a name of the module may be; undefined for a name that the module does not declare. */
  variable(identifier: Identifier): FlowNode | undefined {
    const binding = this.#module.names.bindings.get(identifier);
    return binding && this.#flow.binding(binding);
  }

  /** Whether a name is imported from k6. */
  isNative(identifier: Identifier): boolean {
    const binding = this.#module.names.bindings.get(identifier);
    if (binding?.kind !== "import") return false;
    const specifier = this.#module.parents.get(binding.declaration);
    const declaration = specifier && this.#module.parents.get(specifier);
    if (declaration?.type !== "ImportDeclaration") return false;
    return this.#module.imports.get(String(declaration.source.value))?.kind === "native";
  }

  /** What `require` gives; undefined for any other call. */
  requiredBy(node: CallSyntax): FlowNode | undefined {
    if (node.type !== "CallExpression" || !isRequire(node, this.#module)) return undefined;
    const [argument] = node.arguments;
    return argument && this.importedBy(argument);
  }

  /** The module that a literal names. */
  importedBy(argument: Syntax): FlowNode {
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

  addImport(node: ImportDeclaration): void {
    const target = this.#module.imports.get(String(node.source.value));
    if (!target) return;
    const namespace = this.#namespaceOf(target);
    for (const specifier of node.specifiers) {
      const local = this.variable(specifier.local);
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

  /** What a declaration exports, but for its own values: whoever walks those calls this afterwards. */
  addExport(node: ExportNamedDeclaration | ExportAllDeclaration): void {
    const exported = (name: string): FlowNode => this.#flow.exported(this.#module, name);
    const source = node.source ? this.#module.imports.get(String(node.source.value)) : undefined;
    if (node.type === "ExportAllDeclaration") {
      if (!source) return;
      if (node.exported) this.#namespaceOf(source).flowTo(exported(moduleExportName(node.exported)));
      // `export *` is followed name by name where the importing module asks, through the linked module itself.
      else if (source.kind === "script") this.#reexportAll(source.module);
      return;
    }
    if (node.declaration) {
      for (const name of declaredNames(node.declaration)) this.variable(name)?.flowTo(exported(name.name));
    }
    for (const { local, exported: as } of node.specifiers) {
      const name = moduleExportName(as);
      if (source) this.#flow.read(this.#namespaceOf(source), moduleExportName(local)).flowTo(exported(name));
      else if (local.type === "Identifier") this.variable(local)?.flowTo(exported(name));
    }
  }

  #reexportAll(from: ScriptModule): void {
    for (const name of exportNamesOf(from, new Set())) {
      if (name !== "default") this.#flow.exported(from, name).flowTo(this.#flow.exported(this.#module, name));
    }
  }
}
