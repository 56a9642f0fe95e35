import { randomUUID } from "node:crypto";
import { type FormPart, multipartBody } from "../../http/multipart.ts";
import { FileData, partOf } from "../http/body.ts";
import { arrayBufferOf } from "../modules/encoding.ts";
import { textOf } from "../text.ts";

/** The class of `https://jslib.k6.io/formdata`: a multipart body with several values under one name. */
class FormData {
  readonly boundary: string = `----mettle-${randomUUID()}`;
  readonly #parts: FormPart[] = [];

  append(name: unknown, value: unknown, filename?: unknown): void {
    if (value instanceof FileData) this.#parts.push(partOf(String(name), value));
    else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes =
        value instanceof ArrayBuffer
          ? value
          : arrayBufferOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      this.#parts.push(partOf(String(name), new FileData(bytes, textOf(filename ?? "blob"))));
    } else if (typeof value === "object" && value !== null && "data" in value) {
      const {
        data,
        filename: own,
        content_type: type,
      } = value as { data: string; filename?: string; content_type?: string };
      this.#parts.push(partOf(String(name), new FileData(data, own ?? textOf(filename ?? "blob"), type)));
    } else this.#parts.push({ name: String(name), value: String(value) });
  }

  get contentType(): string {
    return `multipart/form-data; boundary=${this.boundary}`;
  }

  body(): ArrayBuffer {
    return arrayBufferOf(multipartBody(this.#parts, this.boundary).body);
  }
}

export const formDataModule = (): Record<string, unknown> => ({ FormData });
