import { createRequire } from "node:module";
import type { Ajv2020, ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { contradictions } from "./consistency.ts";
import { resultsErrors } from "./errors.ts";
import { childPath, listProblems, type Problem } from "./problem.ts";
import { type Run, runSchema } from "./run.ts";
import { runDocumentSchema } from "./schema.ts";

export interface CheckOptions {
  /** Names the document in messages: a path, a URL. @defaultValue "the run document" */
  readonly source?: string;
}

/** Beyond this, one wrong array could hold millions of errors: the first one then has to do. */
const ALL_ERRORS_UP_TO = 200_000;

/** Compiled at first use: Ajv takes 40 ms of CPU to load, and most commands read no run. */
const compiled: { first?: ValidateFunction; all?: ValidateFunction } = {};
function validator(allErrors: boolean): ValidateFunction {
  const slot = allErrors ? "all" : "first";
  const known = compiled[slot];
  if (known) return known;
  const load = createRequire(import.meta.url);
  const { Ajv2020: Validator } = load("ajv/dist/2020.js") as { Ajv2020: typeof Ajv2020 };
  // That the schema itself is one is tested; asking Ajv again at each start would double the time that compiling takes.
  const trusted = { meta: false, validateSchema: false } as const;
  const ajv = new Validator({
    allErrors,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
    strictTypes: false,
    ...trusted,
  });
  const validate = ajv.compile(runDocumentSchema);
  compiled[slot] = validate;
  return validate;
}

/** Every place where a value is not a run document by the schema; empty when it is one. */
export function schemaProblems(value: unknown): readonly Problem[] {
  if (validator(false)(value)) return [];
  const validate = isSmall(value) ? validator(true) : validator(false);
  validate(value);
  return (validate.errors ?? []).map((error) => ({
    path: pathOf(error.instancePath, value),
    message: describe(error),
  }));
}

/** True when the value has few enough parts that all its errors can be listed. */
function isSmall(value: unknown): boolean {
  const pending: unknown[] = [value];
  let parts = 0;
  while (pending.length > 0) {
    const part = pending.pop();
    if (typeof part !== "object" || part === null) continue;
    const inner: unknown[] = Array.isArray(part) ? part : Object.values(part);
    parts += inner.length;
    if (parts > ALL_ERRORS_UP_TO) return false;
    for (const each of inner) if (typeof each === "object") pending.push(each);
  }
  return true;
}

/** A JSON pointer as a JSON path; digits index arrays and name members of objects. */
function pathOf(pointer: string, root: unknown): string {
  let path = "$";
  let at = root;
  for (const step of pointer.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    path = childPath(path, Array.isArray(at) ? Number(key) : key);
    at = (at as Record<string, unknown> | null)?.[key];
  }
  return path;
}

function describe(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "required":
      return `${String(params["missingProperty"])} is missing`;
    case "enum":
      return `must be one of ${(params["allowedValues"] as string[]).join(", ")}; is ${shown(error.data)}`;
    case "const":
      return `must be ${JSON.stringify(params["allowedValue"])}; is ${shown(error.data)}`;
    default:
      return `${error.message ?? error.keyword}; is ${shown(error.data)}`;
  }
}

const SHOWN = 60;
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/**
 * Accepts a value as a run document or says everything that is wrong with it.
 *
 * @returns the same value, not a copy; unknown properties stay
 * @throws MettleError `RUN_VERSION_UNSUPPORTED`, `RUN_INVALID` (schema) or `RUN_INCONSISTENT` (figures that contradict
 * each other); `details.problems` lists every `{path, message}`
 */
export function checkRun(value: unknown, options: CheckOptions = {}): Run {
  const source = options.source ?? "the run document";
  checkVersion(value, source);
  const invalid = schemaProblems(value);
  if (invalid.length > 0) {
    throw resultsErrors.create("RUN_INVALID", `${source} is not a run document:\n${listProblems(invalid)}`, {
      details: { source, problems: invalid },
    });
  }
  const run = value as Run;
  const inconsistent = contradictions(run);
  if (inconsistent.length > 0) {
    throw resultsErrors.create("RUN_INCONSISTENT", `${source} contradicts itself:\n${listProblems(inconsistent)}`, {
      details: { source, problems: inconsistent },
    });
  }
  return run;
}

function checkVersion(value: unknown, source: string): void {
  if (typeof value !== "object" || value === null || !("schema" in value)) return;
  const version = value.schema;
  if (version === runSchema || typeof version !== "string" || !/^mettle\.run\/\d+/.test(version)) return;
  throw resultsErrors.create("RUN_VERSION_UNSUPPORTED", `${source} is ${version}; this version reads ${runSchema}.`, {
    details: { source, version, supported: [runSchema] },
  });
}
