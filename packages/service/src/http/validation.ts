import { Ajv, type ValidateFunction } from "ajv";
import ajvFormats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";

const common = { allErrors: false, removeAdditional: false, useDefaults: true, strict: true } as const;
// A body says what it means: "5" is no number. In paths, queries and headers everything is text.
const bodies = new Ajv(common);
const texts = new Ajv({ ...common, coerceTypes: "array" });
for (const ajv of [bodies, texts]) (ajvFormats as unknown as (ajv: Ajv) => void)(ajv);

/** Compiles the schemas of routes. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }): ValidateFunction =>
  (httpPart === "body" ? bodies : texts).compile(schema);
