import { type FormPart, multipartBody } from "../../http/multipart.ts";
import { textOf } from "../text.ts";

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
  if (typeof body !== "object") return { body: textOf(body) };
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

/** A field of a form as a part of a multipart body. */
export const partOf = (name: string, value: string | FileData): FormPart =>
  value instanceof FileData
    ? { name, value: bytesOf(value.data), filename: value.filename, contentType: value.content_type }
    : { name, value };

function multipart(fields: readonly (readonly [string, unknown])[]): EncodedBody {
  return multipartBody(
    fields.map(([name, value]) => partOf(name, value instanceof FileData ? value : formValue(value))),
  );
}
