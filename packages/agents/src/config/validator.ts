import { messageOf } from "@mettle/core";
import { configErrors } from "./errors.ts";

/** What the store needs of a Standard Schema (zod, valibot, arktype and others); synchronous ones only. */
export interface SettingSchema<Value> {
  readonly "~standard": {
    readonly version: 1;
    readonly validate: (value: unknown) => SchemaResult<Value> | Promise<SchemaResult<Value>>;
  };
}
type SchemaResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** Returns the value to store, possibly another than it was given, or throws. */
export type SettingCheck<Value> = (value: unknown) => Value;

export type SettingValidator<Value> = SettingSchema<Value> | SettingCheck<Value>;

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
  if (result instanceof Promise) throw invalid(path, "its schema is asynchronous");
  if (result.issues === undefined) return result.value;
  throw invalid(path, result.issues.map(({ message }) => message).join("; "));
}

const invalid = (path: string, why: string, cause?: unknown): Error =>
  configErrors.create("SETTING_INVALID", `${path}: ${why}.`, { cause, details: { path } });
