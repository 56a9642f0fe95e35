import { parseDurationMs } from "@mettle/core";
import { requestMethods } from "./declarative-schema.ts";
import { fillIn, fillInAll, valueAt } from "./fill-in.ts";
import type { LoadUser } from "./load-user.ts";
import type { LoadResponse, RequestOptions } from "./user-http.ts";

/** What steps of one iteration know by name: variables, the row of each data file, what was captured. */
export type Scope = Map<string, unknown>;

type Texts = Readonly<Record<string, string | number | boolean>>;

interface CheckStep {
  readonly status?: number | readonly number[];
  readonly below?: string | number;
  readonly contains?: string;
  readonly json?: Readonly<Record<string, unknown>>;
  readonly header?: Texts;
}

/** A request; exactly one of the methods is there. */
interface RequestStep extends Readonly<Partial<Record<(typeof requestMethods)[number], string>>> {
  readonly name?: string;
  readonly headers?: Texts;
  readonly query?: Texts;
  readonly json?: unknown;
  readonly body?: string;
  readonly form?: Texts;
  readonly timeout?: string | number;
  readonly tags?: Texts;
  readonly check?: CheckStep;
  readonly capture?: Readonly<Record<string, string>>;
}

export type Step =
  | RequestStep
  | { readonly think: string | number }
  | { readonly group: string; readonly steps: readonly Step[] }
  | { readonly repeat: number; readonly steps: readonly Step[] }
  | { readonly choose: readonly { readonly weight: number; readonly steps: readonly Step[] }[] };

/** Does the steps one after the other. */
export async function doSteps(steps: readonly Step[], user: LoadUser, scope: Scope): Promise<void> {
  for (const step of steps) await doStep(step, user, scope);
}

async function doStep(step: Step, user: LoadUser, scope: Scope): Promise<void> {
  if ("think" in step) await think(step.think, user);
  else if ("group" in step) await user.group(step.group, () => doSteps(step.steps, user, scope));
  else if ("repeat" in step) for (let i = 0; i < step.repeat; i++) await doSteps(step.steps, user, scope);
  else if ("choose" in step) {
    const weights = Object.fromEntries(step.choose.map(({ weight }, index) => [String(index), weight]));
    await doSteps(step.choose[Number(user.choose(weights))]?.steps ?? [], user, scope);
  } else await doRequest(step, user, scope);
}

/** `2s`, or `1s-3s` for something between. */
function think(given: string | number, user: LoadUser): Promise<void> {
  const [from, to] = String(given).split("-");
  return to === undefined ? user.sleep(given) : user.think((from ?? "").trim(), to.trim());
}

async function doRequest(step: RequestStep, user: LoadUser, scope: Scope): Promise<void> {
  const method = requestMethods.find((each) => step[each] !== undefined);
  if (!method) throw new Error("a step is neither a request nor think, group, repeat or choose");
  const written = step[method] ?? "";
  const options: RequestOptions = {
    // The path as written, so that ids filled in do not make a name each.
    name: step.name ?? `${method.toUpperCase()} ${written.split("?", 1)[0]}`,
    headers: {
      ...(step.form && { "Content-Type": "application/x-www-form-urlencoded" }),
      ...textsOf(step.headers, scope),
    },
    ...(step.query && { query: textsOf(step.query, scope) }),
    ...(step.tags && { tags: textsOf(step.tags, scope) }),
    ...(step.timeout !== undefined && { timeoutMs: milliseconds(step.timeout) }),
    ...(step.check?.status !== undefined && { expect: [step.check.status].flat() }),
  };
  const response = await user.http.request(method.toUpperCase(), fillIn(written, scope), bodyOf(step, scope), options);
  if (step.check) checkResponse(step.check, response, user, scope);
  for (const [name, path] of Object.entries(step.capture ?? {})) scope.set(name, captured(path, response));
}

const milliseconds = (given: string | number): number => (typeof given === "number" ? given : parseDurationMs(given));

function textsOf(texts: Texts | undefined, scope: Scope): Record<string, string> {
  return Object.fromEntries(Object.entries(texts ?? {}).map(([name, value]) => [name, fillIn(String(value), scope)]));
}

function bodyOf(step: RequestStep, scope: Scope): string | object | undefined {
  if (step.json !== undefined) return JSON.stringify(fillInAll(step.json, scope));
  if (step.form) return new URLSearchParams(textsOf(step.form, scope)).toString();
  return step.body === undefined ? undefined : fillIn(step.body, scope);
}

function checkResponse(check: CheckStep, response: LoadResponse, user: LoadUser, scope: Scope): void {
  const { status, below, contains } = check;
  if (status !== undefined) {
    const statuses = [status].flat();
    user.check(`status is ${statuses.join(" or ")}`, statuses.includes(response.status));
  }
  if (below !== undefined) user.check(`takes less than ${below}`, response.timings.duration < milliseconds(below));
  if (contains !== undefined) user.check(`contains ${contains}`, response.text.includes(fillIn(contains, scope)));
  for (const [name, value] of Object.entries(check.header ?? {})) {
    user.check(`header ${name} is ${value}`, response.header(name) === fillIn(String(value), scope));
  }
  for (const [path, value] of Object.entries(check.json ?? {})) {
    user.check(response, {
      [`${path} is ${JSON.stringify(value)}`]: (each) =>
        JSON.stringify(valueAt(each.json(), path)) === JSON.stringify(fillInAll(value, scope)),
    });
  }
}

/** `json.items[0].id`, `header.location`, `status` or `body`. */
function captured(path: string, response: LoadResponse): unknown {
  if (path === "status") return response.status;
  if (path === "body") return response.text;
  if (path.startsWith("header.")) return response.header(path.slice("header.".length));
  const inside = path.replace(/^json\.?/, "");
  try {
    return valueAt(response.json(), inside);
  } catch (cause) {
    throw new Error(`${path} cannot be captured: the body of status ${response.status} is no JSON`, { cause });
  }
}
