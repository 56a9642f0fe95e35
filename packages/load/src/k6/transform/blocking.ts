import type { CallExpression } from "acorn";
import type { Flow } from "./flow.ts";
import { isRequire, unwrap } from "./module-syntax.ts";
import type { Refusal } from "./refusal.ts";
import type { ScriptModule } from "./script-module.ts";
import { isFunction, type Syntax } from "./syntax.ts";
import type { CallSite, FlowNode, UserFunction } from "./values.ts";

/** Methods of arrays, maps and sets that the runtime can run one call after another when their function waits. */
const emulatedMethods: ReadonlySet<string> = new Set([
  "forEach",
  "map",
  "filter",
  "some",
  "every",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "reduce",
  "reduceRight",
  "flatMap",
]);

/** Built-in methods that keep or pass on what they are given, and call none of it. */
const keepingMethods: ReadonlySet<string> = new Set(
  "push unshift set add concat splice fill with includes indexOf lastIndexOf has delete get assign freeze seal entries values keys of resolve reject all allSettled race any log info warn error debug stringify hasOwn isArray bind toString is".split(
    " ",
  ),
);

/** Built-in functions and classes that call nothing they are given. */
const keepingGlobals: ReadonlySet<string> = new Set(
  "Number String Boolean BigInt Symbol Object Array Map Set WeakMap WeakSet WeakRef Error TypeError RangeError Date RegExp parseInt parseFloat isNaN isFinite encodeURIComponent encodeURI decodeURIComponent Uint8Array ArrayBuffer".split(
    " ",
  ),
);

const promiseMethods: ReadonlySet<string> = new Set(["then", "catch", "finally"]);
const comparators: ReadonlySet<string> = new Set(["sort", "toSorted"]);

/** What the language itself calls, in places that cannot wait. */
const implicitlyCalled = ["toString", "valueOf", "toJSON", "then"] as const;

/**
 * Decides which functions have to become async and how each call is written, and collects what cannot be done.
 * A call waits when something it may call waits; a function waits when one of its calls does.
 */
export function decideWaiting(flow: Flow): Refusal[] {
  for (let changed = true; changed; ) {
    changed = false;
    for (const call of flow.calls) if (decideCall(call, flow)) changed = true;
    if (flow.learnOutside()) changed = true;
  }
  return [...flow.calls.flatMap((call) => callRefusals(call, flow)), ...functionRefusals(flow)].toSorted(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** True when it learnt something. */
function decideCall(call: CallSite, flow: Flow): boolean {
  const mode = modeOf(call, flow);
  let changed = mode !== call.mode;
  call.mode = mode;
  const { caller } = call;
  if (mode !== "plain" && !caller.waits) {
    caller.waits = true;
    changed = true;
  }
  const starts = (mode !== "plain" && caller.isAsync && !caller.isGenerator) || startsWaiting(call, flow);
  if (starts && !caller.startsWaiting && caller.kind !== "module") {
    caller.startsWaiting = true;
    changed = true;
  }
  return changed;
}

const becomesAsync = (f: UserFunction): boolean => f.becomesAsync && !f.isGenerator;
const isStartedWaiting = (f: UserFunction): boolean => f.startsWaiting;

/** Asked of every call in every round: without generators, and of what is beyond the analysis only one bit. */
function some(node: FlowNode, outside: boolean, predicate: (f: UserFunction) => boolean): boolean {
  if (node.isAnything && outside) return true;
  for (const value of node.values) if (value.type === "user" && predicate(value)) return true;
  return false;
}

const mayBecomeAsync = (node: FlowNode, flow: Flow): boolean => some(node, flow.outsideBecomesAsync, becomesAsync);
const mayStartWaiting = (node: FlowNode, flow: Flow): boolean =>
  some(node, flow.outsideStartsWaiting, isStartedWaiting);

const callsWaiting = (call: CallSite, flow: Flow): boolean =>
  mayBecomeAsync(call.callee, flow) || (call.applied !== undefined && mayBecomeAsync(call.applied, flow));

const someKnown = (node: FlowNode, predicate: (f: UserFunction) => boolean): boolean => {
  for (const f of node.knownFunctions()) if (predicate(f)) return true;
  return false;
};

/** Whether a call may start one of the script's own async functions that blocks first. */
export const startsWaiting = (call: CallSite, flow: Flow): boolean =>
  mayStartWaiting(call.callee, flow) || (call.applied !== undefined && mayStartWaiting(call.applied, flow));

const givesWaiting = (call: CallSite, flow: Flow): boolean =>
  call.argumentValues.some((node) => mayBecomeAsync(node, flow));

function modeOf(call: CallSite, flow: Flow): CallSite["mode"] {
  let waits = callsWaiting(call, flow);
  let dispatches = false;
  for (const value of flow.natives(call.callee)) {
    if (value.blocks) waits = true;
    if (
      value.callbacks === "during" &&
      (givesWaiting(call, flow) || (value.name === "check" && checkWaits(call, flow)))
    ) {
      dispatches = true;
    }
  }
  if (call.method !== undefined && emulatedMethods.has(call.method) && !call.known && givesWaiting(call, flow))
    dispatches = true;
  if (dispatches) return "dispatch";
  return waits ? "await" : "plain";
}

/** A check's functions stand in a literal, or in an object made elsewhere: then any member of any literal may be meant. */
function checkWaits(call: CallSite, flow: Flow): boolean {
  const [, checks] = call.syntax.type === "TaggedTemplateExpression" ? [] : call.syntax.arguments;
  if (checks?.type === "ObjectExpression") return call.literalValues.some(({ node }) => mayBecomeAsync(node, flow));
  return mayBecomeAsync(flow.literalMembers, flow) || mayBecomeAsync(flow.elements, flow);
}

function refusal(module: ScriptModule, node: Syntax, reason: string): Refusal {
  return { file: module.shownName, ...module.lines.position(node.start), reason };
}

function callRefusals(call: CallSite, flow: Flow): Refusal[] {
  const { module, syntax } = call;
  const reasons = [
    ...(call.mode === "plain" ? [] : placeReasons(call, flow)),
    ...unwaitedReasons(call, flow),
    ...analysisReasons(call),
  ];
  return [...reasons.map((reason) => refusal(module, syntax, reason)), ...argumentRefusals(call, flow)];
}

/** Why a call that waits cannot stand where it does. */
function placeReasons(call: CallSite, flow: Flow): string[] {
  const { caller, syntax, module } = call;
  if (caller.kind === "getter") return ["a getter cannot wait for a blocking call; make it a method"];
  if (caller.kind === "setter") return ["a setter cannot wait for a blocking call; make it a method"];
  if (caller.kind === "constructor") {
    return [
      "a constructor cannot wait for a blocking call; move the call to a method or to a function that builds the object",
    ];
  }
  if (caller.kind === "initializer")
    return ["a class field or static block cannot wait for a blocking call; move it to a method"];
  if (caller.isGenerator && !caller.isAsync) {
    return ["a generator cannot wait for a blocking call; collect the values in an array or make the call outside"];
  }
  if (syntax.type === "NewExpression" && callsWaiting(call, flow)) {
    return ["`new` cannot wait for a blocking call within the constructor; move the call to a method"];
  }
  if (call.mode === "dispatch" && syntax.type === "CallExpression") {
    const callee = unwrap(syntax.callee);
    if (callee.type === "MemberExpression" && callee.object.type === "Super") {
      return ["a method of `super` cannot be given a function that waits"];
    }
    if (hasOptional(syntax) && !isPlainOptional(syntax)) {
      return ["an optional chain cannot be given a function that waits; test the object first"];
    }
  }
  const parent = module.parents.get(syntax);
  if (parent && parent.type !== "ChainExpression" && isInChain(syntax, module)) {
    return ["a blocking call within an optional chain; store its result in a variable first"];
  }
  return [];
}

/** `object?.method(functions)`, whose only question is whether there is an object. */
function isPlainOptional(call: CallExpression): boolean {
  const { callee } = call;
  return (
    !call.optional && callee.type === "MemberExpression" && !hasOptional(callee.object) && call.arguments.every(isPure)
  );
}

const isPure = (node: Syntax): boolean => isFunction(node) || node.type === "Identifier" || node.type === "Literal";

/** Whether a node is an inner link of `a?.b().c`: then waiting for it would undo the short circuit. */
function isInChain(node: Syntax, module: ScriptModule): boolean {
  let below = node;
  for (let at = module.parents.get(node); at; at = module.parents.get(at)) {
    const isLink =
      (at.type === "MemberExpression" && at.object === below) || (at.type === "CallExpression" && at.callee === below);
    if (at.type === "ChainExpression") return hasOptional(node);
    if (!isLink) return false;
    below = at;
  }
  return false;
}

/** Whether something at or before this link may end the chain early. */
function hasOptional(node: Syntax): boolean {
  for (let at: Syntax = node; ; ) {
    if (at.type === "CallExpression") {
      if (at.optional) return true;
      at = at.callee;
    } else if (at.type === "MemberExpression") {
      if (at.optional) return true;
      at = at.object;
    } else {
      return false;
    }
  }
}

/** An async function that blocks first, as written, has to be awaited at once: its caller goes on only then in k6. */
function unwaitedReasons(call: CallSite, flow: Flow): string[] {
  if (!startsWaiting(call, flow) || isWaitedFor(call)) return [];
  return [
    "an async function that makes blocking calls is started without `await`; k6 would block here until its first `await`. Await it here, or use http.asyncRequest in it",
  ];
}

export function isWaitedFor(call: CallSite): boolean {
  let node: Syntax = call.syntax;
  let parent = call.module.parents.get(node);
  while (parent?.type === "ChainExpression" || parent?.type === "ParenthesizedExpression") {
    node = parent;
    parent = call.module.parents.get(node);
  }
  if (parent?.type === "AwaitExpression" || parent?.type === "ReturnStatement") return true;
  return parent?.type === "ArrowFunctionExpression" && parent.body === node;
}

/** What would escape the analysis altogether. */
function analysisReasons(call: CallSite): string[] {
  const { syntax, module } = call;
  if (syntax.type !== "CallExpression") return [];
  const { callee } = syntax;
  if (callee.type === "Identifier" && callee.name === "eval" && !module.names.bindings.has(callee)) {
    return ["`eval` hides calls from the analysis"];
  }
  if (isRequire(syntax, module)) {
    const [argument] = syntax.arguments;
    if (argument?.type !== "Literal")
      return ["`require` needs a fixed text, so that the module can be read beforehand"];
  }
  return [];
}

function argumentRefusals(call: CallSite, flow: Flow): Refusal[] {
  if (call.syntax.type === "TaggedTemplateExpression") return [];
  const { module } = call;
  const natives = [...flow.natives(call.callee)];
  const later = natives.some(({ callbacks }) => callbacks === "later");
  const during = natives.some(({ callbacks }) => callbacks === "during");
  const promise = call.method !== undefined && promiseMethods.has(call.method);
  const emulated = call.mode === "dispatch" && !during;
  const found: Refusal[] = [];
  const functions =
    call.callee.isAnything || call.callee.functions().next().done === false || call.applied !== undefined;
  for (const [i, node] of call.argumentValues.entries()) {
    const at = call.syntax.arguments[i] as Syntax;
    const calls =
      emulated ||
      during ||
      (!call.known && !promise && !isKept(call) && (!functions || emulatedMethods.has(call.method ?? "")));
    if (calls && !later && someKnown(node, isStartedWaiting)) {
      found.push(
        refusal(
          module,
          at,
          "an async function that makes blocking calls cannot be called by this; use a loop with `await`",
        ),
      );
    }
    if (call.known || later || promise || during || emulated || functions || isKept(call)) continue;
    if (!someKnown(node, becomesAsync)) continue;
    found.push(refusal(module, at, unknownReason(call)));
  }
  const literals = call.known || later || during || functions || isKept(call) ? [] : call.literalValues;
  for (const { at, node } of literals) {
    if (node !== flow.literalMembers && someKnown(node, becomesAsync))
      found.push(refusal(module, at, unknownReason(call)));
  }
  return found;
}

function isKept({ method, module, syntax }: CallSite): boolean {
  if (method !== undefined) return keepingMethods.has(method);
  const callee = syntax.type === "TaggedTemplateExpression" ? syntax.tag : syntax.callee;
  return callee.type === "Identifier" && !module.names.bindings.has(callee) && keepingGlobals.has(callee.name);
}

function unknownReason(call: CallSite): string {
  if (call.method !== undefined && comparators.has(call.method)) {
    return "a comparator cannot wait for a blocking call; fetch what it compares beforehand";
  }
  const name = call.method === undefined ? "this" : `\`${call.method}\``;
  return `${name} would call a function that makes blocking calls and cannot wait for it; make the calls in a loop of your own`;
}

function functionRefusals(flow: Flow): Refusal[] {
  const found: Refusal[] = [];
  for (const name of implicitlyCalled) {
    for (const f of flow.writtenAs(name).knownFunctions()) {
      if (!f.becomesAsync || !f.syntax || f.kind !== "plain") continue;
      found.push(
        refusal(f.module, f.syntax, `\`${name}\` is called by the language itself and cannot wait for a blocking call`),
      );
    }
  }
  for (const f of flow.functions) {
    if (!f.becomesAsync || !f.syntax) continue;
    const parent = f.module.parents.get(f.syntax);
    const isMember = parent?.type === "MethodDefinition" || parent?.type === "Property";
    if (!isMember || !parent.computed || !isSymbolKey(parent.key)) continue;
    found.push(
      refusal(f.module, f.syntax, "a method that the language calls by its symbol cannot wait for a blocking call"),
    );
  }
  return found;
}

const isSymbolKey = (key: Syntax): boolean =>
  key.type === "MemberExpression" && key.object.type === "Identifier" && key.object.name === "Symbol";
