import { isObject } from "./openai-chat.ts";

export type RpcId = string | number | null;

export interface RpcCall {
  /** Undefined for a notification. */
  readonly id: RpcId | undefined;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
} as const;

/** Reads one JSON-RPC 2.0 request or notification; undefined for anything else. */
export function readRpcCall(body: unknown): RpcCall | undefined {
  if (!isObject(body) || body["jsonrpc"] !== "2.0" || typeof body["method"] !== "string") return undefined;
  const { id, params } = body as { id?: unknown; params?: unknown };
  if (id !== undefined && id !== null && typeof id !== "string" && typeof id !== "number") return undefined;
  if (params !== undefined && !isObject(params)) return undefined;
  return { id, method: body["method"], params: isObject(params) ? params : {} };
}

export const rpcResult = (id: RpcId | undefined, result: unknown): string =>
  JSON.stringify({ jsonrpc: "2.0", id: id ?? null, result });

export const rpcError = (id: RpcId | undefined, code: number, message: string, data?: unknown): string =>
  JSON.stringify({ jsonrpc: "2.0", id: id ?? null, error: { code, message, ...(data !== undefined && { data }) } });
