import { formatQuantity, isNeverNegative } from "@mettle/core";
import { type CaseDefinition, recordDefaults } from "./definition.ts";
import { CaseContext, SampleError } from "./driver.ts";

export interface Collected {
  readonly values: Readonly<Record<string, Float64Array>>;
  /** One for each call that threw, was rejected or missed its deadline. */
  readonly errors: readonly { readonly error: unknown; readonly rejected: boolean }[];
}

/**
 * Calls a record body again and again and keeps what it returns, key by key; a plain number goes under `value`.
 * Failed calls are kept as errors: a missed deadline is a result, not a gap.
 */
export async function collectRecords(
  definition: CaseDefinition,
  durationMs: number,
  atCall: () => void,
): Promise<Collected> {
  const { body, options } = definition;
  const context = new CaseContext(definition.parameters);
  const values: Record<string, number[]> = {};
  const errors: Collected["errors"][number][] = [];
  const end = performance.now() + durationMs;
  const calls = options.iterations ?? Number.POSITIVE_INFINITY;
  for (let call = 0; call < calls; call++) {
    if (options.iterations === undefined && call > 0 && performance.now() >= end) break;
    atCall();
    let returned = false;
    try {
      const record = body(context);
      returned = true;
      keep(values, await record, options.units ?? {});
    } catch (error) {
      errors.push({ error, rejected: returned });
      if (errors.length >= 1000) break;
    }
  }
  return {
    values: Object.fromEntries(Object.entries(values).map(([key, list]) => [key, Float64Array.from(list)])),
    errors,
  };
}

function keep(
  values: Record<string, number[]>,
  record: unknown,
  units: NonNullable<CaseDefinition["options"]["units"]>,
): void {
  const entries = typeof record === "number" ? [["value", record] as const] : Object.entries(record ?? {});
  if (entries.length === 0) {
    throw new SampleError("threw", "the body returned neither a number nor a record of numbers");
  }
  const numbers = entries.map(([key, value]) => {
    const number: unknown = typeof value === "boolean" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number)) {
      throw new SampleError("not-finite", `the value of ${key} is ${String(value)}, not a finite number`);
    }
    const { unit } = units[key] ?? recordDefaults;
    if (number < 0 && isNeverNegative(unit)) {
      const shown = formatQuantity(number, unit);
      throw new SampleError("negative", `the value of ${key} is ${shown}, less than nothing; see the option units`);
    }
    return [key, number] as const;
  });
  // Only when every value is good: a record is one sample.
  for (const [key, number] of numbers) (values[key] ??= []).push(number);
}
