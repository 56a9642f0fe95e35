import { randomUUID } from "node:crypto";

/** What `http.file` makes. */
export class FileData {
  readonly data: string | ArrayBuffer | Uint8Array;
  readonly filename: string;
  readonly content_type: string;

  constructor(data: string | ArrayBuffer | Uint8Array, filename?: string, contentType?: string) {
    this.data = data;
    this.filename = filename ?? `${Date.now()}`;
    this.content_type = contentType ?? "application/octet-stream";
  }
}

export interface EncodedBody {
  readonly body: string | Uint8Array | undefined;
  /** Of the `Content-Type` header, where the body's form decides it. */
  readonly contentType?: string;
}

export const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array =>
  typeof data === "string"
    ? new TextEncoder().encode(data)
    : data instanceof ArrayBuffer
      ? new Uint8Array(data)
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** A script's body as k6 sends it: text and bytes as they are, objects as a form, with files as multipart. */
export function encodeBody(body: unknown): EncodedBody {
  if (body === null || body === undefined) return { body: undefined };
  if (typeof body === "string") return { body };
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return { body: bytesOf(body) };
  if (typeof body !== "object") return { body: String(body) };
  const fields = Object.entries(body as Record<string, unknown>);
  if (fields.some(([, value]) => value instanceof FileData)) return multipart(fields);
  return { body: formText(fields), contentType: "application/x-www-form-urlencoded" };
}

function formText(fields: readonly (readonly [string, unknown])[]): string {
  const form = new URLSearchParams();
  for (const [name, value] of fields) {
    for (const item of Array.isArray(value) ? value : [value]) form.append(name, formValue(item));
  }
  form.sort();
  return form.toString();
}

const formValue = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

const quoted = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll(/[\r\n]/g, " ");

export interface Part {
  readonly name: string;
  readonly value: string | FileData;
}

export function multipartBody(parts: readonly Part[], boundary: string): Uint8Array {
  const chunks = parts.flatMap(({ name, value }) => {
    const isFile = value instanceof FileData;
    const head = isFile
      ? `; filename="${quoted(value.filename)}"\r\nContent-Type: ${value.content_type}`
      : "";
    return [
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"${head}\r\n\r\n`),
      bytesOf(isFile ? value.data : value),
      Buffer.from("\r\n"),
    ];
  });
  return Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]);
}

function multipart(fields: readonly (readonly [string, unknown])[]): EncodedBody {
  const boundary = `mettle-${randomUUID()}`;
  const parts = fields.map(([name, value]) => ({ name, value: value instanceof FileData ? value : formValue(value) }));
  return { body: multipartBody(parts, boundary), contentType: `multipart/form-data; boundary=${boundary}` };
}
