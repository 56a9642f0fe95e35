import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { type MettleError, messageOf } from "@mettle/core";
import type { Ajv2020, ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import type * as yaml from "yaml";
import { loadErrors } from "../engine/errors.ts";
import { noteFileRead } from "../engine/file-reads.ts";
import type { LoadTest } from "../engine/load-test.ts";
import { csvRows, jsonRows } from "./data-files.ts";
import { withFiles } from "./declarative-files.ts";
import { type DeclaredHttp, httpDefaultsOf } from "./declarative-http.ts";
import { declarativeSchema } from "./declarative-schema.ts";
import { doSteps, type Scope, type Step } from "./declarative-steps.ts";
import { defineLoad, type ScenarioDefinition } from "./define-load.ts";
import { fillIn } from "./fill-in.ts";
import type { LoadUser } from "./load-user.ts";

export interface DeclarativeParameters {
  /** YAML or JSON. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A load test as the declarative form writes it, checked against its schema. */
interface Declared {
  readonly http?: DeclaredHttp;
  readonly variables?: Readonly<Record<string, string | number | boolean>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly setup?: readonly Step[];
  readonly teardown?: readonly Step[];
  readonly scenarios: Readonly<Record<string, Omit<ScenarioDefinition, "run"> & { readonly steps: readonly Step[] }>>;
  readonly thresholds?: Readonly<Record<string, unknown>>;
  readonly [option: string]: unknown;
}

/**
 * Loads a declarative load test: called in every thread.
 *
 * @throws MettleError `LOAD_SCRIPT_UNREADABLE`, `LOAD_SCRIPT_INVALID` with lines, `LOAD_DATA_INVALID`
 */
export function declarativeLoad({ file, env }: DeclarativeParameters): LoadTest {
  const declared = readDeclared(file);
  const { http = {}, variables = {}, data = {}, scenarios, ...rest } = declared;
  const { setup: before, teardown: after, ...options } = rest;
  const folder = dirname(file);
  const setup = before && withFiles(before, folder);
  const teardown = after && withFiles(after, folder);
  // The command line wins over the file, and the file over whatever happens to be in the environment.
  const known: Scope = new Map<string, unknown>(Object.entries({ ...process.env, ...variables, ...env }));
  const tables = Object.entries(data).map(([name, path]) => [name, rowsOf(resolve(folder, path))] as const);
  const scopeOf = (user: LoadUser, captured: unknown): Scope => {
    const rows = tables.map(([name, rows]): [string, unknown] => [name, user.row(rows)]);
    return new Map<string, unknown>([
      ...known,
      ...Object.entries(captured ?? {}),
      ...rows,
      ["user", { id: user.id, iteration: user.iteration }],
    ]);
  };
  const filled = (text: string): string => filledIn(text, known, file);
  return defineLoad<unknown>({
    ...options,
    http: httpDefaultsOf(http, folder, filled),
    ...(setup && { setup: (user) => onceCaptured(setup, user, scopeOf(user, {}), known) }),
    ...(teardown && { teardown: (user, captured) => doSteps(teardown, user, scopeOf(user, captured)) }),
    scenarios: Object.fromEntries(
      Object.entries(scenarios).map(([name, { steps: written, ...scenario }]): [string, ScenarioDefinition] => {
        const steps = withFiles(written, folder);
        return [name, { ...scenario, run: (user) => doSteps(steps, user, scopeOf(user, user.data)) }];
      }),
    ),
  });
}

/** Does setup's steps. @returns what they captured, which every user then knows */
async function onceCaptured(
  steps: readonly Step[],
  user: LoadUser<undefined>,
  scope: Scope,
  before: Scope,
): Promise<unknown> {
  await doSteps(steps, user, scope);
  return Object.fromEntries([...scope].filter(([name, value]) => before.get(name) !== value && name !== "user"));
}

const rowsOf = (path: string): readonly unknown[] => (path.endsWith(".json") ? jsonRows(path) : csvRows(path));

function filledIn(text: string, scope: Scope, file: string): string {
  try {
    return fillIn(text, scope);
  } catch (cause) {
    throw loadErrors.create("LOAD_SCRIPT_INVALID", `${file}: ${messageOf(cause)}.`, {
      details: { file },
      cause,
      next: "Name it under variables, or give it with --env NAME=VALUE.",
    });
  }
}

function readDeclared(file: string): Declared {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
    noteFileRead(resolve(file));
  } catch (cause) {
    throw loadErrors.create("LOAD_SCRIPT_UNREADABLE", `${file} cannot be read: ${messageOf(cause)}`, {
      details: { file },
      cause,
    });
  }
  const { LineCounter, parseDocument } = load("yaml") as typeof yaml;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw invalid(file, [`line ${line}, column ${col}: ${broken.message.split("\n")[0]}`]);
  }
  const value: unknown = document.toJS();
  const validate = validator();
  if (validate(value)) return value as Declared;
  const positionOf = (path: string): string => {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => (/^\d+$/.test(key) ? Number(key) : key.replaceAll("~1", "/").replaceAll("~0", "~")));
    const node = document.getIn(keys, true) as { readonly range?: readonly [number, number, number] } | undefined;
    return node?.range ? `line ${lines.linePos(node.range[0]).line}: ` : "";
  };
  throw invalid(
    file,
    problemsOf(validate.errors ?? []).map(({ path, problem }) => `${positionOf(path)}${path || "the file"} ${problem}`),
  );
}

const invalid = (file: string, problems: readonly string[]): MettleError =>
  loadErrors.create("LOAD_SCRIPT_INVALID", `${file} is no load test:\n- ${problems.join("\n- ")}`, {
    details: { file, problems },
    next: "See the declarative form in docs/load-testing.md.",
  });

/** Of what only declarative load tests need, when one is read: most are scripts. */
const load = createRequire(import.meta.url);

let compiled: ValidateFunction | undefined;

function validator(): ValidateFunction {
  if (compiled) return compiled;
  const { Ajv2020: Validator } = load("ajv/dist/2020.js") as { Ajv2020: typeof Ajv2020 };
  compiled = new Validator({
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
  }).compile(declarativeSchema);
  return compiled;
}

interface Problem {
  readonly path: string;
  readonly problem: string;
}

/** The errors that say something: those of alternatives that were not meant are left out, deepest first. */
function problemsOf(errors: readonly ErrorObject[]): readonly Problem[] {
  const meaningful = errors.filter(
    ({ keyword }) => keyword !== "anyOf" && keyword !== "oneOf" && keyword !== "required",
  );
  const told = meaningful.length > 0 ? meaningful : errors;
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split("/").length;
  const deepest = Math.max(...told.map(depth));
  const problems = told
    .filter((error) => depth(error) === deepest || error.keyword === "type")
    .map(({ instancePath, message = "", params }): Problem => {
      const { additionalProperty } = params as { readonly additionalProperty?: string };
      return {
        path: instancePath,
        problem: additionalProperty === undefined ? message : `has no setting ${JSON.stringify(additionalProperty)}`,
      };
    });
  return [...new Map(problems.map((each) => [`${each.path} ${each.problem}`, each])).values()].slice(0, 10);
}
