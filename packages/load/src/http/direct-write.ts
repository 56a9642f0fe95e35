import type { Socket } from "node:net";
import { getSystemErrorName } from "node:util";
import { isTls } from "./node-parts.ts";

/**
 * Writing to a socket without `stream.Writable`, whose bookkeeping and the tick that it schedules cost some 2.5 µs of the
 * 18 µs that a small GET takes (measured on a GET against nginx, 50 connections). Node does the same underneath: one call
 * into libuv, which writes at once or queues.
 *
 * It needs the handle of a socket, which Node does not document. Wherever that does not look as expected, `undefined` is
 * returned and the socket is written to in the ordinary way.
 */
export interface DirectWriter {
  /**
   * Hot. True when the kernel took it all within the call. Order with earlier writes is kept.
   *
   * @throws the system's error, as a socket would emit it
   */
  write(bytes: Buffer): boolean;
}

/** What `net.Socket` hands to its handle with each write. Libuv keeps it only while a write is queued. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  buffer?: Buffer;
}

interface StreamHandle {
  readonly writeQueueSize: number;
  /** Newer versions of Node pass no request to the first attempt, and want another protocol then. */
  writeBuffer: (this: StreamHandle, request: WriteRequest | null, bytes: Buffer) => number;
}

/** Null where this Node writes in another way than is known here. */
let RequestClass: (new () => WriteRequest) | null | undefined;

/**
 * @param onError - of a write that was queued
 * @returns `undefined` for sockets with TLS, and where the handle is not known
 */
export function directWriter(socket: Socket, onError: (error: Error) => void): DirectWriter | undefined {
  if (isTls(socket)) return undefined;
  const handle = (socket as unknown as { _handle?: Partial<StreamHandle> })._handle;
  if (typeof handle?.writeBuffer !== "function" || typeof handle.writeQueueSize !== "number") return undefined;
  if (RequestClass === null) return undefined;
  if (!RequestClass) {
    learnRequestClass(handle as StreamHandle);
    return undefined;
  }
  return new HandleWriter(handle as StreamHandle, onError, RequestClass);
}

/** The first write of the first socket goes the ordinary way and shows what Node makes for a write. */
function learnRequestClass(handle: StreamHandle): void {
  const { writeBuffer } = handle;
  handle.writeBuffer = (request, bytes) => {
    handle.writeBuffer = writeBuffer;
    RequestClass = (request?.constructor ?? null) as typeof RequestClass;
    return writeBuffer.call(handle, request, bytes);
  };
}

class HandleWriter implements DirectWriter {
  readonly #handle: StreamHandle;
  readonly #onError: (error: Error) => void;
  readonly #Request: new () => WriteRequest;
  /** Used again and again while writes complete at once. */
  #request: WriteRequest;

  constructor(handle: StreamHandle, onError: (error: Error) => void, Request: new () => WriteRequest) {
    this.#handle = handle;
    this.#onError = onError;
    this.#Request = Request;
    this.#request = new Request();
  }

  write(bytes: Buffer): boolean {
    const request = this.#request;
    const result = this.#handle.writeBuffer(request, bytes);
    if (result < 0) throw writeError(result);
    if (this.#handle.writeQueueSize === 0) return true;
    // Queued: the request is libuv's until it has been written, and the bytes must live as long.
    request.buffer = bytes;
    request.oncomplete = (status) => {
      if (status < 0) this.#onError(writeError(status));
    };
    this.#request = new this.#Request();
    return false;
  }
}

function writeError(errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`write ${code}`), { code, errno, syscall: "write" });
}
