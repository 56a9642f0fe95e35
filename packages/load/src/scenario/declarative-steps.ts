import { parseDurationMs } from "@mettle/core";
import { MultipartForm } from "../http/multipart.ts";
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
  readonly multipart?: readonly PartStep[];
  readonly compress?: NonNullable<RequestOptions["compress"]>;
  readonly auth?: NonNullable<RequestOptions["auth"]>;
  readonly redirects?: number;
  readonly events?: true;
  readonly timeout?: string | number;
  readonly tags?: Texts;
  readonly check?: CheckStep;
  readonly capture?: Readonly<Record<string, string>>;
}

/** A part of a form: its value, or the file whose content it is. */
interface PartStep {
  readonly name: string;
  readonly value?: string;
  readonly file?: string;
  readonly contentType?: string;
  /** What was read of `file`. */
  readonly content?: Uint8Array;
  readonly filename?: string;
}

interface SocketStep {
  readonly websocket: string;
  readonly name?: string;
  readonly headers?: Texts;
  readonly send?: readonly string[];
  readonly receive?: number;
  readonly timeout?: string | number;
  readonly check?: { readonly contains: string };
}

export type Step =
  | RequestStep
  | SocketStep
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
  } else if ("websocket" in step) await doSocket(step, user, scope);
  else await doRequest(step, user, scope);
}

async function doSocket(step: SocketStep, user: LoadUser, scope: Scope): Promise<void> {
  const { websocket, send = [], receive = send.length, name = websocket.split("?", 1)[0] ?? websocket, check } = step;
  await using socket = await user.webSocket(fillIn(websocket, scope), { name, headers: textsOf(step.headers, scope) });
  for (const text of send) socket.send(fillIn(text, scope));
  let contains = false;
  for (let i = 0; i < receive; i++) {
    const message = await socket.next(milliseconds(step.timeout ?? 60_000));
    if (check) contains ||= String(message).includes(fillIn(check.contains, scope));
  }
  if (check) user.check(`a message contains ${check.contains}`, contains);
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
    ...(step.compress && { compress: step.compress }),
    ...(step.auth && {
      auth: { ...step.auth, ...textsOf({ username: step.auth.username, password: step.auth.password }, scope) },
    }),
    ...(step.redirects !== undefined && { maxRedirects: step.redirects }),
    ...(step.events && { onEvent: () => {}, responseBody: "text" }),
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
  if (step.multipart) {
    return new MultipartForm(
      step.multipart.map(({ name, value = "", content, filename, contentType }) => ({
        name,
        value: content ?? fillIn(value, scope),
        ...(filename !== undefined && { filename }),
        ...(contentType !== undefined && { contentType }),
      })),
    );
  }
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
