// Parts of Node that load over plain HTTP never needs. Importing them costs each thread some 40 ms of CPU and a few MiB, which
// is much of what a short load test costs at all; whoever needs one gets it when it is first used.
import type * as http2 from "node:http2";
import type { Socket } from "node:net";
import type * as tls from "node:tls";
import type * as zlib from "node:zlib";

export const nodeTls = (): typeof tls => process.getBuiltinModule("node:tls");
export const nodeHttp2 = (): typeof http2 => process.getBuiltinModule("node:http2");
export const nodeZlib = (): typeof zlib => process.getBuiltinModule("node:zlib");

/** `instanceof TLSSocket`, without the class. */
export const isTls = (socket: Socket): socket is tls.TLSSocket => (socket as Partial<tls.TLSSocket>).encrypted === true;
