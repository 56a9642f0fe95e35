import { type TUnsafe, Type } from "typebox";
import { RequestFailure } from "../http/failure.ts";
import { strict } from "../http/schemas.ts";

/** A JSON-RPC 2.0 request or, without an id, a notification. */
export interface RpcRequest {
  readonly jsonrpc: "2.0";
  readonly id?: string | number;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export const rpcRequest: ReturnType<typeof strict> = strict({
  jsonrpc: Type.Literal("2.0"),
  id: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Integer()])),
  method: Type.String({ minLength: 1, maxLength: 100 }),
  params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export const rpcAnswer: TUnsafe = Type.Unsafe<unknown>(
  Type.Object(
    {
      jsonrpc: Type.Literal("2.0"),
      id: Type.Union([Type.String(), Type.Integer(), Type.Null()]),
      result: Type.Optional(Type.Unknown()),
      error: Type.Optional(
        Type.Object({ code: Type.Integer(), message: Type.String(), data: Type.Optional(Type.Unknown()) }),
      ),
    },
    { title: "RpcAnswer" },
  ),
);

export const rpcErrors = { methodNotFound: -32601, invalidParams: -32602, internal: -32603 } as const;

/** An answer that is an error of the protocol. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

type Answer = Readonly<Record<string, unknown>>;

/**
 * Answers a request by `handle`. Refusals are told as errors of the protocol; what went wrong here is thrown, and becomes a
 * failure of the HTTP request with its log and its id.
 */
export async function answerRpc(
  { id, method, params = {} }: RpcRequest,
  handle: (method: string, params: Answer) => unknown,
): Promise<Answer> {
  try {
    return { jsonrpc: "2.0", id: id ?? null, result: await handle(method, params) };
  } catch (error) {
    const { code, message, data } = rpcErrorOf(error);
    return { jsonrpc: "2.0", id: id ?? null, error: { code, message, ...(data !== undefined && { data }) } };
  }
}

function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (!(error instanceof RequestFailure) || error.statusCode >= 500) throw error;
  return new RpcError(rpcErrors.invalidParams, error.message, { code: error.code });
}
