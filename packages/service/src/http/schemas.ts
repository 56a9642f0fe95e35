import { type TObject, type TProperties, type TSchema, Type } from "typebox";

/** The schema of a failure, for documents and generated clients. */
const failureSchema: TSchema = Type.Object(
  {
    error: Type.Object({
      type: Type.String(),
      code: Type.String(),
      message: Type.String(),
      details: Type.Record(Type.String(), Type.Unknown()),
      request_id: Type.String(),
    }),
  },
  { title: "Failure", description: "Any answer that is no success." },
);

/** An object that has no properties but those named: what a caller must not set cannot be set. */
export const strict = <P extends TProperties>(properties: P): TObject<P> =>
  Type.Object(properties, { additionalProperties: false });

/** The failures that every route may answer with. */
export const failures: Readonly<Record<string, TSchema>> = { "4xx": failureSchema, "5xx": failureSchema };

export const bearer: readonly Readonly<Record<string, readonly string[]>>[] = [{ bearer: [] }];
