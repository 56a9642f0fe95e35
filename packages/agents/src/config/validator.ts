import { messageOf } from "@mettle/core";
import { issueText, type StandardSchema } from "../agent/standard-schema.ts";
import { configErrors } from "./errors.ts";

/** Returns the value to store, possibly another than it was given, or throws. */
export type SettingCheck<Value> = (value: unknown) => Value;

/** A function, or a validator that follows the Standard Schema convention and answers at once. */
export type SettingValidator<Value> = StandardSchema<unknown, Value> | SettingCheck<Value>;

/** @throws MettleError `SETTING_INVALID` */
export function validated(validator: SettingValidator<unknown>, path: string, value: unknown): unknown {
  // A schema may be a function that has "~standard"; arktype's are.
  if (!("~standard" in validator)) {
    try {
      return validator(value);
    } catch (error) {
      throw invalid(path, messageOf(error), error);
    }
  }
  const result = validator["~standard"].validate(value);
  if (result instanceof Promise) {
    result.catch(() => undefined); // its outcome is not used: the schema itself is refused
    throw invalid(path, "its schema is asynchronous");
  }
  if (result.issues === undefined) return result.value;
  throw invalid(path, result.issues.map(issueText).join("; "));
}

const invalid = (path: string, why: string, cause?: unknown): Error =>
  configErrors.create("SETTING_INVALID", `${path}: ${why}.`, { cause, details: { path } });
