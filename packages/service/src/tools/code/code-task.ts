import variant from "@jitl/quickjs-wasmfile-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  shouldInterruptAfterDeadline,
} from "quickjs-emscripten-core";

export interface CodeInput {
  readonly code: string;
  /** JSON. */
  readonly input: string;
  readonly timeMs: number;
  readonly memoryBytes: number;
}

export interface CodeOutput {
  /** JSON; undefined when the code's last value is not told in JSON. */
  readonly result: string | undefined;
  readonly printed: string;
  /** What the code threw, or why it was ended. */
  readonly error: string | undefined;
}

const printedAtMost = 20_000;
const resultAtMost = 1_000_000;
const stackBytes = 256 * 1024;

/**
 * Runs JavaScript in an interpreter of its own inside WebAssembly: it has the language and nothing else, no `require`, no
 * `process`, no network, no clock but Date. Each call has a new WebAssembly memory, so that nothing of another call is in it.
 */
export default async function work({ code, input, timeMs, memoryBytes }: CodeInput): Promise<CodeOutput> {
  const engine = await newQuickJSWASMModuleFromVariant(
    variant as unknown as Parameters<typeof newQuickJSWASMModuleFromVariant>[0],
  );
  using runtime = engine.newRuntime();
  runtime.setMemoryLimit(memoryBytes);
  runtime.setMaxStackSize(stackBytes);
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + timeMs));
  using context = runtime.newContext();
  const printed = new Printed();
  offer(context, input, printed);
  // Held before the code can put something else in its place.
  using json = context.getProp(context.global, "JSON");
  using stringify = context.getProp(json, "stringify");
  const evaluated = context.evalCode(code, "code.js", { type: "global" });
  if (evaluated.error) return { result: undefined, printed: printed.text, error: told(context, evaluated.error) };
  using value = evaluated.value;
  runtime.executePendingJobs(10_000);
  return finish(context, value, stringify, printed);
}

/** `input`, and `print` or `console.log`. */
function offer(context: QuickJSContext, input: string, printed: Printed): void {
  using text = context.newString(input);
  using json = context.getProp(context.global, "JSON");
  using parse = context.getProp(json, "parse");
  using value = context.unwrapResult(context.callFunction(parse, json, text));
  context.setProp(context.global, "input", value);
  using print = context.newFunction("print", (...values) =>
    printed.add(values.map((one) => textOf(context, one)).join(" ")),
  );
  context.setProp(context.global, "print", print);
  using log = context.newObject();
  context.setProp(log, "log", print);
  context.setProp(context.global, "console", log);
}

function finish(context: QuickJSContext, value: QuickJSHandle, stringify: QuickJSHandle, printed: Printed): CodeOutput {
  const promise = context.getPromiseState(value);
  if (promise.type === "pending")
    return { result: undefined, printed: printed.text, error: "The code waits for what never comes." };
  if (promise.type === "rejected")
    return { result: undefined, printed: printed.text, error: told(context, promise.error) };
  using settled = promise.notAPromise === true ? promise.value.dup() : promise.value;
  const written = context.callFunction(stringify, context.undefined, settled);
  if (written.error) return { result: undefined, printed: printed.text, error: told(context, written.error) };
  using text = written.value;
  if (context.typeof(text) !== "string") return { result: undefined, printed: printed.text, error: undefined };
  const length = context.getProp(text, "length").consume((handle) => context.getNumber(handle));
  if (length > resultAtMost) {
    return { result: undefined, printed: printed.text, error: `The result has more than ${resultAtMost} characters.` };
  }
  return { result: context.getString(text), printed: printed.text, error: undefined };
}

/** A thrown value in words. Reading it runs nothing of the code's: a getter may be a trap. */
function told(context: QuickJSContext, error: QuickJSHandle): string {
  using held = error;
  const thrown: unknown = context.dump(held);
  if (typeof thrown !== "object" || thrown === null) return String(thrown).slice(0, 500);
  const { name, message } = thrown as { readonly name?: unknown; readonly message?: unknown };
  if (name === "InternalError" && message === "interrupted") return "It took too long.";
  return `${String(name)}: ${String(message)}`.slice(0, 500);
}

function textOf(context: QuickJSContext, handle: QuickJSHandle): string {
  const value: unknown = context.dump(handle);
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

class Printed {
  text = "";

  add(line: string): void {
    if (this.text.length < printedAtMost) this.text += `${line.slice(0, printedAtMost - this.text.length)}\n`;
  }
}
